using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Asks for memory ahead of its use, where the processor can be asked.</summary>
internal static unsafe class Prefetch
{
    /// <summary>One cache line.</summary>
    /// <param name="address">Any address; harmless whatever it points at.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(byte* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(address);
        }
    }
}
