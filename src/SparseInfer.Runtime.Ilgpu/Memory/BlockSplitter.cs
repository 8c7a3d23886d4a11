using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime;

/// <summary>
/// Splits rows of ggml's block types into quants and scales: a block of 18 or 34 bytes is not aligned for a wide load, its quants alone
/// are.
/// </summary>
internal static class BlockSplitter
{
    private const int ScaleBytes = sizeof(ushort);

    /// <summary>Splits some rows.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="from">The first row.</param>
    /// <param name="to">The end.</param>
    /// <param name="rowWords">Elements of <paramref name="words"/> a row.</param>
    /// <param name="words">Gets the quants, [rows x <paramref name="rowWords"/>].</param>
    /// <param name="scales">Gets the scales, [rows x blocks a row].</param>
    public static void Split(WeightMatrix matrix, int from, int to, int rowWords, Words4[] words, ushort[] scales)
    {
        int blocks = matrix.PaddedColumns / 32;
        int quantBytes = rowWords * Unsafe.SizeOf<Words4>() / blocks;
        ParallelLoop.For(from, to, row =>
        {
            ReadOnlySpan<byte> source = MemoryMarshal.CreateReadOnlySpan(ref matrix.Row(row), blocks * (ScaleBytes + quantBytes));
            Span<byte> quants = MemoryMarshal.AsBytes(words.AsSpan((row - from) * rowWords, rowWords));
            Span<ushort> rowScales = scales.AsSpan((row - from) * blocks, blocks);
            for (int block = 0; block < blocks; block++)
            {
                ReadOnlySpan<byte> bytes = source.Slice(block * (ScaleBytes + quantBytes), ScaleBytes + quantBytes);
                rowScales[block] = MemoryMarshal.Read<ushort>(bytes);
                bytes[ScaleBytes..].CopyTo(quants[(block * quantBytes)..]);
            }
        });
    }
}
