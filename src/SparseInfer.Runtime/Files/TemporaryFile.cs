using System.Collections.Concurrent;

namespace SparseInfer.Files;

/// <summary>
/// A file on its way to a name of its own, called <c>.sparseinfer-*.tmp</c> until then. It goes away with whatever ends its making: an
/// exception, the process's orderly end, or, where the process was killed, the next file that is made in that folder. A lock that goes
/// with the process tells the living from the dead.
/// </summary>
internal sealed class TemporaryFile : IDisposable
{
    private const string Prefix = ".sparseinfer-";
    private const string Suffix = ".tmp";
    private const string IdFormat = "n";

    private static readonly ConcurrentDictionary<string, TemporaryFile> Living = new();

    static TemporaryFile() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (string path in Living.Keys)
        {
            Delete(path);
        }
    };

    private TemporaryFile(string path, bool isPrivate)
    {
        Path = path;
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            // A lock that others may share: moving the file reads it where a file system has no links.
            Share = FileShare.Read | FileShare.Delete,
            BufferSize = 1 << 20,
        };
        if (isPrivate && !OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        Living[path] = this;
        try
        {
            Stream = new FileStream(path, options);
        }
        catch
        {
            Living.TryRemove(path, out _);
            throw;
        }
    }

    public string Path { get; }

    public FileStream Stream { get; }

    /// <summary>Makes one, and removes those that processes which are no more have left in the folder.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="isPrivate">Whether nobody else may read it while it is made.</param>
    public static TemporaryFile Create(string folder, bool isPrivate)
    {
        const int attempts = 3;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                var file = new TemporaryFile(System.IO.Path.Combine(folder, Prefix + Guid.NewGuid().ToString(IdFormat) + Suffix), isPrivate);
                if (File.Exists(file.Path))
                {
                    RemoveAbandoned(folder, file.Path);
                    return file;
                }

                file.Dispose();
            }
            catch (IOException) when (attempt < attempts)
            {
            }

            // Between its creation and its lock another process took it for abandoned.
            if (attempt == attempts)
            {
                throw new IOException($"A file that was made in {folder} was removed at once, {attempts} times.");
            }
        }
    }

    /// <summary>The path of such a file in a text, or null.</summary>
    public static string? FindIn(string text, string folder)
    {
        int start = text.IndexOf(System.IO.Path.Combine(folder, Prefix), StringComparison.Ordinal);
        int end = start < 0 ? -1 : text.IndexOf(Suffix, start, StringComparison.Ordinal);
        return end < 0 ? null : text[start..(end + Suffix.Length)];
    }

    /// <summary>Gives it its name.</summary>
    public void MoveTo(string path, bool overwrite)
    {
        // Still open, hence locked: nobody takes it for abandoned.
        File.Move(Path, path, overwrite);
        Living.TryRemove(Path, out _);
    }

    public void Dispose()
    {
        bool isGivenUp = Living.TryRemove(Path, out _);
        if (isGivenUp)
        {
            Delete(Path);
        }

        try
        {
            Stream.Dispose();
        }
        catch (Exception exception) when (isGivenUp && exception is IOException or ArgumentOutOfRangeException)
        {
            // What is still in its buffer found no room; nobody wants it any more, and the reason for that is on its way.
        }
    }

    private static void RemoveAbandoned(string folder, string own)
    {
        if (CanOpenAlone(own))
        {
            return; // No locks here: the living look like the dead.
        }

        try
        {
            foreach (string path in Directory.EnumerateFiles(folder, Prefix + "*" + Suffix))
            {
                string id = System.IO.Path.GetFileName(path)[Prefix.Length..^Suffix.Length];
                if (path != own && Guid.TryParseExact(id, IdFormat, out _) && new FileInfo(path).LinkTarget is null)
                {
                    RemoveUnlessLocked(path);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A folder that may be written to need not be readable.
        }
    }

    private static bool CanOpenAlone(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static void RemoveUnlessLocked(string path)
    {
        try
        {
            // Deleted before the lock is given up.
            new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }
}
