using System.Runtime.InteropServices;

namespace SparseInfer.Models.Tests;

/// <summary>
/// Memory that ends at a page nobody may touch. Bytes are placed so that the one after their last lies in that page: whoever reads past
/// their end does not get a wrong value, but ends the process.
/// </summary>
internal sealed unsafe partial class GuardedBuffer : IDisposable
{
    private readonly byte* _start;
    private readonly nint _size;

    /// <param name="capacity">The most bytes that will be placed.</param>
    public GuardedBuffer(int capacity)
    {
        nint page = Environment.SystemPageSize;
        nint room = (capacity + page - 1) / page * page;
        _size = room + page;
        _start = OperatingSystem.IsWindows() ? Windows.Reserve(_size) : Unix.Reserve(_size);
        Guard = _start + room;
        bool guarded = OperatingSystem.IsWindows() ? Windows.Forbid(Guard, page) : Unix.Forbid(Guard, page);
        if (!guarded)
        {
            throw new InvalidOperationException($"The guard page could not be set up: error {Marshal.GetLastPInvokeError()}.");
        }
    }

    /// <summary>The first byte that may not be touched.</summary>
    public byte* Guard { get; }

    /// <summary>Places bytes, in the place of those before.</summary>
    public byte* Place(ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, Guard - _start);
        byte* start = Guard - bytes.Length;
        bytes.CopyTo(new Span<byte>(start, bytes.Length));
        return start;
    }

    public void Dispose()
    {
        if (OperatingSystem.IsWindows())
        {
            Windows.Free(_start);
        }
        else
        {
            Unix.Free(_start, _size);
        }
    }

    private static partial class Unix
    {
        private const int ReadAndWrite = 1 | 2; // PROT_READ | PROT_WRITE
        private const int Private = 2; // MAP_PRIVATE

        private static int Anonymous => OperatingSystem.IsMacOS() ? 0x1000 : 0x20; // MAP_ANONYMOUS

        public static byte* Reserve(nint size)
        {
            void* start = Map(null, (nuint)size, ReadAndWrite, Private | Anonymous, -1, 0);
            return (nint)start == -1 ? throw new OutOfMemoryException() : (byte*)start;
        }

        public static bool Forbid(byte* start, nint size) => Protect(start, (nuint)size, 0) == 0;

        public static void Free(byte* start, nint size) => _ = Unmap(start, (nuint)size);

        [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
        private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

        [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
        private static partial int Protect(void* address, nuint length, int protection);

        [LibraryImport("libc", EntryPoint = "munmap")]
        private static partial int Unmap(void* address, nuint length);
    }

    private static partial class Windows
    {
        private const uint ReserveAndCommit = 0x3000; // MEM_RESERVE | MEM_COMMIT
        private const uint Release = 0x8000; // MEM_RELEASE
        private const uint NoAccess = 1; // PAGE_NOACCESS
        private const uint ReadWrite = 4; // PAGE_READWRITE

        public static byte* Reserve(nint size)
        {
            void* start = VirtualAlloc(null, (nuint)size, ReserveAndCommit, ReadWrite);
            return start is null ? throw new OutOfMemoryException() : (byte*)start;
        }

        public static bool Forbid(byte* start, nint size) => VirtualProtect(start, (nuint)size, NoAccess, out _) != 0;

        public static void Free(byte* start) => _ = VirtualFree(start, 0, Release);

        [LibraryImport("kernel32", SetLastError = true)]
        private static partial void* VirtualAlloc(void* address, nuint size, uint type, uint protection);

        [LibraryImport("kernel32", SetLastError = true)]
        private static partial int VirtualProtect(void* address, nuint size, uint protection, out uint before);

        [LibraryImport("kernel32")]
        private static partial int VirtualFree(void* address, nuint size, uint type);
    }
}
