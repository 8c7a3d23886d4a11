using System.Runtime.InteropServices;

namespace SparseInfer.Files;

/// <summary>Writes files whole or not at all: a reader sees what was there before, or the new file.</summary>
internal static class AtomicFile
{
    /// <summary>SIGXFSZ, on every system and processor that .NET runs on.</summary>
    private const PosixSignal FileSizeExceeded = (PosixSignal)25;

    /// <summary>
    /// A write past the limit fails, as on a full disk; else it would be the process's end. Never disposed: the signal may arrive after the
    /// write has failed, and its default action would end the process then.
    /// </summary>
    private static readonly PosixSignalRegistration? Survival =
        OperatingSystem.IsLinux() || OperatingSystem.IsMacOS() || OperatingSystem.IsFreeBSD()
            ? PosixSignalRegistration.Create(FileSizeExceeded, context => context.Cancel = true)
            : null;

    /// <summary>Writes a file beside its place, waits until the disk has it, and moves it there.</summary>
    /// <param name="path">The file to create or to replace. Of a link, the target is replaced; of a file, the permissions are kept.</param>
    /// <param name="overwrite">Whether a file that is there is replaced.</param>
    /// <param name="write">Writes its content.</param>
    /// <param name="cancellationToken">Asked once more when all is written: after that there is the new file.</param>
    /// <exception cref="IOException">There is a file that is not to be replaced; or it could not be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing there is not permitted.</exception>
    public static void Write(string path, bool overwrite, Action<Stream> write, CancellationToken cancellationToken = default)
    {
        string target = Target(path);
        UnixFileMode? mode = !OperatingSystem.IsWindows() && File.Exists(target) ? File.GetUnixFileMode(target) : null;
        string folder = Path.GetDirectoryName(target)!;
        try
        {
            GC.KeepAlive(Survival);
            using TemporaryFile file = TemporaryFile.Create(folder, isPrivate: mode is not null);
            write(file.Stream);
            file.Stream.Flush(flushToDisk: true);
            cancellationToken.ThrowIfCancellationRequested();
            if (mode is { } kept && !OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(file.Stream.SafeFileHandle, kept);
            }

            file.MoveTo(target, overwrite);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new UnauthorizedAccessException($"{path} cannot be written: {folder} does not permit it.", exception);
        }
        catch (IOException exception) when (TemporaryFile.FindIn(exception.Message, folder) is { } temporary)
        {
            // A name that nobody typed, of a file that is gone by now.
            throw new IOException(exception.Message.Replace(temporary, path), exception);
        }
        catch (ArgumentOutOfRangeException exception) when (exception is { ParamName: "value", ActualValue: null })
        {
            // What .NET makes of EFBIG.
            throw new IOException(
                $"{path} cannot be written: it is larger than its file system or the limit of this process (ulimit -f) permits.", exception);
        }
    }

    /// <summary>The file that is written: a link's target, else the path itself.</summary>
    /// <exception cref="IOException">It is a link that leads to no file.</exception>
    public static string Target(string path)
    {
        string full = Path.GetFullPath(path);
        if (new FileInfo(full).LinkTarget is not { } link)
        {
            return full;
        }

        string? target = File.Exists(full) ? File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName : null;
        return target is not null && File.Exists(target)
            ? target
            : throw new IOException($"{path} is a link to {link}, which is no file to replace: name another one.");
    }
}
