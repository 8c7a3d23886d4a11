using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using SparseInfer.SoftwareCuda.Driver.Calls;

namespace SparseInfer.SoftwareCuda.Driver.Library;

/// <summary>The library that ILGPU finds the driver's functions in: written, loaded and bound to this process's functions once.</summary>
internal static unsafe partial class DriverLibrary
{
    private const int CloseOnExecution = 1;

    private static readonly Lazy<nint> Loaded = new(Open);

    /// <summary>Why there can be none here; null: there can.</summary>
    public static string? WhyNot =>
        !OperatingSystem.IsLinux() ? "its driver is written as a library for Linux"
        : RuntimeInformation.ProcessArchitecture is not (Architecture.X64 or Architecture.Arm64)
            ? $"its driver is written for x64 and arm64, and this process is {RuntimeInformation.ProcessArchitecture}"
        : null;

    /// <summary>The library, as the system's loader calls it.</summary>
    /// <exception cref="PlatformNotSupportedException">There can be none here.</exception>
    /// <exception cref="IOException">It could not be written or loaded.</exception>
    public static nint Load() => Loaded.Value;

    /// <summary>Loads a library from a file of its own, which is gone afterwards.</summary>
    /// <param name="image">The library's bytes.</param>
    /// <exception cref="IOException">The folder for temporary files takes none, or none that can be executed.</exception>
    [SupportedOSPlatform("linux")]
    internal static nint LoadFromFile(byte[] image)
    {
        string path = Path.Combine(Path.GetTempPath(), $"sparseinfer-{Guid.NewGuid():N}.so");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew, // nobody else's file, and no link to one
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
        };
        try
        {
            using (var file = new FileStream(path, options))
            {
                file.Write(image);
            }

            return NativeLibrary.Load(path);
        }
        catch (Exception exception) when (exception is DllNotFoundException or UnauthorizedAccessException)
        {
            throw new IOException(exception.Message.TrimEnd().Split('\n')[^1], exception); // the loader's own words come last
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Loads a library from memory; 0 where that does not work.</summary>
    /// <param name="image">The library's bytes.</param>
    [SupportedOSPlatform("linux")]
    internal static nint LoadFromMemory(byte[] image)
    {
        int descriptor;
        try
        {
            descriptor = CreateMemoryFile("sparseinfer-cuda-software", CloseOnExecution);
        }
        catch (EntryPointNotFoundException)
        {
            return 0; // a C library from before 2018
        }

        if (descriptor < 0)
        {
            return 0;
        }

        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        string path = $"/proc/self/fd/{descriptor}";
        try
        {
            File.WriteAllBytes(path, image);
            if (NativeLibrary.TryLoad(path, out nint library))
            {
                // It stays open: the loader knows a library by its path, and the next file with this number would be taken for this one.
                file.SetHandleAsInvalid();
                return library;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // No /proc.
        }

        file.Dispose();
        return 0;
    }

    private static nint Open()
    {
        if (WhyNot is not null || !OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException($"Device '{SoftwareCudaBackend.DeviceName}' cannot be used here: {WhyNot}.");
        }

        (string Name, nint Address)[] functions = EntryPoints.All;
        byte[] image = SharedObject.Write([.. functions.Select(function => function.Name)], RuntimeInformation.ProcessArchitecture);
        nint library = LoadFromMemory(image);
        if (library == 0)
        {
            library = LoadFromFile(image);
        }

        var table = (nint*)NativeLibrary.GetExport(library, SharedObject.TableName);
        for (int index = 0; index < functions.Length; index++)
        {
            table[index] = functions[index].Address;
        }

        return library;
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateMemoryFile(string name, uint flags);
}
