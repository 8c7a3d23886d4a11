using System.Text;
using SparseInfer.Files;

namespace SparseInfer.Cli;

/// <summary>Where a command's results go: standard output, or the file that <c>--output-file</c> names.</summary>
internal static class OutputFile
{
    /// <summary>Writes results.</summary>
    /// <param name="path">The file; null: standard output. That it can be written is looked at first: results take long.</param>
    /// <param name="results">Computes all of them.</param>
    /// <param name="output">Standard output.</param>
    /// <exception cref="CliException">The file cannot be written.</exception>
    public static async Task WriteAsync(string? path, Func<string> results, TextWriter output)
    {
        if (path is null)
        {
            await output.WriteAsync(results());
            return;
        }

        RequireWritable(path, "--output-file");
        WriteWhole(path, results(), "--output-file");
    }

    /// <summary>Whether a file can be written where it is to be, before anything that takes time.</summary>
    /// <param name="path">The file.</param>
    /// <param name="option">The option that names it.</param>
    /// <exception cref="CliException">It cannot.</exception>
    public static void RequireWritable(string path, string option)
    {
        string full = Path.GetFullPath(path);
        if (Path.GetDirectoryName(full) is { } folder && !Directory.Exists(folder))
        {
            throw new CliException($"{option}: there is no folder '{folder}'.");
        }

        if (Directory.Exists(full))
        {
            throw new CliException($"{option}: '{full}' is a folder: name a file.");
        }

        try
        {
            File.Create($"{full}.{Guid.NewGuid():n}.tmp", 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"{option}: {exception.Message}");
        }
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
