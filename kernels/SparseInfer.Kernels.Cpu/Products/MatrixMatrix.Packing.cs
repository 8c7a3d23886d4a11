using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <content>Packing for the tiles: inputs once, rows group by group.</content>
public static unsafe partial class MatrixMatrix
{
    /// <summary>
    /// Packs a block's tokens: segment by segment, tile by tile, phase by phase, that is in the order of <see cref="LaneOf"/>, then the
    /// lane's columns in ascending order, the tile's tokens of each together. Where there are fewer tokens, the last one is repeated;
    /// nobody reads what that gives.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackInputs(ref float x, int xStride, int tokens, int paddedColumns, float* inputs)
    {
        int last = tokens - 1;
        for (int segment = 0; segment < paddedColumns; segment += PlainDot.Segment)
        {
            int columns = Math.Min(PlainDot.Segment, paddedColumns - segment);
            int steps = columns / Lanes;
            for (int tile = 0; tile < tokens; tile += TileTokens, inputs += TileTokens * columns)
            {
                for (int t = tile; t < tile + TileTokens; t += 4)
                {
                    ref float x0 = ref Unsafe.Add(ref x, ((nint)Math.Min(t, last) * xStride) + segment);
                    ref float x1 = ref Unsafe.Add(ref x, ((nint)Math.Min(t + 1, last) * xStride) + segment);
                    ref float x2 = ref Unsafe.Add(ref x, ((nint)Math.Min(t + 2, last) * xStride) + segment);
                    ref float x3 = ref Unsafe.Add(ref x, ((nint)Math.Min(t + 3, last) * xStride) + segment);
                    for (int lane = 0; lane < Lanes; lane += 4)
                    {
                        // Four neighbours of four tokens at a time, turned round.
                        float* to0 = inputs + (LaneOf(lane) * steps * TileTokens) + (t - tile);
                        float* to1 = inputs + (LaneOf(lane + 1) * steps * TileTokens) + (t - tile);
                        float* to2 = inputs + (LaneOf(lane + 2) * steps * TileTokens) + (t - tile);
                        float* to3 = inputs + (LaneOf(lane + 3) * steps * TileTokens) + (t - tile);
                        for (nint i = lane, to = 0; i < columns; i += Lanes, to += TileTokens)
                        {
                            Vector128<float> a = Vector128.LoadUnsafe(ref x0, (nuint)i);
                            Vector128<float> b = Vector128.LoadUnsafe(ref x1, (nuint)i);
                            Vector128<float> c = Vector128.LoadUnsafe(ref x2, (nuint)i);
                            Vector128<float> d = Vector128.LoadUnsafe(ref x3, (nuint)i);
                            Transposition.FourByFour(ref a, ref b, ref c, ref d);
                            a.Store(to0 + to);
                            b.Store(to1 + to);
                            c.Store(to2 + to);
                            d.Store(to3 + to);
                        }
                    }
                }
            }
        }
    }

    /// <summary>
    /// Brings a group of rows' columns to F32 and true scale, packed as the inputs are: lane by lane, then the lane's columns in ascending
    /// order, the group's rows of each together. Where there are fewer rows, the last one is repeated, or nothing is written.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackRows<T>(in WeightMatrix w, int row, int groupRows, int column, int columns, float* rows)
        where T : IWeightFormat
    {
        float* widened = rows + (RowGroup * PlainDot.Segment);
        int last = row + groupRows - 1;
        for (int i = 0; i < groupRows; i += 4)
        {
            FourRows four = w.Four(row + i, Math.Min(row + i + 1, last), Math.Min(row + i + 2, last), Math.Min(row + i + 3, last));
            if (LieAsFloats<T>())
            {
                nint skipped = column * sizeof(float);
                four = new FourRows(four.First + skipped, four.Second + skipped, four.Third + skipped, four.Fourth + skipped);
            }
            else
            {
                Widen<T>(four.First, column, columns, widened);
                Widen<T>(four.Second, column, columns, widened + PlainDot.Segment);
                Widen<T>(four.Third, column, columns, widened + (2 * PlainDot.Segment));
                Widen<T>(four.Fourth, column, columns, widened + (3 * PlainDot.Segment));
                four = new FourRows(
                    (byte*)widened,
                    (byte*)(widened + PlainDot.Segment),
                    (byte*)(widened + (2 * PlainDot.Segment)),
                    (byte*)(widened + (3 * PlainDot.Segment)));
            }

            PackFour((float*)four.First, (float*)four.Second, (float*)four.Third, (float*)four.Fourth, columns, rows + i);
        }
    }

    /// <summary>Whether rows need no widening.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool LieAsFloats<T>()
        where T : IWeightFormat => T.BlockElements == 1 && T.BlockBytes == sizeof(float);

    /// <summary>Brings a row's columns to F32 and true scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<T>(byte* row, int column, int columns, float* widened)
        where T : IWeightFormat
    {
        Vector512<float> unfold = Vector512.Create(T.Unfold);
        for (int j = 0; j < columns; j += 32)
        {
            T.Load32(ref *row, (nuint)(column + j), out Vector512<float> lo, out Vector512<float> hi);
            (lo * unfold).Store(widened + j);
            (hi * unfold).Store(widened + j + 16);
        }
    }

    /// <summary>Four rows to their places, eight columns at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackFour(float* first, float* second, float* third, float* fourth, int columns, float* rows)
    {
        nint steps = columns / Lanes;
        for (int lane = 0; lane < Lanes; lane += 8)
        {
            float* to0 = rows + (LaneOf(lane) * RowGroup * steps);
            float* to1 = rows + (LaneOf(lane + 1) * RowGroup * steps);
            float* to2 = rows + (LaneOf(lane + 2) * RowGroup * steps);
            float* to3 = rows + (LaneOf(lane + 3) * RowGroup * steps);

            // Lanes four apart are two phases apart.
            nint apart = 2 * RowGroup * steps;
            for (nint j = lane, to = 0; j < columns; j += Lanes, to += RowGroup)
            {
                Vector256<float> a = Vector256.Load(first + j);
                Vector256<float> b = Vector256.Load(second + j);
                Vector256<float> c = Vector256.Load(third + j);
                Vector256<float> d = Vector256.Load(fourth + j);
                Transposition.FourByFour(ref a, ref b, ref c, ref d);
                a.GetLower().Store(to0 + to);
                b.GetLower().Store(to1 + to);
                c.GetLower().Store(to2 + to);
                d.GetLower().Store(to3 + to);
                a.GetUpper().Store(to0 + apart + to);
                b.GetUpper().Store(to1 + apart + to);
                c.GetUpper().Store(to2 + apart + to);
                d.GetUpper().Store(to3 + apart + to);
            }
        }
    }

    /// <summary>
    /// The lane of a phase, its four bits turned round: 0, 8, 4, 12, 2, 10, ..., neighbours in the canonical tree side by side. It is its
    /// own inverse.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LaneOf(int phase) => (int)((0xF7B3_D591_E6A2_C480 >> (4 * phase)) & 15);
}
