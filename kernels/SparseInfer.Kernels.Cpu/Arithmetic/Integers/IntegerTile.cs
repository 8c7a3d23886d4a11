using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Sums of products of integers, for a panel of 16 outputs and the tokens of a batch. An output is a lane of 32 bits, so what a processor adds up
/// inside a lane belongs together, and nothing is ever added across. All sums are exact: their order is free.
/// </summary>
/// <remarks>Both widths are told: a panel is one vector of 16 lanes, or two of 8.</remarks>
internal static unsafe class IntegerTile
{
    /// <summary>Outputs of a panel.</summary>
    public const int Outputs = 16;

    /// <summary>Bytes of a panel's step: a lane's four bytes, or pair of 16-bit integers.</summary>
    public const int StepBytes = Outputs * sizeof(int);

    /// <summary>Steps of 32 bytes of an input.</summary>
    public const int ByteSteps = 8;

    /// <summary>Tokens are a multiple of this: those that <see cref="Words"/> takes at once.</summary>
    public const int TokenMultiple = 4;

    /// <summary>Whether this processor has what tiles of integers are made of.</summary>
    public static bool IsSupported => Avx2.IsSupported;

    /// <summary>Whether a panel is one vector.</summary>
    public static bool IsWide => Vector512.IsHardwareAccelerated && Avx512BW.IsSupported;

    /// <summary>32 unsigned bytes of each output with 32 signed ones of each token, times integer scales of both halves.</summary>
    /// <param name="panel">Eight steps.</param>
    /// <param name="lower">Pairs of 16 bits: each output's scale of the first 16 bytes, twice.</param>
    /// <param name="upper">Of the others.</param>
    /// <param name="x">The tokens' bytes, 32 each.</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="totals">16 sums of each token, which the products are added to, or which they become.</param>
    public static void Bytes<T>(byte* panel, short* lower, short* upper, byte* x, int tokens, int* totals)
        where T : struct, ITileQuants
    {
        if (IsWide)
        {
            Bytes512<T>(panel, lower, upper, x, tokens, totals);
        }
        else
        {
            Bytes256<T>(panel, lower, upper, x, tokens, totals);
            Bytes256<T>(panel + (StepBytes / 2), lower + Outputs, upper + Outputs, x, tokens, totals + (Outputs / 2));
        }
    }

    /// <summary>Pairs of 16-bit integers of each output with those of each token.</summary>
    /// <param name="panel">The steps.</param>
    /// <param name="steps">Number of steps.</param>
    /// <param name="x">The first token's.</param>
    /// <param name="stride">Bytes between two tokens'.</param>
    /// <param name="tokens">Number of tokens, a multiple of four.</param>
    /// <param name="factor">What sums are multiplied with.</param>
    /// <param name="totals">16 sums of each token, overwritten.</param>
    public static void Words(byte* panel, int steps, byte* x, nint stride, int tokens, int factor, int* totals)
    {
        if (IsWide)
        {
            Words512(panel, steps, x, stride, tokens, factor, totals);
        }
        else
        {
            Words256(panel, steps, x, stride, tokens, factor, totals);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Bytes512<T>(byte* panel, short* lower, short* upper, byte* x, int tokens, int* totals)
        where T : struct, ITileQuants
    {
        Vector512<byte> w0 = Vector512.Load(panel);
        Vector512<byte> w1 = Vector512.Load(panel + 64);
        Vector512<byte> w2 = Vector512.Load(panel + 128);
        Vector512<byte> w3 = Vector512.Load(panel + 192);
        Vector512<byte> w4 = Vector512.Load(panel + 256);
        Vector512<byte> w5 = Vector512.Load(panel + 320);
        Vector512<byte> w6 = Vector512.Load(panel + 384);
        Vector512<byte> w7 = Vector512.Load(panel + 448);
        Vector512<short> first16 = T.HasScales ? Vector512.Load(lower) : Vector512<short>.One;
        Vector512<short> last16 = T.HasScales ? Vector512.Load(upper) : first16;
        for (int* end = totals + (tokens * Outputs); totals < end; totals += Outputs, x += 32)
        {
            Vector512<int> sum = Sum512<T>(w0, w1, w2, w3, w4, w5, w6, w7, first16, last16, x);
            (T.Accumulates ? Vector512.Load(totals) + sum : sum).Store(totals);
        }
    }

    /// <summary>A token's sums for a panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Sum512<T>(
        Vector512<byte> w0,
        Vector512<byte> w1,
        Vector512<byte> w2,
        Vector512<byte> w3,
        Vector512<byte> w4,
        Vector512<byte> w5,
        Vector512<byte> w6,
        Vector512<byte> w7,
        Vector512<short> first16,
        Vector512<short> last16,
        byte* x)
        where T : struct, ITileQuants
    {
        Vector512<short> first = Products(w0, x) + Products(w1, x + 4);
        Vector512<short> second = Products(w2, x + 8) + Products(w3, x + 12);
        Vector512<short> third = Products(w4, x + 16) + Products(w5, x + 20);
        Vector512<short> fourth = Products(w6, x + 24) + Products(w7, x + 28);
        return T.StepsInWord == 8 ? Avx512BW.MultiplyAddAdjacent(first + second + (third + fourth), first16)
            : T.StepsInWord == 4
            ? Avx512BW.MultiplyAddAdjacent(first + second, first16) + Avx512BW.MultiplyAddAdjacent(third + fourth, last16)
            : Avx512BW.MultiplyAddAdjacent(first, first16) + Avx512BW.MultiplyAddAdjacent(second, first16)
                + (Avx512BW.MultiplyAddAdjacent(third, last16) + Avx512BW.MultiplyAddAdjacent(fourth, last16));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Bytes256<T>(byte* panel, short* lower, short* upper, byte* x, int tokens, int* totals)
        where T : struct, ITileQuants
    {
        Vector256<byte> w0 = Vector256.Load(panel);
        Vector256<byte> w1 = Vector256.Load(panel + 64);
        Vector256<byte> w2 = Vector256.Load(panel + 128);
        Vector256<byte> w3 = Vector256.Load(panel + 192);
        Vector256<byte> w4 = Vector256.Load(panel + 256);
        Vector256<byte> w5 = Vector256.Load(panel + 320);
        Vector256<byte> w6 = Vector256.Load(panel + 384);
        Vector256<byte> w7 = Vector256.Load(panel + 448);
        Vector256<short> first16 = T.HasScales ? Vector256.Load(lower) : Vector256<short>.One;
        Vector256<short> last16 = T.HasScales ? Vector256.Load(upper) : first16;
        for (int* end = totals + (tokens * Outputs); totals < end; totals += Outputs, x += 32)
        {
            Vector256<int> sum = Sum256<T>(w0, w1, w2, w3, w4, w5, w6, w7, first16, last16, x);
            (T.Accumulates ? Vector256.Load(totals) + sum : sum).Store(totals);
        }
    }

    /// <summary>A token's sums for half a panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Sum256<T>(
        Vector256<byte> w0,
        Vector256<byte> w1,
        Vector256<byte> w2,
        Vector256<byte> w3,
        Vector256<byte> w4,
        Vector256<byte> w5,
        Vector256<byte> w6,
        Vector256<byte> w7,
        Vector256<short> first16,
        Vector256<short> last16,
        byte* x)
        where T : struct, ITileQuants
    {
        Vector256<short> first = Products(w0, x) + Products(w1, x + 4);
        Vector256<short> second = Products(w2, x + 8) + Products(w3, x + 12);
        Vector256<short> third = Products(w4, x + 16) + Products(w5, x + 20);
        Vector256<short> fourth = Products(w6, x + 24) + Products(w7, x + 28);
        return T.StepsInWord == 8 ? Avx2.MultiplyAddAdjacent(first + second + (third + fourth), first16)
            : T.StepsInWord == 4
            ? Avx2.MultiplyAddAdjacent(first + second, first16) + Avx2.MultiplyAddAdjacent(third + fourth, last16)
            : Avx2.MultiplyAddAdjacent(first, first16) + Avx2.MultiplyAddAdjacent(second, first16)
                + (Avx2.MultiplyAddAdjacent(third, last16) + Avx2.MultiplyAddAdjacent(fourth, last16));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Words512(byte* panel, int steps, byte* x, nint stride, int tokens, int factor, int* totals)
    {
        Vector512<int> factors = Vector512.Create(factor);
        for (int* end = totals + (tokens * Outputs); totals < end; totals += TokenMultiple * Outputs, x += TokenMultiple * stride)
        {
            Vector512<int> a = default, b = default, c = default, d = default;
            byte* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
            byte* weights = panel;
            for (nint step = 0; step < sizeof(int) * steps; step += sizeof(int), weights += StepBytes)
            {
                Vector512<short> w = Vector512.Load((short*)weights);
                a += Avx512BW.MultiplyAddAdjacent(w, Vector512.Create(*(int*)(x + step)).AsInt16());
                b += Avx512BW.MultiplyAddAdjacent(w, Vector512.Create(*(int*)(x1 + step)).AsInt16());
                c += Avx512BW.MultiplyAddAdjacent(w, Vector512.Create(*(int*)(x2 + step)).AsInt16());
                d += Avx512BW.MultiplyAddAdjacent(w, Vector512.Create(*(int*)(x3 + step)).AsInt16());
            }

            if (factor != 1)
            {
                a *= factors;
                b *= factors;
                c *= factors;
                d *= factors;
            }

            a.Store(totals);
            b.Store(totals + Outputs);
            c.Store(totals + (2 * Outputs));
            d.Store(totals + (3 * Outputs));
        }
    }

    /// <summary>Both halves of a panel, so that what is loaded of a token serves two products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Words256(byte* panel, int steps, byte* x, nint stride, int tokens, int factor, int* totals)
    {
        Vector256<int> factors = Vector256.Create(factor);
        for (int* end = totals + (tokens * Outputs); totals < end; totals += TokenMultiple * Outputs, x += TokenMultiple * stride)
        {
            Vector256<int> a0 = default, b0 = default, c0 = default, d0 = default;
            Vector256<int> a1 = default, b1 = default, c1 = default, d1 = default;
            byte* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
            byte* weights = panel;
            for (nint step = 0; step < sizeof(int) * steps; step += sizeof(int), weights += StepBytes)
            {
                Vector256<short> w0 = Vector256.Load((short*)weights);
                Vector256<short> w1 = Vector256.Load((short*)weights + Outputs);
                Vector256<short> input = Vector256.Create(*(int*)(x + step)).AsInt16();
                a0 = Added(a0, w0, input);
                a1 = Added(a1, w1, input);
                input = Vector256.Create(*(int*)(x1 + step)).AsInt16();
                b0 = Added(b0, w0, input);
                b1 = Added(b1, w1, input);
                input = Vector256.Create(*(int*)(x2 + step)).AsInt16();
                c0 = Added(c0, w0, input);
                c1 = Added(c1, w1, input);
                input = Vector256.Create(*(int*)(x3 + step)).AsInt16();
                d0 = Added(d0, w0, input);
                d1 = Added(d1, w1, input);
            }

            if (factor != 1)
            {
                a0 *= factors;
                a1 *= factors;
                b0 *= factors;
                b1 *= factors;
                c0 *= factors;
                c1 *= factors;
                d0 *= factors;
                d1 *= factors;
            }

            a0.Store(totals);
            a1.Store(totals + (Outputs / 2));
            b0.Store(totals + Outputs);
            b1.Store(totals + Outputs + (Outputs / 2));
            c0.Store(totals + (2 * Outputs));
            c1.Store(totals + (2 * Outputs) + (Outputs / 2));
            d0.Store(totals + (3 * Outputs));
            d1.Store(totals + (3 * Outputs) + (Outputs / 2));
        }
    }

    /// <summary>A step's products, added to what is there: where the processor can, by one instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Added(Vector256<int> sum, Vector256<short> w, Vector256<short> input) => AvxVnni.IsSupported
        ? AvxVnni.MultiplyWideningAndAdd(sum, w, input)
        : sum + Avx2.MultiplyAddAdjacent(w, input);

    /// <summary>A step's products with a token's four bytes, two added in 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Products(Vector512<byte> w, byte* x) =>
        Avx512BW.MultiplyAddAdjacent(w, Vector512.Create(*(int*)x).AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Products(Vector256<byte> w, byte* x) =>
        Avx2.MultiplyAddAdjacent(w, Vector256.Create(*(int*)x).AsSByte());
}

/// <summary>What a tile's unsigned bytes are.</summary>
internal interface ITileQuants
{
    /// <summary>Steps, of two products in 16 bits each, whose sum fits 16 bits: 8, 4 or 2.</summary>
    static abstract int StepsInWord { get; }

    /// <summary>Whether outputs have integer scales; else they are 1.</summary>
    static abstract bool HasScales { get; }

    /// <summary>Whether products are added to what is there.</summary>
    static abstract bool Accumulates { get; }
}
