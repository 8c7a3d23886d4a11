using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Q4_0's tiles: the arithmetic of <see cref="Q4Dot"/>. A block of 16 rows stays in registers from its bytes to the tokens' sums: where tokens are few,
/// what is done once for all of them takes most of the time.
/// </summary>
internal readonly unsafe struct Q4Tile : ITileFormat, ITileQuants
{
    public static int Columns => BlockTile<Q4_0>.Columns;

    public static int InputBytes => BlockTile<Q4_0>.InputBytes;

    public static int Chains => BlockTile<Q4_0>.Chains;

    public static int StepsInWord => 8;

    public static bool HasScales => false;

    public static bool Accumulates => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PackInput(byte* prepared, int block, byte* packed, int token, int tokens) =>
        BlockTile<Q4_0>.PackInput(prepared, block, packed, token, tokens);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddBlock(byte** rows, int block, byte* packed, int tokens, in TileScratch scratch, float* sums)
    {
        nint offset = (nint)block * Q4_0.Block;
        if (IntegerTile.IsWide)
        {
            Add512(rows, offset, packed, tokens, sums);
        }
        else
        {
            Add256(rows, offset, packed, tokens, sums);
            Add256(rows + (IntegerTile.Outputs / 2), offset, packed, tokens, sums + (IntegerTile.Outputs / 2));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add512(byte** rows, nint offset, byte* x, int tokens, float* sums)
    {
        float* steps = BlockTile<Q4_0>.Steps(x, tokens);
        float* excess = BlockTile<Q4_0>.Excesses(x, tokens);
        TilePanel.FourWords512(
            rows, offset + sizeof(ushort), out Vector512<float> a, out Vector512<float> b, out Vector512<float> c, out Vector512<float> d);
        Vector512<byte> nibble = Vector512.Create((byte)15);
        Vector512<byte> w0 = a.AsByte() & nibble;
        Vector512<byte> w1 = b.AsByte() & nibble;
        Vector512<byte> w2 = c.AsByte() & nibble;
        Vector512<byte> w3 = d.AsByte() & nibble;
        Vector512<byte> w4 = (a.AsUInt16() >>> 4).AsByte() & nibble;
        Vector512<byte> w5 = (b.AsUInt16() >>> 4).AsByte() & nibble;
        Vector512<byte> w6 = (c.AsUInt16() >>> 4).AsByte() & nibble;
        Vector512<byte> w7 = (d.AsUInt16() >>> 4).AsByte() & nibble;
        Vector512<short> ones = Vector512<short>.One;
        Vector512<float> scales = TilePanel.Halves512(rows, offset);
        for (float* end = sums + (tokens * IntegerTile.Outputs); sums < end; sums += IntegerTile.Outputs, x += 32, steps++, excess++)
        {
            Vector512<int> total = IntegerTile.Sum512<Q4Tile>(w0, w1, w2, w3, w4, w5, w6, w7, ones, ones, x);
            Vector512<float> dots = Vector512.FusedMultiplyAdd(
                Vector512.ConvertToSingle(total), Vector512.Create(*steps), Vector512.Create(*excess));
            Vector512.FusedMultiplyAdd(dots, scales, Vector512.Load(sums)).Store(sums);
        }
    }

    /// <summary>Eight rows, and every second eight of the sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add256(byte** rows, nint offset, byte* x, int tokens, float* sums)
    {
        float* steps = BlockTile<Q4_0>.Steps(x, tokens);
        float* excess = BlockTile<Q4_0>.Excesses(x, tokens);
        TilePanel.FourWords256(
            rows, offset + sizeof(ushort), out Vector256<float> a, out Vector256<float> b, out Vector256<float> c, out Vector256<float> d);
        Vector256<byte> nibble = Vector256.Create((byte)15);
        Vector256<byte> w0 = a.AsByte() & nibble;
        Vector256<byte> w1 = b.AsByte() & nibble;
        Vector256<byte> w2 = c.AsByte() & nibble;
        Vector256<byte> w3 = d.AsByte() & nibble;
        Vector256<byte> w4 = (a.AsUInt16() >>> 4).AsByte() & nibble;
        Vector256<byte> w5 = (b.AsUInt16() >>> 4).AsByte() & nibble;
        Vector256<byte> w6 = (c.AsUInt16() >>> 4).AsByte() & nibble;
        Vector256<byte> w7 = (d.AsUInt16() >>> 4).AsByte() & nibble;
        Vector256<short> ones = Vector256<short>.One;
        Vector256<float> scales = TilePanel.Halves256(rows, offset);
        for (float* end = sums + (tokens * IntegerTile.Outputs); sums < end; sums += IntegerTile.Outputs, x += 32, steps++, excess++)
        {
            Vector256<int> total = IntegerTile.Sum256<Q4Tile>(w0, w1, w2, w3, w4, w5, w6, w7, ones, ones, x);
            Vector256<float> dots = Vector256.FusedMultiplyAdd(
                Vector256.ConvertToSingle(total), Vector256.Create(*steps), Vector256.Create(*excess));
            Vector256.FusedMultiplyAdd(dots, scales, Vector256.Load(sums)).Store(sums);
        }
    }
}
