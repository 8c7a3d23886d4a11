using ILGPU;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>Kernels that widen a matrix of four, five or six bits: a group for each row, a thread for each 32 columns.</summary>
public static class QuantKernels
{
    public static void Rows<T>(ArrayView<Words4> words, ArrayView<ushort> scales, int stride, int scalesOfRow, int blocks, ArrayView<Float4> widened)
        where T : struct, IQuantFacts
    {
        QuantBytes w = QuantFormat<T>.Load(words, Grid.IdxX * stride, Group.IdxX, blocks);
        QuantScale scale = QuantFormat<T>.Scale(scales, Grid.IdxX * scalesOfRow, Group.IdxX);
        Store<T>(w, scale, widened, ((Grid.IdxX * blocks) + Group.IdxX) * 8);
    }

    public static void Down<T>(ArrayView<Words4> words, ArrayView<Words4> scales, int stride, int partNeurons, int blocks, ArrayView<Float4> unscaled, ArrayView<Float4> widened)
        where T : struct, IQuantFacts
    {
        QuantBytes w = QuantFormat<T>.Load(words, Grid.IdxX * stride, Group.IdxX, blocks);
        int first = ((Grid.IdxX * blocks) + Group.IdxX) * 8;
        Store<T>(w, QuantFormat<T>.One, unscaled, first);
        for (int k = 0; k < 8; k++)
        {
            QuantColumns columns = QuantFormat<T>.Columns(scales, Grid.IdxX / partNeurons, (Group.IdxX * 8) + k, blocks * 8);
            widened[first + k] = QuantFormat<T>.WidenDown(unscaled[first + k], columns.Scale, columns.Minimum);
        }
    }

    /// <summary>Four bytes at a time, as several tokens read down.</summary>
    public static void DownWords<T>(ArrayView<Words4> words, int stride, int blocks, ArrayView<uint> quants)
        where T : struct, IQuantFacts
    {
        for (int k = 0; k < 4; k++)
        {
            Words2 w = QuantFormat<T>.LoadWord(words, Grid.IdxX * stride, (Group.IdxX * 4) + k, blocks);
            int place = (((Grid.IdxX * blocks) + Group.IdxX) * 8) + k;
            quants[place] = w.X;
            quants[place + 4] = w.Y;
        }
    }

    private static void Store<T>(QuantBytes w, QuantScale scale, ArrayView<Float4> widened, int first)
        where T : struct, IQuantFacts
    {
        widened[first] = QuantFormat<T>.Widen0(w, scale);
        widened[first + 1] = QuantFormat<T>.Widen1(w, scale);
        widened[first + 2] = QuantFormat<T>.Widen2(w, scale);
        widened[first + 3] = QuantFormat<T>.Widen3(w, scale);
        widened[first + 4] = QuantFormat<T>.Widen4(w, scale);
        widened[first + 5] = QuantFormat<T>.Widen5(w, scale);
        widened[first + 6] = QuantFormat<T>.Widen6(w, scale);
        widened[first + 7] = QuantFormat<T>.Widen7(w, scale);
    }
}
