using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Tiles of Q8_0: bytes and inputs are multiplied as integers of 16 bits. The arithmetic of <see cref="Q8Dot"/>.</summary>
internal readonly unsafe struct Q8Tile : ITileFormat, IRowPart
{
    private const int Quants = 64;

    public static int Columns => 32;

    /// <summary>32 integers of 16 bits and the step.</summary>
    public static int InputBytes => Quants + sizeof(float);

    public static int Chains => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PackInput(byte* prepared, int block, byte* packed, int token, int tokens)
    {
        byte* source = prepared + ((nint)block * QuantizedInput.SixteenBitBlock);
        Vector512.Load(source).Store(packed + (token * Quants));
        ((float*)(packed + (tokens * Quants)))[token] = *(float*)(source + Quants);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Words(byte* block, int part) =>
        Avx2.ConvertToVector256Int16((sbyte*)block + sizeof(ushort) + (16 * part)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddBlock(byte** rows, int block, byte* packed, int tokens, in TileScratch scratch, float* sums)
    {
        nint offset = (nint)block * Q8_0.Block;
        TilePanel.Store<Q8Tile>(rows, offset, 0, scratch.Panel);
        TilePanel.Store<Q8Tile>(rows, offset, 1, scratch.Panel + (IntegerTile.ByteSteps * IntegerTile.StepBytes));
        TilePanel.StoreHalves(rows, offset, scratch.Halves);
        float* steps = (float*)(packed + (tokens * Quants));
        if (IntegerTile.IsWide)
        {
            Add512(scratch.Panel, Vector512.Load(scratch.Halves), packed, steps, tokens, sums);
            return;
        }

        IntegerTile.Words(scratch.Panel, 2 * IntegerTile.ByteSteps, packed, Quants, tokens, 1, scratch.Totals);
        Vector512<float> scales = Vector512.Load(scratch.Halves);
        int* totals = scratch.Totals;
        for (int t = 0; t < tokens; t++, totals += IntegerTile.Outputs, sums += IntegerTile.Outputs)
        {
            Vector512<float> dots = Vector512.ConvertToSingle(Vector512.Load(totals));
            Vector512.FusedMultiplyAdd(dots, scales * steps[t], Vector512.Load(sums)).Store(sums);
        }
    }

    /// <summary>The panel stays in registers, half of those that there are: a load for each product is all that a token needs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add512(byte* panel, Vector512<float> scales, byte* x, float* steps, int tokens, float* sums)
    {
        Vector512<short> w0 = Vector512.Load((short*)panel);
        Vector512<short> w1 = Vector512.Load((short*)(panel + 64));
        Vector512<short> w2 = Vector512.Load((short*)(panel + 128));
        Vector512<short> w3 = Vector512.Load((short*)(panel + 192));
        Vector512<short> w4 = Vector512.Load((short*)(panel + 256));
        Vector512<short> w5 = Vector512.Load((short*)(panel + 320));
        Vector512<short> w6 = Vector512.Load((short*)(panel + 384));
        Vector512<short> w7 = Vector512.Load((short*)(panel + 448));
        Vector512<short> w8 = Vector512.Load((short*)(panel + 512));
        Vector512<short> w9 = Vector512.Load((short*)(panel + 576));
        Vector512<short> w10 = Vector512.Load((short*)(panel + 640));
        Vector512<short> w11 = Vector512.Load((short*)(panel + 704));
        Vector512<short> w12 = Vector512.Load((short*)(panel + 768));
        Vector512<short> w13 = Vector512.Load((short*)(panel + 832));
        Vector512<short> w14 = Vector512.Load((short*)(panel + 896));
        Vector512<short> w15 = Vector512.Load((short*)(panel + 960));
        for (float* end = sums + (tokens * IntegerTile.Outputs); sums < end; sums += IntegerTile.Outputs, x += Quants, steps++)
        {
            Vector512<int> a = Products(w0, x) + Products(w1, x + 4);
            Vector512<int> b = Products(w2, x + 8) + Products(w3, x + 12);
            a += Products(w4, x + 16) + Products(w5, x + 20);
            b += Products(w6, x + 24) + Products(w7, x + 28);
            a += Products(w8, x + 32) + Products(w9, x + 36);
            b += Products(w10, x + 40) + Products(w11, x + 44);
            a += Products(w12, x + 48) + Products(w13, x + 52);
            b += Products(w14, x + 56) + Products(w15, x + 60);
            Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(a + b), scales * *steps, Vector512.Load(sums)).Store(sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Products(Vector512<short> w, byte* x) =>
        Avx512BW.MultiplyAddAdjacent(w, Vector512.Create(*(int*)x).AsInt16());
}
