using System.Globalization;
using SparseInfer.Files;

namespace SparseInfer.Preparing;

/// <summary>Whether a file can be written where it is asked for: found out before hours of work, not after.</summary>
internal static class DestinationCheck
{
    public static void Run(ModelFile source, string destination, bool overwrite)
    {
        string full = Path.GetFullPath(destination);
        if (Directory.Exists(full) || Path.EndsInDirectorySeparator(destination))
        {
            throw new IOException($"{destination} is a folder: name the file to write.");
        }

        string folder = Path.GetDirectoryName(full)!;
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"There is no folder {folder} to write {Path.GetFileName(full)} in: make it first.");
        }

        RequireName(full);
        if (source.Paths.Any(path => IsSame(path, full)))
        {
            throw new IOException($"{destination} is the source itself: write to another file.");
        }

        string target = AtomicFile.Target(destination);
        if (File.Exists(target) && !overwrite)
        {
            throw new IOException($"{destination} is there already: remove it, or ask for it to be replaced.");
        }

        // Renaming a file over a device would take the device's place.
        if (File.Exists(target) && new FileInfo(target).Length == 0)
        {
            throw new IOException(
                $"{destination} is empty, or it is a pipe or a device, which is not replaced: remove it, or name another file.");
        }
    }

    public static void RequireSpace(string destination, long bytes)
    {
        string folder = Path.GetDirectoryName(AtomicFile.Target(destination))!;
        if (FreeSpace(folder) is { } free && free < bytes)
        {
            throw new IOException(
                $"{destination} will have {Megabytes(bytes)} MB, but only {Megabytes(free)} MB are free in {folder}: "
                + "make room, or write elsewhere.");
        }
    }

    /// <summary>A file system has its own opinion on how long a name may be; it speaks up for files that are not there, too.</summary>
    private static void RequireName(string full)
    {
        try
        {
            File.GetAttributes(full);
        }
        catch (FileNotFoundException)
        {
        }
    }

    /// <summary>Null where the operating system does not say, as for some network shares.</summary>
    private static long? FreeSpace(string folder)
    {
        try
        {
            return new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("N0", CultureInfo.InvariantCulture);

    private static bool IsSame(string file, string full) => Resolve(Path.GetFullPath(file)) == Resolve(full);

    private static string Resolve(string path) => File.Exists(path)
        ? new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path
        : path;
}
