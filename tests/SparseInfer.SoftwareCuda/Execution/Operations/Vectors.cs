using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SparseInfer.SoftwareCuda.Execution.Operations;

internal struct Add<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Canonical.Of(a + b);
}

internal struct Sub<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Canonical.Of(a - b);
}

internal struct Mul<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Canonical.Of(a * b);
}

internal struct Div<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Canonical.Of(a / b);
}

internal struct Mad<T> : ITernary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b, Vector256<T> c) => (a * b) + c;
}

internal struct FusedF32 : ITernary<float>
{
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Canonical.Of(Vector256.FusedMultiplyAdd(a, b, c));
}

internal struct FusedF64 : ITernary<double>
{
    public static Vector256<double> Of(Vector256<double> a, Vector256<double> b, Vector256<double> c) =>
        Canonical.Of(Vector256.FusedMultiplyAdd(a, b, c));
}

internal struct Min<T> : IBinary<T>
    where T : unmanaged
{
    // Of a number and NaN both give the number; of two zeros min gives the negative one.
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) =>
        typeof(T) == typeof(float) || typeof(T) == typeof(double)
            ? Canonical.Of(Vector256.MinNumber(a, b))
            : Vector256.Min(a, b);
}

internal struct Max<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) =>
        typeof(T) == typeof(float) || typeof(T) == typeof(double)
            ? Canonical.Of(Vector256.MaxNumber(a, b))
            : Vector256.Max(a, b);
}

internal struct And<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a & b;
}

internal struct Or<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a | b;
}

internal struct Xor<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a ^ b;
}

internal struct Copy<T> : IUnary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a) => a;
}

internal struct Not<T> : IUnary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a) => ~a;
}

internal struct NegInteger<T> : IUnary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a) => Vector256<T>.Zero - a;
}

internal struct AbsInteger<T> : IUnary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a) => Vector256.Abs(a);
}

/// <summary>Changes the sign's bit: also of NaN, as the hardware does.</summary>
internal struct NegFloat<T> : IUnary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a) => Unsafe.SizeOf<T>() == 4
        ? (a.AsUInt32() ^ Vector256.Create(0x80000000u)).As<uint, T>()
        : (a.AsUInt64() ^ Vector256.Create(1UL << 63)).As<ulong, T>();
}

internal struct AbsFloat<T> : IUnary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a) => Unsafe.SizeOf<T>() == 4
        ? (a.AsUInt32() & Vector256.Create(0x7FFFFFFFu)).As<uint, T>()
        : (a.AsUInt64() & Vector256.Create(long.MaxValue).AsUInt64()).As<ulong, T>();
}

internal struct Sqrt<T> : IUnary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a) => Canonical.Of(Vector256.Sqrt(a));
}

internal struct RcpF32 : IUnary<float>
{
    public static Vector256<float> Of(Vector256<float> a) => Canonical.Of(Vector256<float>.One / a);
}

internal struct RcpF64 : IUnary<double>
{
    public static Vector256<double> Of(Vector256<double> a) => Canonical.Of(Vector256<double>.One / a);
}

internal struct Shl32 : IBinary<uint>
{
    public static Vector256<uint> Of(Vector256<uint> a, Vector256<uint> b)
    {
        if (Avx2.IsSupported)
        {
            return Avx2.ShiftLeftLogicalVariable(a, b);
        }

        Vector256<uint> result = default;
        for (int l = 0; l < Vector256<uint>.Count; l++)
        {
            result = result.WithElement(l, b.GetElement(l) > 31 ? 0 : a.GetElement(l) << (int)b.GetElement(l));
        }

        return result;
    }
}

internal struct ShrU32 : IBinary<uint>
{
    public static Vector256<uint> Of(Vector256<uint> a, Vector256<uint> b)
    {
        if (Avx2.IsSupported)
        {
            return Avx2.ShiftRightLogicalVariable(a, b);
        }

        Vector256<uint> result = default;
        for (int l = 0; l < Vector256<uint>.Count; l++)
        {
            result = result.WithElement(l, b.GetElement(l) > 31 ? 0 : a.GetElement(l) >> (int)b.GetElement(l));
        }

        return result;
    }
}

internal struct ShrS32 : IBinary<int>
{
    public static Vector256<int> Of(Vector256<int> a, Vector256<int> b)
    {
        if (Avx2.IsSupported)
        {
            return Avx2.ShiftRightArithmeticVariable(a, b.AsUInt32());
        }

        Vector256<int> result = default;
        for (int l = 0; l < Vector256<int>.Count; l++)
        {
            result = result.WithElement(l, a.GetElement(l) >> (int)Math.Min((uint)b.GetElement(l), 31));
        }

        return result;
    }
}

internal struct Eq<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Equals(a, b);
}

/// <summary>Not equal, nor unordered.</summary>
internal struct Ne<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.LessThan(a, b) | Vector256.GreaterThan(a, b);
}

internal struct Lt<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.LessThan(a, b);
}

internal struct Le<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.LessThanOrEqual(a, b);
}

internal struct Gt<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.GreaterThan(a, b);
}

internal struct Ge<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.GreaterThanOrEqual(a, b);
}

internal struct Ordered<T> : IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Equals(a, a) & Vector256.Equals(b, b);
}

/// <summary>The contrary: of <c>lt</c> it is <c>geu</c>, greater, equal or unordered.</summary>
internal struct Unless<TOp, T> : IBinary<T>
    where TOp : struct, IBinary<T>
    where T : unmanaged
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => ~TOp.Of(a, b);
}

/// <summary>The 16-bit float in the low half of each word, widened.</summary>
internal struct WidenF16 : IUnary<uint>
{
    public static Vector256<uint> Of(Vector256<uint> h)
    {
        // The exponent moves from bias 15 to 127 by a product, which also makes subnormal numbers normal.
        Vector256<uint> magnitude = (h & Vector256.Create(0x7FFFu)) << 13;
        Vector256<uint> value = (magnitude.AsSingle() * Vector256.Create(0x77800000u).AsSingle()).AsUInt32();
        Vector256<uint> infinity = Vector256.Create(0x0F800000u);
        value |= Vector256.GreaterThanOrEqual(magnitude, infinity) & Vector256.Create(0x7F800000u);
        value |= (h & Vector256.Create(0x8000u)) << 16;
        return Vector256.ConditionalSelect(Vector256.GreaterThan(magnitude, infinity), Vector256.Create(0x7FFFFFFFu), value);
    }
}

internal struct Low16 : IUnary<uint>
{
    public static Vector256<uint> Of(Vector256<uint> a) => a & Vector256.Create(0xFFFFu);
}

/// <summary>The NaN that a GPU's arithmetic of 16 and 32 bits gives, whatever NaN went in. In 64 bits it passes on the one that it got.</summary>
internal static class Canonical
{
    public const uint NaN32 = 0x7FFFFFFF;
    public const ushort NaN16 = 0x7FFF;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Of<T>(Vector256<T> value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            return Vector256.ConditionalSelect(Vector256.Equals(value, value), value, Vector256.Create(NaN32).As<uint, T>());
        }

        return value;
    }

    public static float Of(float value) => float.IsNaN(value) ? BitConverter.UInt32BitsToSingle(NaN32) : value;
}

/// <summary>Subnormal numbers, in and out, count as zeros of their sign.</summary>
internal static class Flush
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> value)
    {
        Vector256<float> normal = Vector256.GreaterThanOrEqual(Vector256.Abs(value), Vector256.Create(0x00800000u).AsSingle());
        Vector256<float> kept = normal | ~Vector256.Equals(value, value);
        return value & (kept | Vector256.Create(-0f));
    }

    public static float Of(float value) => float.IsSubnormal(value) ? MathF.CopySign(0, value) : value;
}

internal struct FlushUnary<TOp> : IUnary<float>
    where TOp : struct, IUnary<float>
{
    public static Vector256<float> Of(Vector256<float> a) => Flush.Of(TOp.Of(Flush.Of(a)));
}

internal struct FlushBinary<TOp> : IBinary<float>
    where TOp : struct, IBinary<float>
{
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b) => Flush.Of(TOp.Of(Flush.Of(a), Flush.Of(b)));
}

/// <summary>A comparison's inputs are flushed, not the lanes of ones that it gives.</summary>
internal struct FlushCompare<TOp> : IBinary<float>
    where TOp : struct, IBinary<float>
{
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b) => TOp.Of(Flush.Of(a), Flush.Of(b));
}

internal struct FlushTernary<TOp> : ITernary<float>
    where TOp : struct, ITernary<float>
{
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Flush.Of(TOp.Of(Flush.Of(a), Flush.Of(b), Flush.Of(c)));
}

/// <summary>From 0 to 1; NaN gives 0.</summary>
internal static class Saturate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Of(Vector256<float> value) =>
        Vector256.MinNumber(Vector256.MaxNumber(value, Vector256<float>.Zero), Vector256<float>.One);
}

internal struct SaturateBinary<TOp> : IBinary<float>
    where TOp : struct, IBinary<float>
{
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b) => Saturate.Of(TOp.Of(a, b));
}

internal struct SaturateTernary<TOp> : ITernary<float>
    where TOp : struct, ITernary<float>
{
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Saturate.Of(TOp.Of(a, b, c));
}
