using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Tiles of types whose blocks of 32 meet inputs of 8 bits: the arithmetic of <see cref="FiveBitDot"/>, and the inputs of <see cref="Q4Tile"/>.</summary>
internal readonly unsafe struct BlockTile<T> : ITileFormat, ITileQuants, IRowPart
    where T : struct, IQuantFormat
{
    public static int Columns => 32;

    /// <summary>32 bytes, the step, and what it makes of the excess.</summary>
    public static int InputBytes => 40;

    public static int Chains => 2;

    public static int StepsInWord => 8 >> T.HighBits;

    public static bool HasScales => false;

    public static bool Accumulates => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PackInput(byte* prepared, int block, byte* packed, int token, int tokens)
    {
        byte* pair = prepared + (block / 2 * QuantizedInput.EightBitPair) + (block % 2 * 16);
        Vector128.Load(pair).Store(packed + (token * 32));
        Vector128.Load(pair + 32).Store(packed + (token * 32) + 16);
        Steps(packed, tokens)[token] = *(float*)(pair + QuantizedInput.EightBitScales);
        Excesses(packed, tokens)[token] = *(float*)(pair + QuantizedInput.EightBitExcess);
    }

    /// <summary>The tokens' steps, in a block of packed inputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Steps(byte* packed, int tokens) => (float*)(packed + (tokens * 32));

    /// <summary>What the tokens' inputs make of the excess of 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Excesses(byte* packed, int tokens) => (float*)(packed + (tokens * 36));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Words(byte* block, int part) => T.Load(block, part).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddBlock(byte** rows, int block, byte* packed, int tokens, in TileScratch scratch, float* sums)
    {
        nint offset = (nint)block * T.BlockBytes;
        TilePanel.Store<BlockTile<T>>(rows, offset, 0, scratch.Panel);
        TilePanel.StoreHalves(rows, offset, scratch.Halves);
        if (T.BlockHalves > 1)
        {
            TilePanel.StoreHalves(rows, offset + sizeof(ushort), scratch.Halves + IntegerTile.Outputs);
        }

        Vector512<float> scales = Vector512.Load(scratch.Halves);
        Vector512<float> minima = Vector512.Load(scratch.Halves + IntegerTile.Outputs);
        float* steps = Steps(packed, tokens);
        float* excess = Excesses(packed, tokens);
        if (IntegerTile.IsWide)
        {
            Add512(scratch.Panel, scales, minima, packed, steps, excess, tokens, sums);
            return;
        }

        IntegerTile.Bytes<BlockTile<T>>(scratch.Panel, null, null, packed, tokens, scratch.Totals);
        int* totals = scratch.Totals;
        for (int t = 0; t < tokens; t++, totals += IntegerTile.Outputs, sums += IntegerTile.Outputs)
        {
            AddTotal(Vector512.Load(totals), scales, minima, steps[t], excess[t], sums);
        }
    }

    /// <summary>All at once: sums of integers stay in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add512(
        byte* panel, Vector512<float> scales, Vector512<float> minima, byte* x, float* steps, float* excess, int tokens, float* sums)
    {
        Vector512<byte> w0 = Vector512.Load(panel);
        Vector512<byte> w1 = Vector512.Load(panel + 64);
        Vector512<byte> w2 = Vector512.Load(panel + 128);
        Vector512<byte> w3 = Vector512.Load(panel + 192);
        Vector512<byte> w4 = Vector512.Load(panel + 256);
        Vector512<byte> w5 = Vector512.Load(panel + 320);
        Vector512<byte> w6 = Vector512.Load(panel + 384);
        Vector512<byte> w7 = Vector512.Load(panel + 448);
        Vector512<short> ones = Vector512<short>.One;
        for (float* end = sums + (tokens * IntegerTile.Outputs); sums < end; sums += IntegerTile.Outputs, x += 32, steps++, excess++)
        {
            Vector512<int> total = IntegerTile.Sum512<BlockTile<T>>(w0, w1, w2, w3, w4, w5, w6, w7, ones, ones, x);
            AddTotal(total, scales, minima, *steps, *excess, sums);
        }
    }

    /// <summary>Adds a token's sums of integers to its sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTotal(
        Vector512<int> total, Vector512<float> scales, Vector512<float> minima, float step, float excess, float* sums)
    {
        Vector512<float> dots = Vector512.ConvertToSingle(total);
        Vector512<float> sum = Vector512.Load(sums);
        if (T.BlockHalves > 1)
        {
            sum = Vector512.FusedMultiplyAdd(dots * step, scales, sum);
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(excess * FiveBitDot.SumOfExcess), minima, sum);
        }
        else
        {
            // How many times the excess that inputs know, 8, the quants have.
            dots = Vector512.FusedMultiplyAdd(dots, Vector512.Create(step), Vector512.Create(excess * (T.Excess / 8f)));
            sum = Vector512.FusedMultiplyAdd(dots, scales, sum);
        }

        sum.Store(sums);
    }
}
