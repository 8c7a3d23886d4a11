namespace SparseInfer.Cli;

/// <summary>The file that <c>--output-file</c> names.</summary>
internal static class OutputFile
{
    /// <summary>Beside its place first: whoever looks sees the old file or the whole new one.</summary>
    public static void WriteWhole(string path, string text)
    {
        string full = Path.GetFullPath(path);
        string temporary = $"{full}.{Guid.NewGuid():n}.tmp";
        try
        {
            File.WriteAllText(temporary, text);
            File.Move(temporary, full, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(temporary))
            {
                File.Delete(temporary);
            }

            throw new CliException($"--output-file: {exception.Message}");
        }
    }
}
