using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <content>
/// The register tiles of the batch form: tokens by a strip of 32 columns, twelve sums. Seven or eight loads serve the twelve multiply-adds
/// of a neuron.
/// </content>
public static unsafe partial class OrderedDown
{
    /// <summary>Adds a panel's neurons to the sums of three tokens.</summary>
    /// <param name="rows">The panel: 32 columns of each neuron.</param>
    /// <param name="neurons">Number of neurons.</param>
    /// <param name="h">The first token's activations; the others' are <see cref="FactorStride"/> apart.</param>
    /// <param name="sums">32 sums of each token.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile3x32(float* rows, int neurons, float* h, float* sums)
    {
        Vector256<float> sum00 = Vector256.Load(sums);
        Vector256<float> sum01 = Vector256.Load(sums + 8);
        Vector256<float> sum02 = Vector256.Load(sums + 16);
        Vector256<float> sum03 = Vector256.Load(sums + 24);
        Vector256<float> sum10 = Vector256.Load(sums + 32);
        Vector256<float> sum11 = Vector256.Load(sums + 40);
        Vector256<float> sum12 = Vector256.Load(sums + 48);
        Vector256<float> sum13 = Vector256.Load(sums + 56);
        Vector256<float> sum20 = Vector256.Load(sums + 64);
        Vector256<float> sum21 = Vector256.Load(sums + 72);
        Vector256<float> sum22 = Vector256.Load(sums + 80);
        Vector256<float> sum23 = Vector256.Load(sums + 88);
        for (float* end = rows + (neurons * StripColumns); rows < end; rows += StripColumns, h++)
        {
            Vector256<float> h0, h1, h2, row;
            h0 = Vector256.Create(*h);
            h1 = Vector256.Create(h[FactorStride]);
            h2 = Vector256.Create(h[2 * FactorStride]);
            row = Vector256.Load(rows);
            sum00 = Vector256.FusedMultiplyAdd(h0, row, sum00);
            sum10 = Vector256.FusedMultiplyAdd(h1, row, sum10);
            sum20 = Vector256.FusedMultiplyAdd(h2, row, sum20);
            row = Vector256.Load(rows + 8);
            sum01 = Vector256.FusedMultiplyAdd(h0, row, sum01);
            sum11 = Vector256.FusedMultiplyAdd(h1, row, sum11);
            sum21 = Vector256.FusedMultiplyAdd(h2, row, sum21);
            row = Vector256.Load(rows + 16);
            sum02 = Vector256.FusedMultiplyAdd(h0, row, sum02);
            sum12 = Vector256.FusedMultiplyAdd(h1, row, sum12);
            sum22 = Vector256.FusedMultiplyAdd(h2, row, sum22);
            row = Vector256.Load(rows + 24);
            sum03 = Vector256.FusedMultiplyAdd(h0, row, sum03);
            sum13 = Vector256.FusedMultiplyAdd(h1, row, sum13);
            sum23 = Vector256.FusedMultiplyAdd(h2, row, sum23);
        }

        sum00.Store(sums);
        sum01.Store(sums + 8);
        sum02.Store(sums + 16);
        sum03.Store(sums + 24);
        sum10.Store(sums + 32);
        sum11.Store(sums + 40);
        sum12.Store(sums + 48);
        sum13.Store(sums + 56);
        sum20.Store(sums + 64);
        sum21.Store(sums + 72);
        sum22.Store(sums + 80);
        sum23.Store(sums + 88);
    }

    /// <summary>As <see cref="Tile3x32"/>, for six tokens, with vectors of 16 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6x32(float* rows, int neurons, float* h, float* sums)
    {
        Vector512<float> sum00 = Vector512.Load(sums);
        Vector512<float> sum01 = Vector512.Load(sums + 16);
        Vector512<float> sum10 = Vector512.Load(sums + 32);
        Vector512<float> sum11 = Vector512.Load(sums + 48);
        Vector512<float> sum20 = Vector512.Load(sums + 64);
        Vector512<float> sum21 = Vector512.Load(sums + 80);
        Vector512<float> sum30 = Vector512.Load(sums + 96);
        Vector512<float> sum31 = Vector512.Load(sums + 112);
        Vector512<float> sum40 = Vector512.Load(sums + 128);
        Vector512<float> sum41 = Vector512.Load(sums + 144);
        Vector512<float> sum50 = Vector512.Load(sums + 160);
        Vector512<float> sum51 = Vector512.Load(sums + 176);
        for (float* end = rows + (neurons * StripColumns); rows < end; rows += StripColumns, h++)
        {
            Vector512<float> lo = Vector512.Load(rows);
            Vector512<float> hi = Vector512.Load(rows + 16);
            Vector512<float> factor;
            factor = Vector512.Create(*h);
            sum00 = Vector512.FusedMultiplyAdd(factor, lo, sum00);
            sum01 = Vector512.FusedMultiplyAdd(factor, hi, sum01);
            factor = Vector512.Create(h[FactorStride]);
            sum10 = Vector512.FusedMultiplyAdd(factor, lo, sum10);
            sum11 = Vector512.FusedMultiplyAdd(factor, hi, sum11);
            factor = Vector512.Create(h[2 * FactorStride]);
            sum20 = Vector512.FusedMultiplyAdd(factor, lo, sum20);
            sum21 = Vector512.FusedMultiplyAdd(factor, hi, sum21);
            factor = Vector512.Create(h[3 * FactorStride]);
            sum30 = Vector512.FusedMultiplyAdd(factor, lo, sum30);
            sum31 = Vector512.FusedMultiplyAdd(factor, hi, sum31);
            factor = Vector512.Create(h[4 * FactorStride]);
            sum40 = Vector512.FusedMultiplyAdd(factor, lo, sum40);
            sum41 = Vector512.FusedMultiplyAdd(factor, hi, sum41);
            factor = Vector512.Create(h[5 * FactorStride]);
            sum50 = Vector512.FusedMultiplyAdd(factor, lo, sum50);
            sum51 = Vector512.FusedMultiplyAdd(factor, hi, sum51);
        }

        sum00.Store(sums);
        sum01.Store(sums + 16);
        sum10.Store(sums + 32);
        sum11.Store(sums + 48);
        sum20.Store(sums + 64);
        sum21.Store(sums + 80);
        sum30.Store(sums + 96);
        sum31.Store(sums + 112);
        sum40.Store(sums + 128);
        sum41.Store(sums + 144);
        sum50.Store(sums + 160);
        sum51.Store(sums + 176);
    }
}
