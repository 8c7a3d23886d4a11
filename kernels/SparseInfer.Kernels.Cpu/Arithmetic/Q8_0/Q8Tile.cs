using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Tiles of Q8_0: bytes and inputs are multiplied as integers of 16 bits. The arithmetic of <see cref="Q8Dot"/>.</summary>
internal readonly unsafe struct Q8Tile : ITileFormat
{
    private const int Quants = 64;

    public static int Columns => 32;

    /// <summary>32 integers of 16 bits and the step.</summary>
    public static int InputBytes => Quants + sizeof(float);

    public static int Chains => 2;

    public static void PackInput(byte* prepared, int block, byte* packed, int token, int tokens)
    {
        byte* source = prepared + ((nint)block * QuantizedInput.SixteenBitBlock);
        Vector512.Load(source).Store(packed + (token * Quants));
        ((float*)(packed + (tokens * Quants)))[token] = *(float*)(source + Quants);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddBlock(byte** rows, int block, byte* packed, int tokens, in TileScratch scratch, float* sums)
    {
        nint offset = (nint)block * Q8_0.Block;
        for (int row = 0; row < IntegerTile.Outputs; row += 4)
        {
            byte* to = scratch.Panel + (row * sizeof(int));
            for (int half = 0; half < 2; half++, to += IntegerTile.ByteSteps * IntegerTile.StepBytes)
            {
                nint quants = offset + sizeof(ushort) + (16 * half);
                TilePanel.Store(
                    Words(rows[row] + quants), Words(rows[row + 1] + quants), Words(rows[row + 2] + quants), Words(rows[row + 3] + quants), to);
            }
        }

        for (int row = 0; row < IntegerTile.Outputs; row++)
        {
            scratch.Halves[row] = BlockDot.FoldedScale(rows[row] + offset);
        }

        IntegerTile.Words(scratch.Panel, 2 * IntegerTile.ByteSteps, packed, Quants, tokens, 1, scratch.Totals);
        Vector512<float> scales = Vector512.Load(scratch.Halves);
        float* steps = (float*)(packed + (tokens * Quants));
        int* totals = scratch.Totals;
        for (int t = 0; t < tokens; t++, totals += IntegerTile.Outputs, sums += IntegerTile.Outputs)
        {
            Vector512<float> dots = Vector512.ConvertToSingle(Vector512.Load(totals));
            Vector512.FusedMultiplyAdd(dots, scales * steps[t], Vector512.Load(sums)).Store(sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Words(byte* quants) => Avx2.ConvertToVector256Int16((sbyte*)quants).AsSingle();
}
