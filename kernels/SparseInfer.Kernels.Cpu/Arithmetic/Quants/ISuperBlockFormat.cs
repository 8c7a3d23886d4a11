using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>What <see cref="SuperBlockDot"/> asks of a block of 256 with AVX2.</summary>
internal unsafe interface ISuperBlockFormat : IQuantFormat
{
    /// <summary>Integer scales: of the first half of every 32 columns, then of the second.</summary>
    static abstract Vector256<short> Scales(byte* block);

    /// <summary>Integer minima, the same.</summary>
    static abstract Vector256<short> Minima(byte* block);
}
