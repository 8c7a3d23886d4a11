using System.Text;
using SparseInfer.Files;

namespace SparseInfer.Cli;

/// <summary>Where a command's results go: standard output, or the file that <c>--output-file</c> names.</summary>
internal static class OutputFile
{
    /// <summary>Writes results.</summary>
    /// <param name="path">The file; null: standard output.</param>
    /// <param name="text">All of them.</param>
    /// <param name="output">Standard output.</param>
    /// <exception cref="CliException">The file cannot be written.</exception>
    public static async Task WriteAsync(string? path, string text, TextWriter output)
    {
        if (path is null)
        {
            await output.WriteAsync(text);
            return;
        }

        WriteWhole(path, text, "--output-file");
    }

    /// <summary>Beside its place first: whoever looks sees the old file or the whole new one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="text">All of it.</param>
    /// <param name="option">The option that named it.</param>
    /// <exception cref="CliException">It cannot be written.</exception>
    public static void WriteWhole(string path, string text, string option)
    {
        try
        {
            AtomicFile.Write(Path.GetFullPath(path), overwrite: true, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"{option}: {exception.Message}");
        }
    }
}
