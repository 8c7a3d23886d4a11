using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>What Linux can be told about memory. All of it is advice: elsewhere, and where the kernel declines, nothing happens.</summary>
public static unsafe partial class VirtualMemory
{
    /// <summary>A huge page: 2 MiB on x86-64, and on ARM where pages are 4 KiB.</summary>
    internal const int HugePage = 2 << 20;

    // asm-generic/mman-common.h; the same on x86-64 and ARM64.
    private const int DontNeed = 4; // MADV_DONTNEED
    private const int HugePages = 14; // MADV_HUGEPAGE

    /// <summary>
    /// Gives back the memory behind a part of a read-only file mapping: it stays in the file cache, but counts no longer as this process's,
    /// and is mapped again if it is read again. Never for memory that holds anything of its own: it would read as zeros.
    /// </summary>
    /// <param name="address">First byte, in the mapping of a file.</param>
    /// <param name="bytes">Length; pages that are not wholly inside stay.</param>
    public static void DropFilePages(nint address, long bytes) => Advise(address, bytes, Environment.SystemPageSize, DontNeed);

    /// <summary>Asks for huge pages where a whole one fits, before the memory is touched.</summary>
    internal static void PreferHugePages(void* address, long bytes) => Advise((nint)address, bytes, HugePage, HugePages);

    private static void Advise(nint address, long bytes, int unit, int advice)
    {
        if (!OperatingSystem.IsLinux() || address == 0)
        {
            return;
        }

        nint from = (address + (unit - 1)) & -(nint)unit;
        nint to = (nint)(address + bytes) & -(nint)unit;
        if (to <= from)
        {
            return;
        }

        try
        {
            _ = MemoryAdvise((void*)from, (nuint)(to - from), advice);
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            // A Linux without a libc of that name: advice is not worth failing for.
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(void* address, nuint length, int advice);
}
