using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Rows turned round: what lies side by side in a row goes to the steps of a panel, a lane a row. Whole vectors are stored, for a load that spans
/// several stores waits for all of them.
/// </summary>
internal static unsafe class TilePanel
{
    /// <summary>16 rows' eight words of 32 bits to eight steps.</summary>
    /// <param name="rows">The rows' first bytes.</param>
    /// <param name="offset">What is added to each.</param>
    /// <param name="part">What <typeparamref name="T"/> is asked for.</param>
    /// <param name="panel">The first step.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(byte** rows, nint offset, int part, byte* panel)
        where T : struct, IRowPart
    {
        if (IntegerTile.IsWide)
        {
            Store512<T>(rows, offset, part, panel);
        }
        else
        {
            Store256<T>(rows, offset, part, panel);
            Store256<T>(rows + (IntegerTile.Outputs / 2), offset, part, panel + (IntegerTile.StepBytes / 2));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store512<T>(byte** rows, nint offset, int part, byte* panel)
        where T : struct, IRowPart
    {
        Eight<T>(rows, offset, part, out Vector512<float> a, out Vector512<float> b, out Vector512<float> c, out Vector512<float> d);
        Eight<T>(rows + 8, offset, part, out Vector512<float> e, out Vector512<float> f, out Vector512<float> g, out Vector512<float> h);
        Avx512F.Shuffle4x128(a, e, 0b10_00_10_00).Store((float*)panel);
        Avx512F.Shuffle4x128(b, f, 0b10_00_10_00).Store((float*)(panel + IntegerTile.StepBytes));
        Avx512F.Shuffle4x128(c, g, 0b10_00_10_00).Store((float*)(panel + (2 * IntegerTile.StepBytes)));
        Avx512F.Shuffle4x128(d, h, 0b10_00_10_00).Store((float*)(panel + (3 * IntegerTile.StepBytes)));
        Avx512F.Shuffle4x128(a, e, 0b11_01_11_01).Store((float*)(panel + (4 * IntegerTile.StepBytes)));
        Avx512F.Shuffle4x128(b, f, 0b11_01_11_01).Store((float*)(panel + (5 * IntegerTile.StepBytes)));
        Avx512F.Shuffle4x128(c, g, 0b11_01_11_01).Store((float*)(panel + (6 * IntegerTile.StepBytes)));
        Avx512F.Shuffle4x128(d, h, 0b11_01_11_01).Store((float*)(panel + (7 * IntegerTile.StepBytes)));
    }

    /// <summary>16 rows' 16 bytes: their lower nibbles to four steps, the upper ones to the next four.</summary>
    /// <param name="rows">The rows' first bytes.</param>
    /// <param name="offset">What is added to each.</param>
    /// <param name="panel">The first step.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNibbles(byte** rows, nint offset, byte* panel)
    {
        if (IntegerTile.IsWide)
        {
            StoreNibbles512(rows, offset, panel);
        }
        else
        {
            StoreNibbles256(rows, offset, panel);
            StoreNibbles256(rows + (IntegerTile.Outputs / 2), offset, panel + (IntegerTile.StepBytes / 2));
        }
    }

    /// <summary>A step, as the tile will load it.</summary>
    /// <param name="lower">Of the first eight outputs.</param>
    /// <param name="upper">Of the others.</param>
    /// <param name="step">Where it goes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreStep(Vector256<byte> lower, Vector256<byte> upper, byte* step)
    {
        if (IntegerTile.IsWide)
        {
            Vector512.Create(lower, upper).Store(step);
        }
        else
        {
            lower.Store(step);
            upper.Store(step + (IntegerTile.StepBytes / 2));
        }
    }

    /// <summary>16 rows' first three words, a lane a row.</summary>
    /// <param name="rows">The rows' first bytes.</param>
    /// <param name="offset">Where the words are; a fourth is loaded.</param>
    /// <param name="first">First words.</param>
    /// <param name="second">Second words.</param>
    /// <param name="third">Third words.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ThreeWords(
        byte** rows, nint offset, out Vector512<uint> first, out Vector512<uint> second, out Vector512<uint> third)
    {
        if (IntegerTile.IsWide)
        {
            Vector512<float> a = FourLanes(rows, offset);
            Vector512<float> b = FourLanes(rows + 1, offset);
            Vector512<float> c = FourLanes(rows + 2, offset);
            Vector512<float> d = FourLanes(rows + 3, offset);
            Transposition.FourByFour(ref a, ref b, ref c, ref d);
            (first, second, third) = (a.AsUInt32(), b.AsUInt32(), c.AsUInt32());
            return;
        }

        Eight(rows, offset, out Vector256<float> a0, out Vector256<float> b0, out Vector256<float> c0);
        Eight(rows + 8, offset, out Vector256<float> a1, out Vector256<float> b1, out Vector256<float> c1);
        first = Vector512.Create(a0, a1).AsUInt32();
        second = Vector512.Create(b0, b1).AsUInt32();
        third = Vector512.Create(c0, c1).AsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Eight(byte** rows, nint offset, out Vector256<float> a, out Vector256<float> b, out Vector256<float> c)
    {
        a = TwoLanes(rows, offset);
        b = TwoLanes(rows + 1, offset);
        c = TwoLanes(rows + 2, offset);
        Vector256<float> d = TwoLanes(rows + 3, offset);
        Transposition.FourByFour(ref a, ref b, ref c, ref d);
    }

    /// <summary>16 rows' halves to floats in folded scale.</summary>
    /// <param name="rows">The rows' first bytes.</param>
    /// <param name="offset">Where the halves are; 14 bytes more are loaded.</param>
    /// <param name="halves">16 floats.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void StoreHalves(byte** rows, nint offset, float* halves)
    {
        Vector128<float> a, b, c, d;
        Vector256<int> mask = Vector256.Create(BlockDot.HalfMask);
        for (float* end = halves + IntegerTile.Outputs; halves < end; halves += 8, rows += 8)
        {
            a = Sse.UnpackLow(Vector128.Load((float*)(rows[0] + offset)), Vector128.Load((float*)(rows[1] + offset)));
            b = Sse.UnpackLow(Vector128.Load((float*)(rows[2] + offset)), Vector128.Load((float*)(rows[3] + offset)));
            c = Sse.UnpackLow(Vector128.Load((float*)(rows[4] + offset)), Vector128.Load((float*)(rows[5] + offset)));
            d = Sse.UnpackLow(Vector128.Load((float*)(rows[6] + offset)), Vector128.Load((float*)(rows[7] + offset)));
            Vector256<int> words = Vector256.Create(Sse.MoveLowToHigh(a, b), Sse.MoveLowToHigh(c, d)).AsInt32();

            // A half's upper neighbour is shifted out.
            (Avx2.ShiftRightArithmetic(Avx2.ShiftLeftLogical(words, 16), 3) & mask).AsSingle().Store(halves);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreNibbles512(byte** rows, nint offset, byte* panel)
    {
        Vector512<float> a = FourLanes(rows, offset);
        Vector512<float> b = FourLanes(rows + 1, offset);
        Vector512<float> c = FourLanes(rows + 2, offset);
        Vector512<float> d = FourLanes(rows + 3, offset);
        Transposition.FourByFour(ref a, ref b, ref c, ref d);
        Vector512<byte> nibble = Vector512.Create((byte)15);
        (a.AsByte() & nibble).Store(panel);
        (b.AsByte() & nibble).Store(panel + IntegerTile.StepBytes);
        (c.AsByte() & nibble).Store(panel + (2 * IntegerTile.StepBytes));
        (d.AsByte() & nibble).Store(panel + (3 * IntegerTile.StepBytes));
        ((a.AsUInt16() >>> 4).AsByte() & nibble).Store(panel + (4 * IntegerTile.StepBytes));
        ((b.AsUInt16() >>> 4).AsByte() & nibble).Store(panel + (5 * IntegerTile.StepBytes));
        ((c.AsUInt16() >>> 4).AsByte() & nibble).Store(panel + (6 * IntegerTile.StepBytes));
        ((d.AsUInt16() >>> 4).AsByte() & nibble).Store(panel + (7 * IntegerTile.StepBytes));
    }

    /// <summary>Every fourth row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> FourLanes(byte** rows, nint offset) => Vector512.Create(
        Vector256.Create(Vector128.Load((float*)(rows[0] + offset)), Vector128.Load((float*)(rows[4] + offset))),
        Vector256.Create(Vector128.Load((float*)(rows[8] + offset)), Vector128.Load((float*)(rows[12] + offset))));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreNibbles256(byte** rows, nint offset, byte* panel)
    {
        Vector256<float> a = TwoLanes(rows, offset);
        Vector256<float> b = TwoLanes(rows + 1, offset);
        Vector256<float> c = TwoLanes(rows + 2, offset);
        Vector256<float> d = TwoLanes(rows + 3, offset);
        Transposition.FourByFour(ref a, ref b, ref c, ref d);
        Vector256<byte> nibble = Vector256.Create((byte)15);
        (a.AsByte() & nibble).Store(panel);
        (b.AsByte() & nibble).Store(panel + IntegerTile.StepBytes);
        (c.AsByte() & nibble).Store(panel + (2 * IntegerTile.StepBytes));
        (d.AsByte() & nibble).Store(panel + (3 * IntegerTile.StepBytes));
        ((a.AsUInt16() >>> 4).AsByte() & nibble).Store(panel + (4 * IntegerTile.StepBytes));
        ((b.AsUInt16() >>> 4).AsByte() & nibble).Store(panel + (5 * IntegerTile.StepBytes));
        ((c.AsUInt16() >>> 4).AsByte() & nibble).Store(panel + (6 * IntegerTile.StepBytes));
        ((d.AsUInt16() >>> 4).AsByte() & nibble).Store(panel + (7 * IntegerTile.StepBytes));
    }

    /// <summary>A row, and the fourth after it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> TwoLanes(byte** rows, nint offset) =>
        Vector256.Create(Vector128.Load((float*)(rows[0] + offset)), Vector128.Load((float*)(rows[4] + offset)));

    /// <summary>Eight rows: words k of the first four, words k + 4 of these, then both of the other four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Eight<T>(
        byte** rows, nint offset, int part, out Vector512<float> a, out Vector512<float> b, out Vector512<float> c, out Vector512<float> d)
        where T : struct, IRowPart
    {
        a = Vector512.Create(T.Words(rows[0] + offset, part), T.Words(rows[4] + offset, part));
        b = Vector512.Create(T.Words(rows[1] + offset, part), T.Words(rows[5] + offset, part));
        c = Vector512.Create(T.Words(rows[2] + offset, part), T.Words(rows[6] + offset, part));
        d = Vector512.Create(T.Words(rows[3] + offset, part), T.Words(rows[7] + offset, part));
        Transposition.FourByFour(ref a, ref b, ref c, ref d);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store256<T>(byte** rows, nint offset, int part, byte* panel)
        where T : struct, IRowPart
    {
        Four<T>(rows, offset, part, out Vector256<float> a, out Vector256<float> b, out Vector256<float> c, out Vector256<float> d);
        Four<T>(rows + 4, offset, part, out Vector256<float> e, out Vector256<float> f, out Vector256<float> g, out Vector256<float> h);
        Avx.Permute2x128(a, e, 0x20).Store((float*)panel);
        Avx.Permute2x128(b, f, 0x20).Store((float*)(panel + IntegerTile.StepBytes));
        Avx.Permute2x128(c, g, 0x20).Store((float*)(panel + (2 * IntegerTile.StepBytes)));
        Avx.Permute2x128(d, h, 0x20).Store((float*)(panel + (3 * IntegerTile.StepBytes)));
        Avx.Permute2x128(a, e, 0x31).Store((float*)(panel + (4 * IntegerTile.StepBytes)));
        Avx.Permute2x128(b, f, 0x31).Store((float*)(panel + (5 * IntegerTile.StepBytes)));
        Avx.Permute2x128(c, g, 0x31).Store((float*)(panel + (6 * IntegerTile.StepBytes)));
        Avx.Permute2x128(d, h, 0x31).Store((float*)(panel + (7 * IntegerTile.StepBytes)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Four<T>(
        byte** rows, nint offset, int part, out Vector256<float> a, out Vector256<float> b, out Vector256<float> c, out Vector256<float> d)
        where T : struct, IRowPart
    {
        a = T.Words(rows[0] + offset, part);
        b = T.Words(rows[1] + offset, part);
        c = T.Words(rows[2] + offset, part);
        d = T.Words(rows[3] + offset, part);
        Transposition.FourByFour(ref a, ref b, ref c, ref d);
    }
}

/// <summary>Eight words of 32 bits of a block: what of it goes to a panel.</summary>
internal unsafe interface IRowPart
{
    /// <summary>The words.</summary>
    /// <param name="block">The block.</param>
    /// <param name="part">Which of its parts.</param>
    static abstract Vector256<float> Words(byte* block, int part);
}
