using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime;

/// <summary>
/// Splits rows of ggml's block types into quants and scales: a block with its scale is not aligned for a wide load, its quants alone are.
/// </summary>
internal static class BlockSplitter
{
    /// <summary>Splits some rows.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="format">Its type.</param>
    /// <param name="from">The first row.</param>
    /// <param name="to">The end.</param>
    /// <param name="rowWords">Elements of <paramref name="words"/> a row.</param>
    /// <param name="words">Gets the quants, <see cref="Words4"/> [rows x <paramref name="rowWords"/>].</param>
    /// <param name="scales">Gets the scales, ushort [rows x scales a row].</param>
    public static unsafe void Split(WeightMatrix matrix, DeviceFormat format, int from, int to, int rowWords, nint words, nint scales)
    {
        int blocks = matrix.PaddedColumns / format.BlockColumns;
        int rowScales = blocks * format.ScaleHalves;
        ParallelLoop.For(from, to, row =>
        {
            ReadOnlySpan<byte> source = MemoryMarshal.CreateReadOnlySpan(ref matrix.Row(row), blocks * format.BlockBytes);
            format.SplitRow(
                source,
                new Span<byte>((Words4*)words + ((long)(row - from) * rowWords), rowWords * sizeof(Words4)),
                new Span<ushort>((ushort*)scales + ((long)(row - from) * rowScales), rowScales));
        });
    }
}
