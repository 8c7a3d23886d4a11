using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The 12 bytes of <see cref="SixBitScales"/> of 16 rows, turned round before they are taken apart: a lane is a row, a byte of it an integer.
/// </summary>
internal static unsafe class SixBitPanel
{
    private const uint LowerSix = 0x3F3F3F3F;
    private const uint LowerFour = 0x0F0F0F0F;
    private const uint UpperTwo = 0x30303030;

    /// <summary>Brings scales and minima to where <see cref="SuperBlockTile{T}"/> wants them.</summary>
    /// <param name="rows">The rows' first bytes.</param>
    /// <param name="offset">Where the 12 bytes are; four more are loaded.</param>
    /// <param name="scales">Each part's scale, twice side by side: a step a part.</param>
    /// <param name="minima">Pairs of parts' minima: four steps, of the first 16 columns of a part, then the same of the other 16.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(byte** rows, nint offset, byte* scales, byte* minima)
    {
        TilePanel.ThreeWords(rows, offset, out Vector512<uint> first, out Vector512<uint> second, out Vector512<uint> rest);
        StoreTwice(first & Vector512.Create(LowerSix), scales);
        StoreTwice(
            (rest & Vector512.Create(LowerFour)) | ((first >>> 2) & Vector512.Create(UpperTwo)), scales + (4 * IntegerTile.StepBytes));
        StorePairs(second & Vector512.Create(LowerSix), minima);
        StorePairs(
            ((rest >>> 4) & Vector512.Create(LowerFour)) | ((second >>> 2) & Vector512.Create(UpperTwo)), minima + (2 * IntegerTile.StepBytes));
    }

    /// <summary>Four parts' integers, each as a pair of 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreTwice(Vector512<uint> parts, byte* steps)
    {
        Vector512<uint> lowest = Vector512.Create(0xFFu);
        Vector512<uint> part = parts & lowest;
        (part | (part << 16)).Store((uint*)steps);
        part = (parts >>> 8) & lowest;
        (part | (part << 16)).Store((uint*)(steps + IntegerTile.StepBytes));
        part = (parts >>> 16) & lowest;
        (part | (part << 16)).Store((uint*)(steps + (2 * IntegerTile.StepBytes)));
        part = parts >>> 24;
        (part | (part << 16)).Store((uint*)(steps + (3 * IntegerTile.StepBytes)));
    }

    /// <summary>Two pairs of neighbours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePairs(Vector512<uint> parts, byte* steps)
    {
        Vector512<uint> pair = (parts & Vector512.Create(0xFFu)) | ((parts << 8) & Vector512.Create(0xFF0000u));
        pair.Store((uint*)steps);
        pair.Store((uint*)(steps + (4 * IntegerTile.StepBytes)));
        pair = ((parts >>> 16) & Vector512.Create(0xFFu)) | ((parts >>> 8) & Vector512.Create(0xFF0000u));
        pair.Store((uint*)(steps + IntegerTile.StepBytes));
        pair.Store((uint*)(steps + (5 * IntegerTile.StepBytes)));
    }
}
