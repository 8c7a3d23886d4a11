using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// What four dot products have in common in the block formats: weights stay integers, and meet an input that was quantized once for all rows
/// (<see cref="QuantizedInput"/>). Integer sums are exact in any order, so only what follows them has one, which each format says.
/// </summary>
internal static unsafe class BlockDot
{
    /// <summary>Clears the copies of the sign that a half's bits leave where they are shifted into a float's fields.</summary>
    public const int HalfMask = unchecked((int)0x8FFFFFFF);

    /// <summary>
    /// A block's scale in folded scale, in all lanes: the half's bits twice in each lane, shifted into a float's fields; the mask clears
    /// what the lower copy left and the copies of the sign.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Scale(byte* block) =>
        (Avx2.ShiftRightArithmetic(Avx2.BroadcastScalarToVector256((short*)block).AsInt32(), 3)
            & Vector256.Create(unchecked((int)0x8FFFE000))).AsSingle();

    /// <summary>A block's scale in folded scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float FoldedScale(byte* block) =>
        BitConverter.Int32BitsToSingle((Unsafe.ReadUnaligned<short>(block) << 13) & HalfMask);

    /// <summary>Lane j: products 4j to 4j + 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> QuadSums(Vector128<sbyte> a, Vector128<sbyte> b)
    {
        if (Dp.IsSupported)
        {
            return Dp.DotProduct(Vector128<int>.Zero, a, b);
        }

        return AddPairs(
            PairSums(Vector128.WidenLower(a), Vector128.WidenLower(b)), PairSums(Vector128.WidenUpper(a), Vector128.WidenUpper(b)));
    }

    /// <summary>Lane j: products 2j and 2j + 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> PairSums(Vector128<short> a, Vector128<short> b)
    {
        if (Sse2.IsSupported)
        {
            return Sse2.MultiplyAddAdjacent(a, b);
        }

        if (AdvSimd.IsSupported)
        {
            return AddPairs(
                AdvSimd.MultiplyWideningLower(a.GetLower(), b.GetLower()), AdvSimd.MultiplyWideningUpper(a, b));
        }

        return AddPairs(Vector128.WidenLower(a) * Vector128.WidenLower(b), Vector128.WidenUpper(a) * Vector128.WidenUpper(b));
    }

    /// <summary>Sums of neighbours: the first vector's two, then the second's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> AddPairs(Vector128<int> lower, Vector128<int> upper)
    {
        if (AdvSimd.Arm64.IsSupported)
        {
            return AdvSimd.Arm64.AddPairwise(lower, upper);
        }

        if (Ssse3.IsSupported)
        {
            return Ssse3.HorizontalAdd(lower, upper);
        }

        return Vector128.Create(
            lower.GetElement(0) + lower.GetElement(1),
            lower.GetElement(2) + lower.GetElement(3),
            upper.GetElement(0) + upper.GetElement(1),
            upper.GetElement(2) + upper.GetElement(3));
    }
}
