using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <content>
/// The register tiles: rows by 32 tokens, twelve sums. A step multiplies one column of them, an outer product: with vectors of 8 lanes,
/// three broadcasts of weights and four loads of tokens serve twelve multiply-adds. No other shape that fits the registers has fewer loads,
/// and loads are what a neighbour on the same core competes for. The sixteen lanes of the canonical product are sixteen phases, one after
/// the other; what is added across lanes there is added here across phases, vector by vector, in the order of the same tree.
/// </content>
public static unsafe partial class MatrixMatrix
{
    /// <summary>
    /// Dots a group's rows, three at a time, with 32 tokens. Lanes come in the order in which the tree's leaves stand, so that it is added up
    /// like a binary counter: the sum of two leaves, of four, of eight waits until its sibling is there.
    /// </summary>
    /// <param name="rows">The group, packed as <see cref="PackRows{T}"/> leaves it.</param>
    /// <param name="tiles">Number of threes.</param>
    /// <param name="inputs">The tokens, packed: lane by lane, column by column, 32 together.</param>
    /// <param name="steps">Columns to a lane, an even number.</param>
    /// <param name="partial">
    /// Room for the levels of a tree for each three; the last level, the root, is the result: 32 tokens for each row.
    /// </param>
    /// <param name="ahead">What is fetched meanwhile.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tiles3x32(float* rows, int tiles, float* inputs, int steps, float* partial, ref PanelAhead ahead)
    {
        const int Tile = 3 * TileTokens;
        for (int phase = 0; phase < Lanes; phase++, inputs += TileTokens * steps, rows += RowGroup * steps)
        {
            float* tree = partial;
            for (int tile = 0; tile < tiles; tile++, tree += TreeLength * Tile)
            {
                ahead.Fetch();
                Vector256<float> sum00 = default, sum01 = default, sum02 = default, sum03 = default;
                Vector256<float> sum10 = default, sum11 = default, sum12 = default, sum13 = default;
                Vector256<float> sum20 = default, sum21 = default, sum22 = default, sum23 = default;
                float* w = rows + (3 * tile);
                float* input = inputs;
                for (float* end = input + (TileTokens * steps); input < end; input += 2 * TileTokens, w += 2 * RowGroup)
                {
                    Vector256<float> row0, row1, row2, x;
                    row0 = Vector256.Create(*w);
                    row1 = Vector256.Create(w[1]);
                    row2 = Vector256.Create(w[2]);
                    x = Vector256.Load(input);
                    sum00 = Vector256.FusedMultiplyAdd(row0, x, sum00);
                    sum10 = Vector256.FusedMultiplyAdd(row1, x, sum10);
                    sum20 = Vector256.FusedMultiplyAdd(row2, x, sum20);
                    x = Vector256.Load(input + 8);
                    sum01 = Vector256.FusedMultiplyAdd(row0, x, sum01);
                    sum11 = Vector256.FusedMultiplyAdd(row1, x, sum11);
                    sum21 = Vector256.FusedMultiplyAdd(row2, x, sum21);
                    x = Vector256.Load(input + 16);
                    sum02 = Vector256.FusedMultiplyAdd(row0, x, sum02);
                    sum12 = Vector256.FusedMultiplyAdd(row1, x, sum12);
                    sum22 = Vector256.FusedMultiplyAdd(row2, x, sum22);
                    x = Vector256.Load(input + 24);
                    sum03 = Vector256.FusedMultiplyAdd(row0, x, sum03);
                    sum13 = Vector256.FusedMultiplyAdd(row1, x, sum13);
                    sum23 = Vector256.FusedMultiplyAdd(row2, x, sum23);

                    row0 = Vector256.Create(w[RowGroup]);
                    row1 = Vector256.Create(w[RowGroup + 1]);
                    row2 = Vector256.Create(w[RowGroup + 2]);
                    x = Vector256.Load(input + 32);
                    sum00 = Vector256.FusedMultiplyAdd(row0, x, sum00);
                    sum10 = Vector256.FusedMultiplyAdd(row1, x, sum10);
                    sum20 = Vector256.FusedMultiplyAdd(row2, x, sum20);
                    x = Vector256.Load(input + 40);
                    sum01 = Vector256.FusedMultiplyAdd(row0, x, sum01);
                    sum11 = Vector256.FusedMultiplyAdd(row1, x, sum11);
                    sum21 = Vector256.FusedMultiplyAdd(row2, x, sum21);
                    x = Vector256.Load(input + 48);
                    sum02 = Vector256.FusedMultiplyAdd(row0, x, sum02);
                    sum12 = Vector256.FusedMultiplyAdd(row1, x, sum12);
                    sum22 = Vector256.FusedMultiplyAdd(row2, x, sum22);
                    x = Vector256.Load(input + 56);
                    sum03 = Vector256.FusedMultiplyAdd(row0, x, sum03);
                    sum13 = Vector256.FusedMultiplyAdd(row1, x, sum13);
                    sum23 = Vector256.FusedMultiplyAdd(row2, x, sum23);
                }

                float* level = tree;
                for (int leaves = phase; (leaves & 1) != 0; leaves >>= 1, level += Tile)
                {
                    sum00 = Vector256.Load(level) + sum00;
                    sum01 = Vector256.Load(level + 8) + sum01;
                    sum02 = Vector256.Load(level + 16) + sum02;
                    sum03 = Vector256.Load(level + 24) + sum03;
                    sum10 = Vector256.Load(level + 32) + sum10;
                    sum11 = Vector256.Load(level + 40) + sum11;
                    sum12 = Vector256.Load(level + 48) + sum12;
                    sum13 = Vector256.Load(level + 56) + sum13;
                    sum20 = Vector256.Load(level + 64) + sum20;
                    sum21 = Vector256.Load(level + 72) + sum21;
                    sum22 = Vector256.Load(level + 80) + sum22;
                    sum23 = Vector256.Load(level + 88) + sum23;
                }

                sum00.Store(level);
                sum01.Store(level + 8);
                sum02.Store(level + 16);
                sum03.Store(level + 24);
                sum10.Store(level + 32);
                sum11.Store(level + 40);
                sum12.Store(level + 48);
                sum13.Store(level + 56);
                sum20.Store(level + 64);
                sum21.Store(level + 72);
                sum22.Store(level + 80);
                sum23.Store(level + 88);
            }
        }
    }

    /// <summary>As <see cref="Tiles3x32"/>, with six rows: the tokens are two vectors of 16 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tiles6x32(float* rows, int tiles, float* inputs, int steps, float* partial, ref PanelAhead ahead)
    {
        const int Tile = 6 * TileTokens;
        for (int phase = 0; phase < Lanes; phase++, inputs += TileTokens * steps, rows += RowGroup * steps)
        {
            float* tree = partial;
            for (int tile = 0; tile < tiles; tile++, tree += TreeLength * Tile)
            {
                ahead.Fetch();
                Vector512<float> sum00 = default, sum01 = default, sum10 = default, sum11 = default, sum20 = default, sum21 = default;
                Vector512<float> sum30 = default, sum31 = default, sum40 = default, sum41 = default, sum50 = default, sum51 = default;
                float* w = rows + (6 * tile);
                float* input = inputs;
                for (float* end = input + (TileTokens * steps); input < end; input += TileTokens, w += RowGroup)
                {
                    Vector512<float> a = Vector512.Load(input);
                    Vector512<float> b = Vector512.Load(input + 16);
                    Vector512<float> row = Vector512.Create(*w);
                    sum00 = Vector512.FusedMultiplyAdd(row, a, sum00);
                    sum01 = Vector512.FusedMultiplyAdd(row, b, sum01);
                    row = Vector512.Create(w[1]);
                    sum10 = Vector512.FusedMultiplyAdd(row, a, sum10);
                    sum11 = Vector512.FusedMultiplyAdd(row, b, sum11);
                    row = Vector512.Create(w[2]);
                    sum20 = Vector512.FusedMultiplyAdd(row, a, sum20);
                    sum21 = Vector512.FusedMultiplyAdd(row, b, sum21);
                    row = Vector512.Create(w[3]);
                    sum30 = Vector512.FusedMultiplyAdd(row, a, sum30);
                    sum31 = Vector512.FusedMultiplyAdd(row, b, sum31);
                    row = Vector512.Create(w[4]);
                    sum40 = Vector512.FusedMultiplyAdd(row, a, sum40);
                    sum41 = Vector512.FusedMultiplyAdd(row, b, sum41);
                    row = Vector512.Create(w[5]);
                    sum50 = Vector512.FusedMultiplyAdd(row, a, sum50);
                    sum51 = Vector512.FusedMultiplyAdd(row, b, sum51);
                }

                float* level = tree;
                for (int leaves = phase; (leaves & 1) != 0; leaves >>= 1, level += Tile)
                {
                    sum00 = Vector512.Load(level) + sum00;
                    sum01 = Vector512.Load(level + 16) + sum01;
                    sum10 = Vector512.Load(level + 32) + sum10;
                    sum11 = Vector512.Load(level + 48) + sum11;
                    sum20 = Vector512.Load(level + 64) + sum20;
                    sum21 = Vector512.Load(level + 80) + sum21;
                    sum30 = Vector512.Load(level + 96) + sum30;
                    sum31 = Vector512.Load(level + 112) + sum31;
                    sum40 = Vector512.Load(level + 128) + sum40;
                    sum41 = Vector512.Load(level + 144) + sum41;
                    sum50 = Vector512.Load(level + 160) + sum50;
                    sum51 = Vector512.Load(level + 176) + sum51;
                }

                sum00.Store(level);
                sum01.Store(level + 16);
                sum10.Store(level + 32);
                sum11.Store(level + 48);
                sum20.Store(level + 64);
                sum21.Store(level + 80);
                sum30.Store(level + 96);
                sum31.Store(level + 112);
                sum40.Store(level + 128);
                sum41.Store(level + 144);
                sum50.Store(level + 160);
                sum51.Store(level + 176);
            }
        }
    }
}
