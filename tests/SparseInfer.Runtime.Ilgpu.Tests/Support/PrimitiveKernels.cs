using ILGPU;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>Kernels that call each primitive: a thread for each element of the words, quads of its columns one after the other.</summary>
public static class PrimitiveKernels
{
    public const float H = 0.75f;

    /// <summary>The value of one step of the rounded activations.</summary>
    public const float Step = 0.00390625f;

    public static void F32(
        ArrayView<Words4> words, ArrayView<ushort> scales, ArrayView<Float4> x, ArrayView<float> dot, ArrayView<Float4> y, ArrayView<Float4> widened)
    {
        int i = (Grid.IdxX * Group.DimX) + Group.IdxX;
        Words4 w = words[i];
        dot[i] = Kernels.Ilgpu.F32.Dot(w, x[i], dot[i]);
        Float4 y0 = y[i];
        Kernels.Ilgpu.F32.AddScaled(w, H, ref y0);
        y[i] = y0;
        widened[i] = Kernels.Ilgpu.F32.Widen0(w);
    }

    public static void F16(
        ArrayView<Words4> words, ArrayView<ushort> scales, ArrayView<Float4> x, ArrayView<float> dot, ArrayView<Float4> y, ArrayView<Float4> widened)
    {
        int i = (Grid.IdxX * Group.DimX) + Group.IdxX;
        int q = 2 * i;
        Words4 w = words[i];
        dot[i] = Kernels.Ilgpu.F16.Dot(w, x[q], x[q + 1], dot[i]);
        Float4 y0 = y[q];
        Float4 y1 = y[q + 1];
        Kernels.Ilgpu.F16.AddScaled(w, H, ref y0, ref y1);
        y[q] = y0;
        y[q + 1] = y1;
        widened[q] = Kernels.Ilgpu.F16.Widen0(w);
        widened[q + 1] = Kernels.Ilgpu.F16.Widen1(w);
    }

    public static void Halves(ArrayView<float> values, ArrayView<ushort> halves)
    {
        int i = (Grid.IdxX * Group.DimX) + Group.IdxX;
        halves[i] = Kernels.Ilgpu.F16.Narrow(values[i]);
    }

    /// <summary>A group for each <paramref name="length"/> scores.</summary>
    public static void Keep(ArrayView<float> scores, int length, int count, ArrayView<float> kept) =>
        Largest.Keep(scores, Grid.IdxX * length, length, count, kept);

    public static void BF16(
        ArrayView<Words4> words, ArrayView<ushort> scales, ArrayView<Float4> x, ArrayView<float> dot, ArrayView<Float4> y, ArrayView<Float4> widened)
    {
        int i = (Grid.IdxX * Group.DimX) + Group.IdxX;
        int q = 2 * i;
        Words4 w = words[i];
        dot[i] = Kernels.Ilgpu.BF16.Dot(w, x[q], x[q + 1], dot[i]);
        Float4 y0 = y[q];
        Float4 y1 = y[q + 1];
        Kernels.Ilgpu.BF16.AddScaled(w, H, ref y0, ref y1);
        y[q] = y0;
        y[q + 1] = y1;
        widened[q] = Kernels.Ilgpu.BF16.Widen0(w);
        widened[q + 1] = Kernels.Ilgpu.BF16.Widen1(w);
    }

    public static void Q8(
        ArrayView<Words4> words, ArrayView<ushort> scales, ArrayView<Float4> x, ArrayView<float> dot, ArrayView<Float4> y, ArrayView<Float4> widened)
    {
        int i = (Grid.IdxX * Group.DimX) + Group.IdxX;
        int q = 4 * i;
        Words4 w = words[i];
        ushort scale = scales[i / 2];
        dot[i] = Q8_0.Dot(w, scale, x[q], x[q + 1], x[q + 2], x[q + 3], dot[i]);
        widened[q] = Q8_0.Widen0(w, scale);
        widened[q + 1] = Q8_0.Widen1(w, scale);
        widened[q + 2] = Q8_0.Widen2(w, scale);
        widened[q + 3] = Q8_0.Widen3(w, scale);
    }

    public static void Q4(
        ArrayView<Words4> words, ArrayView<ushort> scales, ArrayView<Float4> x, ArrayView<float> dot, ArrayView<Float4> y, ArrayView<Float4> widened)
    {
        int i = (Grid.IdxX * Group.DimX) + Group.IdxX;
        int q = 8 * i;
        Words4 w = words[i];
        ushort scale = scales[i];
        dot[i] = Q4_0.Dot(w, scale, x[q], x[q + 1], x[q + 2], x[q + 3], x[q + 4], x[q + 5], x[q + 6], x[q + 7], dot[i]);
        widened[q] = Q4_0.Widen0(w, scale);
        widened[q + 1] = Q4_0.Widen1(w, scale);
        widened[q + 2] = Q4_0.Widen2(w, scale);
        widened[q + 3] = Q4_0.Widen3(w, scale);
        widened[q + 4] = Q4_0.Widen4(w, scale);
        widened[q + 5] = Q4_0.Widen5(w, scale);
        widened[q + 6] = Q4_0.Widen6(w, scale);
        widened[q + 7] = Q4_0.Widen7(w, scale);
    }

    /// <summary>A block of down's neurons with a scale a column: four rows, each the next thread's words, and the activations of the four in bytes.</summary>
    public static void Q8Down(ArrayView<Words4> words, ArrayView<Words4> scales, ArrayView<uint> activations, ArrayView<Float4> y)
    {
        int i = (Grid.IdxX * Group.DimX) + Group.IdxX;
        int rows = Group.DimX;
        int q = 4 * i;
        Int4 t0 = default;
        Int4 t1 = default;
        Int4 t2 = default;
        Int4 t3 = default;
        Int4 t4 = default;
        Int4 t5 = default;
        Int4 t6 = default;
        Int4 t7 = default;
        Words4 a = words[i];
        Words4 b = words[(i + 1) % rows];
        Words4 c = words[(i + 2) % rows];
        Words4 d = words[(i + 3) % rows];
        Q8_0.AddFour(a, b, c, d, activations[0], activations[1], ref t0, ref t1, ref t2, ref t3, ref t4, ref t5, ref t6, ref t7);
        Float4 y0 = default;
        Float4 y1 = default;
        Float4 y2 = default;
        Float4 y3 = default;
        BlockScales.AddScaled(scales[2 * i], BlockStep.Scaled(t0, t4, Step), BlockStep.Scaled(t1, t5, Step), ref y0, ref y1);
        BlockScales.AddScaled(scales[(2 * i) + 1], BlockStep.Scaled(t2, t6, Step), BlockStep.Scaled(t3, t7, Step), ref y2, ref y3);
        y[q] = y0;
        y[q + 1] = y1;
        y[q + 2] = y2;
        y[q + 3] = y3;
    }

    /// <summary>The same for Q4_0; the second word is what sums start from.</summary>
    public static void Q4Down(ArrayView<Words4> words, ArrayView<Words4> scales, ArrayView<uint> activations, ArrayView<Float4> y)
    {
        int i = (Grid.IdxX * Group.DimX) + Group.IdxX;
        int rows = Group.DimX;
        int q = 8 * i;
        int s = 4 * i;
        int start = (int)activations[1];
        Int4 t0 = new(start);
        Int4 t1 = new(start);
        Int4 t2 = new(start);
        Int4 t3 = new(start);
        Int4 t4 = new(16 * start);
        Int4 t5 = new(16 * start);
        Int4 t6 = new(16 * start);
        Int4 t7 = new(16 * start);
        Words4 a = words[i];
        Words4 b = words[(i + 1) % rows];
        Words4 c = words[(i + 2) % rows];
        Words4 d = words[(i + 3) % rows];
        Q4_0.AddFour(a, b, c, d, activations[0], ref t0, ref t1, ref t2, ref t3, ref t4, ref t5, ref t6, ref t7);
        Float4 y0 = default;
        Float4 y1 = default;
        Float4 y2 = default;
        Float4 y3 = default;
        Float4 y4 = default;
        Float4 y5 = default;
        Float4 y6 = default;
        Float4 y7 = default;
        BlockScales.AddScaled(scales[s], BlockStep.Scaled(t0, Step), BlockStep.Scaled(t1, Step), ref y0, ref y1);
        BlockScales.AddScaled(scales[s + 1], BlockStep.Scaled(t2, Step), BlockStep.Scaled(t3, Step), ref y2, ref y3);
        BlockScales.AddScaled(scales[s + 2], BlockStep.Scaled(t4, Step / 16), BlockStep.Scaled(t5, Step / 16), ref y4, ref y5);
        BlockScales.AddScaled(scales[s + 3], BlockStep.Scaled(t6, Step / 16), BlockStep.Scaled(t7, Step / 16), ref y6, ref y7);
        y[q] = y0;
        y[q + 1] = y1;
        y[q + 2] = y2;
        y[q + 3] = y3;
        y[q + 4] = y4;
        y[q + 5] = y5;
        y[q + 6] = y6;
        y[q + 7] = y7;
    }

    public static void Functions(ArrayView<float> x, ArrayView<float> exp, ArrayView<float> silu, ArrayView<float> gelu)
    {
        int i = (Grid.IdxX * Group.DimX) + Group.IdxX;
        float argument = x[i];
        exp[i] = Portable.Exp(argument);
        silu[i] = Activations.Silu(argument);
        gelu[i] = Activations.Gelu(argument);
    }
}
