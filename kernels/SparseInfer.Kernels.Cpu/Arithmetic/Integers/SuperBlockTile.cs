using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Tiles of types with blocks of 256: the arithmetic of <see cref="SuperBlockDot"/>.</summary>
internal readonly unsafe struct SuperBlockTile<T> : ITileFormat, ITileQuants, IRowPart
    where T : struct, ISuperBlockFormat
{
    private const int Parts = 8;

    /// <summary>Pairs of the input's sums, or of a row's integers.</summary>
    private const int SumPairs = 8;

    private const int SumsBytes = SumPairs * sizeof(int);

    public static int Columns => 256;

    /// <summary>256 bytes, sums of their 16s, and the step.</summary>
    public static int InputBytes => Columns + SumsBytes + sizeof(float);

    public static int Chains => 1;

    /// <summary>Whether integers are those of <see cref="SixBitScales"/>.</summary>
    private static bool HasSixBits => T.ScaleBytes == SixBitScales.Bytes;

    public static int StepsInWord => 8 >> T.HighBits;

    public static bool HasScales => true;

    public static bool Accumulates => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PackInput(byte* prepared, int block, byte* packed, int token, int tokens)
    {
        byte* source = prepared + ((nint)block * QuantizedInput.SuperBlock);
        for (int part = 0; part < Parts; part++)
        {
            Vector256.Load(source + (part * 32)).Store(packed + (((part * tokens) + token) * 32));
        }

        byte* sums = packed + (tokens * Columns);
        Vector256.Load(source + QuantizedInput.SuperBlockSums).Store(sums + (token * SumsBytes));
        ((float*)(sums + (tokens * SumsBytes)))[token] = *(float*)(source + QuantizedInput.SuperBlockStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Words(byte* block, int part) => T.Load(block, part).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddBlock(byte** rows, int block, byte* packed, int tokens, in TileScratch scratch, float* sums)
    {
        nint offset = (nint)block * T.BlockBytes;
        byte* inputSums = packed + (tokens * Columns);
        float* steps = (float*)(inputSums + (tokens * SumsBytes));
        if (T.Excess == 0)
        {
            new Span<int>(scratch.Totals, tokens * IntegerTile.Outputs).Clear();
        }
        else
        {
            TilePanel.Store<Integers>(rows, offset, 0, scratch.Pairs);
            IntegerTile.Words(scratch.Pairs, SumPairs, inputSums, SumsBytes, tokens, -T.Excess, scratch.Totals);
        }

        if (HasSixBits)
        {
            SixBitPanel.Store(rows, offset + T.ScalesOffset, scratch.Scales, scratch.Pairs);
        }
        else
        {
            TilePanel.Store<DoubledScales>(rows, offset, 0, scratch.Scales);
            TilePanel.Store<DoubledScales>(rows, offset, 1, scratch.Scales + (Parts * IntegerTile.StepBytes));
        }

        for (int part = 0; part < Parts; part++)
        {
            // Where halves of parts have scales of their own, parts 0 to 3 of first halves lie before those of second ones; then the other parts.
            int step = HasSixBits ? part : (part / 4 * Parts) + (part % 4);
            short* lower = (short*)(scratch.Scales + (step * IntegerTile.StepBytes));
            short* upper = HasSixBits ? lower : lower + (4 * 2 * IntegerTile.Outputs);
            TilePanel.Store<SuperBlockTile<T>>(rows, offset, part, scratch.Panel);
            IntegerTile.Bytes<SuperBlockTile<T>>(
                scratch.Panel, lower, upper, packed + (part * tokens * 32), tokens, scratch.Totals);
        }

        AddTotals(scratch.Totals, LoadHalves(rows, offset + T.HalvesOffset, scratch.Halves), steps, tokens, sums);
        if (T.BlockHalves > 1)
        {
            if (!HasSixBits)
            {
                TilePanel.Store<Integers>(rows, offset, 1, scratch.Pairs);
            }

            IntegerTile.Words(scratch.Pairs, SumPairs, inputSums, SumsBytes, tokens, -1, scratch.Totals);
            AddTotals(
                scratch.Totals, LoadHalves(rows, offset + T.HalvesOffset + sizeof(ushort), scratch.Halves), steps, tokens, sums);
        }
    }

    private static Vector512<float> LoadHalves(byte** rows, nint offset, float* halves)
    {
        if (T.HalvesOffset + (2 * sizeof(ulong)) < T.BlockBytes)
        {
            TilePanel.StoreHalves(rows, offset, halves);
            return Vector512.Load(halves);
        }

        for (int row = 0; row < IntegerTile.Outputs; row++)
        {
            halves[row] = BlockDot.FoldedScale(rows[row] + offset);
        }

        return Vector512.Load(halves);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTotals(int* totals, Vector512<float> halves, float* steps, int tokens, float* sums)
    {
        for (int t = 0; t < tokens; t++, totals += IntegerTile.Outputs, sums += IntegerTile.Outputs)
        {
            Vector512<float> dots = Vector512.ConvertToSingle(Vector512.Load(totals));
            Vector512.FusedMultiplyAdd(dots, halves * steps[t], Vector512.Load(sums)).Store(sums);
        }
    }

    /// <summary>Scales twice side by side: of parts 0 to 3, their first halves, then their second ones; or of parts 4 to 7.</summary>
    private readonly struct DoubledScales : IRowPart
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Words(byte* block, int part)
        {
            Vector256<short> scales = T.Scales(block);
            return (part == 0 ? Avx2.UnpackLow(scales, scales) : Avx2.UnpackHigh(scales, scales)).AsSingle();
        }
    }

    /// <summary>Scales, or minima, in the order of the input's sums.</summary>
    private readonly struct Integers : IRowPart
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Words(byte* block, int part) => (part == 0 ? T.Scales(block) : T.Minima(block)).AsSingle();
    }
}
