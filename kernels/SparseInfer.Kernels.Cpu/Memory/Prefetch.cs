using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Asks for memory ahead of its use, where the processor can be asked.</summary>
public static unsafe class Prefetch
{
    /// <summary>
    /// The first four cache lines of a row: the hardware follows a row once it is under way, but cannot know which row comes next.
    /// </summary>
    /// <param name="row">First byte of the row, in native memory. Harmless whatever it points at.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Row(ref byte row)
    {
        if (!Sse.IsSupported)
            return;
        byte* line = (byte*)Unsafe.AsPointer(ref row);
        Sse.Prefetch0(line);
        Sse.Prefetch0(line + 64);
        Sse.Prefetch0(line + 128);
        Sse.Prefetch0(line + 192);
    }
}
