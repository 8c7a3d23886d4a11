using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Loads of narrow integers as 16 int32. The one place where instruction sets are told apart: <c>Vector256.Widen</c> on x86 unpacks and
/// permutes, which halves the speed of a whole matrix product, where the converting load is one instruction.
/// </summary>
internal static class Widening
{
    /// <summary>Two to the 112: the ratio of a half's exponent bias, moved into a float's field, to the float's own.</summary>
    public const float HalfUnfold = 5.192296858534828e33f;

    private static bool HasWideConversion => Vector512.IsHardwareAccelerated && Avx512F.IsSupported;

    /// <summary>16 signed 16-bit integers, starting at element <paramref name="index"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Int16(ref short source, nuint index)
    {
        if (HasWideConversion)
        {
            return Avx512F.ConvertToVector512Int32(Vector256.LoadUnsafe(ref source, index));
        }

        Vector128<short> first = Vector128.LoadUnsafe(ref source, index);
        Vector128<short> second = Vector128.LoadUnsafe(ref source, index + 8);
        if (Avx2.IsSupported)
        {
            return Vector512.Create(Avx2.ConvertToVector256Int32(first), Avx2.ConvertToVector256Int32(second));
        }

        return Vector512.Create(Int32(first), Int32(second));
    }

    /// <summary>16 signed bytes, starting at byte <paramref name="index"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Int8(ref byte source, nuint index)
    {
        if (Avx2.IsSupported && !HasWideConversion)
        {
            // Two loads of eight bytes: cheaper than one of sixteen and a shift that brings its upper half down.
            return Vector512.Create(
                Avx2.ConvertToVector256Int32(EightBytes(ref source, index)),
                Avx2.ConvertToVector256Int32(EightBytes(ref source, index + 8)));
        }

        return Int8(Vector128.LoadUnsafe(ref source, index).AsSByte());
    }

    /// <summary>16 signed bytes that are in a register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Int8(Vector128<sbyte> bytes)
    {
        if (HasWideConversion)
        {
            return Avx512F.ConvertToVector512Int32(bytes);
        }

        if (Avx2.IsSupported)
        {
            Vector128<sbyte> upper = Sse2.ShiftRightLogical128BitLane(bytes, 8);
            return Vector512.Create(Avx2.ConvertToVector256Int32(bytes), Avx2.ConvertToVector256Int32(upper));
        }

        (Vector128<short> first, Vector128<short> second) = Vector128.Widen(bytes);
        return Vector512.Create(Int32(first), Int32(second));
    }

    /// <summary>
    /// 16 halves as floats smaller by 2^112: the half's sign, exponent and fraction moved into a float's fields, biases left apart. Right
    /// for subnormals too, which become subnormal floats; infinities and NaN come out as numbers, so they are refused at load.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FoldedHalf(ref short source, nuint index) =>
        ((Int16(ref source, index) << 13) & Vector512.Create(unchecked((int)0x8FFFFFFF))).AsSingle();

    /// <summary>One finite half as a float, in true scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Half(short bits) => BitConverter.Int32BitsToSingle((bits << 13) & unchecked((int)0x8FFFFFFF)) * HalfUnfold;

    /// <summary>As <see cref="FoldedHalf"/>, with infinities and NaN as what they are: their exponent's missing bits are set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AnyFoldedHalf(ref short source, nuint index)
    {
        Vector512<int> folded = FoldedHalf(ref source, index).AsInt32();
        Vector512<int> exponent = Vector512.Create(0x0F800000);
        Vector512<int> special = Vector512.Equals(folded & exponent, exponent);
        return (folded | (special & Vector512.Create(0x70000000))).AsSingle();
    }

    /// <summary>One half as a float, in true scale; infinities and NaN too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float AnyHalf(short bits)
    {
        const int Exponent = 0x7C00;
        return (bits & Exponent) == Exponent ? (float)BitConverter.Int16BitsToHalf(bits) : Half(bits);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> EightBytes(ref byte source, nuint index) =>
        Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(ref Unsafe.Add(ref source, index))).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Int32(Vector128<short> source) =>
        Vector256.Create(Vector128.WidenLower(source), Vector128.WidenUpper(source));
}
