using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// How plain formats lie in a block of a down matrix: neuron by neuron, each a padded row. Turned in tiles whose source and destination lines
/// both fit the first-level cache; runs once, at load.
/// </summary>
internal static class PlainDownBlock
{
    private const int TileColumns = 64;

    /// <summary>See <see cref="IWeightFormat.TransposeDown"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose<TElement>(ref byte source, nint sourceStride, int columns, ref byte block, int neurons)
        where TElement : unmanaged
    {
        int paddedColumns = Padding.Pad(columns);
        for (int fromColumn = 0; fromColumn < columns; fromColumn += TileColumns)
        {
            int endColumn = Math.Min(fromColumn + TileColumns, columns);
            for (int i = 0; i < neurons; i++)
            {
                ref TElement destination = ref Unsafe.Add(ref Unsafe.As<byte, TElement>(ref block), (nint)i * paddedColumns);
                ref byte element = ref Unsafe.Add(ref source, (fromColumn * sourceStride) + ((nint)i * Unsafe.SizeOf<TElement>()));
                for (int j = fromColumn; j < endColumn; j++)
                {
                    Unsafe.Add(ref destination, j) = Unsafe.ReadUnaligned<TElement>(ref element);
                    element = ref Unsafe.Add(ref element, sourceStride);
                }
            }
        }
    }
}
