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
            FourWords512(rows, offset, out Vector512<float> a, out Vector512<float> b, out Vector512<float> c, out _);
            (first, second, third) = (a.AsUInt32(), b.AsUInt32(), c.AsUInt32());
            return;
        }

        FourWords256(rows, offset, out Vector256<float> a0, out Vector256<float> b0, out Vector256<float> c0, out _);
        FourWords256(rows + 8, offset, out Vector256<float> a1, out Vector256<float> b1, out Vector256<float> c1, out _);
        first = Vector512.Create(a0, a1).AsUInt32();
        second = Vector512.Create(b0, b1).AsUInt32();
        third = Vector512.Create(c0, c1).AsUInt32();
    }

    /// <summary>16 rows' halves to floats in folded scale.</summary>
    /// <param name="rows">The rows' first bytes.</param>
    /// <param name="offset">Where the halves are; 14 bytes more are loaded.</param>
    /// <param name="halves">16 floats.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void StoreHalves(byte** rows, nint offset, float* halves)
    {
        if (IntegerTile.IsWide)
        {
            Halves512(rows, offset).Store(halves);
        }
        else
        {
            Halves256(rows, offset).Store(halves);
            Halves256(rows + (IntegerTile.Outputs / 2), offset).Store(halves + (IntegerTile.Outputs / 2));
        }
    }

    /// <summary>What <see cref="StoreHalves"/> stores, a lane a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Halves512(byte** rows, nint offset)
    {
        Vector512<float> lanes = Avx512F.InsertVector128(Wide(FourWords(rows, offset)), FourWords(rows + 4, offset), 1);
        lanes = Avx512F.InsertVector128(lanes, FourWords(rows + 8, offset), 2);
        Vector512<int> words = Avx512F.InsertVector128(lanes, FourWords(rows + 12, offset), 3).AsInt32();

        // A half's upper neighbour is shifted out.
        return (((words << 16) >> 3) & Vector512.Create(BlockDot.HalfMask)).AsSingle();
    }

    /// <summary>Of eight rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Halves256(byte** rows, nint offset)
    {
        Vector256<int> words = Vector256.Create(FourWords(rows, offset), FourWords(rows + 4, offset)).AsInt32();
        return (Avx2.ShiftRightArithmetic(Avx2.ShiftLeftLogical(words, 16), 3) & Vector256.Create(BlockDot.HalfMask)).AsSingle();
    }

    /// <summary>Four rows' words; 12 bytes more of each are loaded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> FourWords(byte** rows, nint offset) => Sse.MoveLowToHigh(
        Sse.UnpackLow(Vector128.Load((float*)(rows[0] + offset)), Vector128.Load((float*)(rows[1] + offset))),
        Sse.UnpackLow(Vector128.Load((float*)(rows[2] + offset)), Vector128.Load((float*)(rows[3] + offset))));

    /// <summary>16 rows' 16 bytes: words 0 of all, words 1, 2 and 3.</summary>
    /// <param name="rows">The rows' first bytes.</param>
    /// <param name="offset">What is added to each.</param>
    /// <param name="a">Words 0, a lane a row.</param>
    /// <param name="b">Words 1.</param>
    /// <param name="c">Words 2.</param>
    /// <param name="d">Words 3.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FourWords512(
        byte** rows, nint offset, out Vector512<float> a, out Vector512<float> b, out Vector512<float> c, out Vector512<float> d)
    {
        a = FourLanes(rows, offset);
        b = FourLanes(rows + 1, offset);
        c = FourLanes(rows + 2, offset);
        d = FourLanes(rows + 3, offset);
        Transposition.FourByFour(ref a, ref b, ref c, ref d);
    }

    /// <summary>Every fourth row. A lane that is inserted from memory is a load and a blend.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> FourLanes(byte** rows, nint offset)
    {
        Vector512<float> lanes = Wide(Vector128.Load((float*)(rows[0] + offset)));
        lanes = Avx512F.InsertVector128(lanes, Vector128.Load((float*)(rows[4] + offset)), 1);
        lanes = Avx512F.InsertVector128(lanes, Vector128.Load((float*)(rows[8] + offset)), 2);
        return Avx512F.InsertVector128(lanes, Vector128.Load((float*)(rows[12] + offset)), 3);
    }

    /// <summary>The first of four lanes; the others are inserted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Wide(Vector128<float> first) => first.ToVector256Unsafe().ToVector512Unsafe();

    /// <summary>As <see cref="FourWords512"/>, eight rows'.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FourWords256(
        byte** rows, nint offset, out Vector256<float> a, out Vector256<float> b, out Vector256<float> c, out Vector256<float> d)
    {
        a = TwoLanes(rows, offset);
        b = TwoLanes(rows + 1, offset);
        c = TwoLanes(rows + 2, offset);
        d = TwoLanes(rows + 3, offset);
        Transposition.FourByFour(ref a, ref b, ref c, ref d);
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
        a = Avx512F.InsertVector256(T.Words(rows[0] + offset, part).ToVector512Unsafe(), T.Words(rows[4] + offset, part), 1);
        b = Avx512F.InsertVector256(T.Words(rows[1] + offset, part).ToVector512Unsafe(), T.Words(rows[5] + offset, part), 1);
        c = Avx512F.InsertVector256(T.Words(rows[2] + offset, part).ToVector512Unsafe(), T.Words(rows[6] + offset, part), 1);
        d = Avx512F.InsertVector256(T.Words(rows[3] + offset, part).ToVector512Unsafe(), T.Words(rows[7] + offset, part), 1);
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
