using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Turns a file's down matrix (hidden x intermediate) into neuron-major storage, in tiles whose source and destination lines both fit the
/// first-level cache; runs once, at load. And four vectors in registers.
/// </summary>
internal static class Transposition
{
    private const int TileColumns = 64;

    /// <summary>Rows become columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FourByFour(ref Vector128<float> a, ref Vector128<float> b, ref Vector128<float> c, ref Vector128<float> d)
    {
        if (Sse.IsSupported)
        {
            Vector128<float> ab = Sse.UnpackLow(a, b);
            Vector128<float> cd = Sse.UnpackLow(c, d);
            Vector128<float> abHigh = Sse.UnpackHigh(a, b);
            Vector128<float> cdHigh = Sse.UnpackHigh(c, d);
            a = Sse.MoveLowToHigh(ab, cd);
            b = Sse.MoveHighToLow(cd, ab);
            c = Sse.MoveLowToHigh(abHigh, cdHigh);
            d = Sse.MoveHighToLow(cdHigh, abHigh);
            return;
        }
        Vector128<float> first = Vector128.Create(a[0], b[0], c[0], d[0]);
        Vector128<float> second = Vector128.Create(a[1], b[1], c[1], d[1]);
        Vector128<float> third = Vector128.Create(a[2], b[2], c[2], d[2]);
        d = Vector128.Create(a[3], b[3], c[3], d[3]);
        a = first;
        b = second;
        c = third;
    }

    /// <summary>Rows become columns in the lower halves, and in the upper ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FourByFour(ref Vector256<float> a, ref Vector256<float> b, ref Vector256<float> c, ref Vector256<float> d)
    {
        if (Avx.IsSupported)
        {
            Vector256<double> ab = Avx.UnpackLow(a, b).AsDouble();
            Vector256<double> cd = Avx.UnpackLow(c, d).AsDouble();
            Vector256<double> abHigh = Avx.UnpackHigh(a, b).AsDouble();
            Vector256<double> cdHigh = Avx.UnpackHigh(c, d).AsDouble();
            a = Avx.UnpackLow(ab, cd).AsSingle();
            b = Avx.UnpackHigh(ab, cd).AsSingle();
            c = Avx.UnpackLow(abHigh, cdHigh).AsSingle();
            d = Avx.UnpackHigh(abHigh, cdHigh).AsSingle();
            return;
        }
        Vector128<float> a0 = a.GetLower(), b0 = b.GetLower(), c0 = c.GetLower(), d0 = d.GetLower();
        Vector128<float> a1 = a.GetUpper(), b1 = b.GetUpper(), c1 = c.GetUpper(), d1 = d.GetUpper();
        FourByFour(ref a0, ref b0, ref c0, ref d0);
        FourByFour(ref a1, ref b1, ref c1, ref d1);
        a = Vector256.Create(a0, a1);
        b = Vector256.Create(b0, b1);
        c = Vector256.Create(c0, c1);
        d = Vector256.Create(d0, d1);
    }

    /// <summary>Plain formats: element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Plain<TElement>(ref byte source, nint sourceStride, in DownMatrix down, int fromNeuron, int toNeuron)
        where TElement : unmanaged
    {
        for (int neurons = fromNeuron; neurons < toNeuron; neurons += DownMatrix.BlockNeurons)
        {
            int endNeuron = Math.Min(neurons + DownMatrix.BlockNeurons, toNeuron);
            for (int columns = 0; columns < down.Columns; columns += TileColumns)
            {
                int endColumn = Math.Min(columns + TileColumns, down.Columns);
                for (int i = neurons; i < endNeuron; i++)
                {
                    ref TElement destination = ref Unsafe.As<byte, TElement>(ref down.Neuron(i));
                    ref byte element = ref Unsafe.Add(ref source, (columns * sourceStride) + ((nint)i * Unsafe.SizeOf<TElement>()));
                    for (int j = columns; j < endColumn; j++)
                    {
                        Unsafe.Add(ref destination, j) = Unsafe.ReadUnaligned<TElement>(ref element);
                        element = ref Unsafe.Add(ref element, sourceStride);
                    }
                }
            }
        }
    }

    /// <summary>Q8_0: the block's scale goes to the row of scales, its 32 bytes to 32 neurons.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q8_0(ref byte source, nint sourceStride, in DownMatrix down, int fromNeuron, int toNeuron)
    {
        for (int neurons = fromNeuron; neurons < toNeuron; neurons += DownMatrix.BlockNeurons)
        {
            ref ushort scales = ref Unsafe.As<byte, ushort>(ref down.Scales(neurons));
            ref byte blocks = ref Unsafe.Add(ref source, (nint)(neurons / 32) * 34);
            for (int columns = 0; columns < down.Columns; columns += TileColumns)
            {
                int endColumn = Math.Min(columns + TileColumns, down.Columns);
                for (int j = columns; j < endColumn; j++)
                    Unsafe.Add(ref scales, j) = Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref blocks, j * sourceStride));
                for (int i = 0; i < DownMatrix.BlockNeurons; i++)
                {
                    ref byte destination = ref down.Neuron(neurons + i);
                    for (int j = columns; j < endColumn; j++)
                        Unsafe.Add(ref destination, j) = Unsafe.Add(ref blocks, (j * sourceStride) + 2 + i);
                }
            }
        }
    }

    /// <summary>
    /// Q4_0: as Q8_0, four bits each. In a neuron's row, too, byte k of every 16 holds column k below column k + 16; columns past the width
    /// hold 8, which means zero.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Q4_0(ref byte source, nint sourceStride, in DownMatrix down, int fromNeuron, int toNeuron)
    {
        for (int neurons = fromNeuron; neurons < toNeuron; neurons += DownMatrix.BlockNeurons)
        {
            ref ushort scales = ref Unsafe.As<byte, ushort>(ref down.Scales(neurons));
            ref byte blocks = ref Unsafe.Add(ref source, (nint)(neurons / 32) * 18);
            for (int columns = 0; columns < down.PaddedColumns; columns += 32)
            {
                int endColumn = Math.Min(columns + 32, down.Columns);
                for (int j = columns; j < endColumn; j++)
                    Unsafe.Add(ref scales, j) = Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref blocks, j * sourceStride));
                for (int i = 0; i < DownMatrix.BlockNeurons; i++)
                {
                    ref byte destination = ref Unsafe.Add(ref down.Neuron(neurons + i), columns / 2);
                    int shift = i < 16 ? 0 : 4;
                    for (int k = 0; k < 16; k++)
                    {
                        int lower = Nibble(ref blocks, sourceStride, columns + k, endColumn, i & 15, shift);
                        int upper = Nibble(ref blocks, sourceStride, columns + k + 16, endColumn, i & 15, shift);
                        Unsafe.Add(ref destination, k) = (byte)(lower | (upper << 4));
                    }
                }
            }
        }
    }

    private static int Nibble(ref byte blocks, nint sourceStride, int column, int endColumn, int index, int shift) =>
        column < endColumn ? (Unsafe.Add(ref blocks, (column * sourceStride) + 2 + index) >> shift) & 15 : 8;
}
