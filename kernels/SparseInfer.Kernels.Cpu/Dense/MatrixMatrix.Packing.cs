using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <content>Packing of the inputs for the tiles.</content>
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
}
