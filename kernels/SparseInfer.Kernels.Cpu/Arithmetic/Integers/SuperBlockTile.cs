using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Tiles of types with blocks of 256: the arithmetic of <see cref="SuperBlockDot"/>.</summary>
internal readonly unsafe struct SuperBlockTile<T> : ITileFormat, ITileQuants
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

    public static int StepsInWord => 8 >> T.HighBits;

    public static bool HasScales => true;

    public static bool Accumulates => true;

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
            PackIntegers(rows, offset, areMinima: false, scratch.Pairs);
            IntegerTile.Words(scratch.Pairs, SumPairs, inputSums, SumsBytes, tokens, -T.Excess, scratch.Totals);
        }

        PackScales(rows, offset, scratch.Scales);
        for (int part = 0; part < Parts; part++)
        {
            for (int row = 0; row < IntegerTile.Outputs; row += 4)
            {
                TilePanel.Store(
                    T.Load(rows[row] + offset, part).AsSingle(),
                    T.Load(rows[row + 1] + offset, part).AsSingle(),
                    T.Load(rows[row + 2] + offset, part).AsSingle(),
                    T.Load(rows[row + 3] + offset, part).AsSingle(),
                    scratch.Panel + (row * sizeof(int)));
            }

            IntegerTile.Bytes<SuperBlockTile<T>>(
                scratch.Panel, (short*)(scratch.Scales + (part * 2 * IntegerTile.StepBytes)), packed + (part * tokens * 32), tokens, scratch.Totals);
        }

        AddTotals(scratch.Totals, LoadHalves(rows, offset + T.HalvesOffset, scratch.Halves), steps, tokens, sums);
        if (T.BlockHalves > 1)
        {
            PackIntegers(rows, offset, areMinima: true, scratch.Pairs);
            IntegerTile.Words(scratch.Pairs, SumPairs, inputSums, SumsBytes, tokens, -1, scratch.Totals);
            AddTotals(
                scratch.Totals, LoadHalves(rows, offset + T.HalvesOffset + sizeof(ushort), scratch.Halves), steps, tokens, sums);
        }
    }

    /// <summary>Each part's scales of its first half, twice side by side, then of its second.</summary>
    private static void PackScales(byte** rows, nint offset, byte* scales)
    {
        byte* doubled = stackalloc byte[2 * Parts * IntegerTile.StepBytes];
        for (int row = 0; row < IntegerTile.Outputs; row += 4)
        {
            Vector256<short> a = T.Scales(rows[row] + offset);
            Vector256<short> b = T.Scales(rows[row + 1] + offset);
            Vector256<short> c = T.Scales(rows[row + 2] + offset);
            Vector256<short> d = T.Scales(rows[row + 3] + offset);

            // Parts 0 to 3 of first halves, then of second ones; then parts 4 to 7.
            byte* to = doubled + (row * sizeof(int));
            TilePanel.Store(Twice(a, low: true), Twice(b, low: true), Twice(c, low: true), Twice(d, low: true), to);
            to += Parts * IntegerTile.StepBytes;
            TilePanel.Store(Twice(a, low: false), Twice(b, low: false), Twice(c, low: false), Twice(d, low: false), to);
        }

        for (int part = 0; part < Parts; part++)
        {
            byte* first = doubled + (((part / 4 * Parts) + (part % 4)) * IntegerTile.StepBytes);
            byte* to = scales + (part * 2 * IntegerTile.StepBytes);
            Vector512.Load(first).Store(to);
            Vector512.Load(first + (4 * IntegerTile.StepBytes)).Store(to + IntegerTile.StepBytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Twice(Vector256<short> scales, bool low) =>
        (low ? Avx2.UnpackLow(scales, scales) : Avx2.UnpackHigh(scales, scales)).AsSingle();

    /// <summary>Rows' integers in the order of the input's sums.</summary>
    private static void PackIntegers(byte** rows, nint offset, bool areMinima, byte* pairs)
    {
        for (int row = 0; row < IntegerTile.Outputs; row += 4)
        {
            TilePanel.Store(
                Integers(rows[row] + offset, areMinima),
                Integers(rows[row + 1] + offset, areMinima),
                Integers(rows[row + 2] + offset, areMinima),
                Integers(rows[row + 3] + offset, areMinima),
                pairs + (row * sizeof(int)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Integers(byte* block, bool areMinima) => (areMinima ? T.Minima(block) : T.Scales(block)).AsSingle();

    private static Vector512<float> LoadHalves(byte** rows, nint offset, float* halves)
    {
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
}
