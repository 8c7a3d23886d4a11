namespace SparseInfer.SoftwareCuda.Execution.Operations;

/// <summary>Floats of 16 bits: System.Half, and the upper half of a float (bfloat16).</summary>
internal static class Narrow
{
    public static float F16(uint bits) => (float)BitConverter.UInt16BitsToHalf((ushort)bits);

    public static uint F16(Half value) => Half.IsNaN(value) ? Canonical.NaN16 : BitConverter.HalfToUInt16Bits(value);

    public static float BF16(uint bits) => BitConverter.UInt32BitsToSingle(bits << 16);

    /// <summary>To the nearest, of two to the even one.</summary>
    public static uint BF16(float value)
    {
        if (float.IsNaN(value))
        {
            return Canonical.NaN16;
        }

        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    }

    /// <summary>A product and a sum, rounded once. The product is exact in 53 bits; the sum keeps a trace of what it loses, so that the second
    /// rounding sees it.</summary>
    public static uint FusedBF16(uint a, uint b, uint c) => BF16(ToOdd(SumToOdd((double)BF16(a) * BF16(b), BF16(c))));

    public static uint FusedF16(uint a, uint b, uint c) => F16((Half)SumToOdd((double)F16(a) * F16(b), F16(c)));

    private static double SumToOdd(double a, double b)
    {
        double sum = a + b;
        if (!double.IsFinite(sum))
        {
            return sum;
        }

        double part = sum - a;
        double lost = (a - (sum - part)) + (b - part);
        if (lost == 0)
        {
            return sum;
        }

        ulong bits = BitConverter.DoubleToUInt64Bits(sum);
        if (lost < 0 != sum < 0)
        {
            bits--;
        }

        return BitConverter.UInt64BitsToDouble(bits | 1);
    }

    public static float ToOdd(double value)
    {
        float rounded = (float)value;
        if (double.IsNaN(value) || double.IsInfinity(value) || rounded == value)
        {
            return rounded;
        }

        uint bits = BitConverter.SingleToUInt32Bits(rounded);
        if (Math.Abs((double)rounded) > Math.Abs(value))
        {
            bits--;
        }

        return BitConverter.UInt32BitsToSingle(bits | 1);
    }
}

internal interface INarrow
{
    static abstract float Widen(uint bits);

    static abstract uint Round(float value);

    static abstract uint Fused(uint a, uint b, uint c);

    static abstract uint One { get; }
}

internal struct F16 : INarrow
{
    public static uint One => 0x3C00;

    public static float Widen(uint bits) => Narrow.F16(bits);

    // A sum or product of two is exact in a float, or rounds the same way twice.
    public static uint Round(float value) => Narrow.F16((Half)value);

    public static uint Fused(uint a, uint b, uint c) => Narrow.FusedF16(a, b, c);
}

internal struct BF16 : INarrow
{
    public static uint One => 0x3F80;

    public static float Widen(uint bits) => Narrow.BF16(bits & 0xFFFF);

    public static uint Round(float value) => Narrow.BF16(value);

    public static uint Fused(uint a, uint b, uint c) => Narrow.FusedBF16(a & 0xFFFF, b & 0xFFFF, c & 0xFFFF);
}

internal struct AddNarrow<T> : IScalar<uint, uint, uint>
    where T : struct, INarrow
{
    public static uint Of(uint a, uint b) => T.Fused(a, T.One, b);
}

internal struct SubNarrow<T> : IScalar<uint, uint, uint>
    where T : struct, INarrow
{
    public static uint Of(uint a, uint b) => T.Fused(a, T.One, b ^ 0x8000);
}

internal struct MulNarrow<T> : IScalar<uint, uint, uint>
    where T : struct, INarrow
{
    // A product of the smallest numbers is no float: rounded once, with a zero that keeps its sign.
    public static uint Of(uint a, uint b) => T.Fused(a, b, (a ^ b) & 0x8000);
}

internal struct FusedNarrow<T> : IScalar<uint, uint, uint, uint>
    where T : struct, INarrow
{
    public static uint Of(uint a, uint b, uint c) => T.Fused(a, b, c);
}

internal struct FusedReluNarrow<T> : IScalar<uint, uint, uint, uint>
    where T : struct, INarrow
{
    public static uint Of(uint a, uint b, uint c)
    {
        uint value = T.Fused(a, b, c);
        return float.IsNaN(T.Widen(value)) || (value & 0x8000) == 0 ? value : 0;
    }
}

internal struct MinNarrow<T> : IScalar<uint, uint, uint>
    where T : struct, INarrow
{
    public static uint Of(uint a, uint b) => T.Round(float.MinNumber(T.Widen(a), T.Widen(b)));
}

internal struct MaxNarrow<T> : IScalar<uint, uint, uint>
    where T : struct, INarrow
{
    public static uint Of(uint a, uint b) => T.Round(float.MaxNumber(T.Widen(a), T.Widen(b)));
}

/// <summary>Subnormal halves, in and out, count as zeros of their sign.</summary>
internal struct FlushHalf2<TOp> : IScalar<uint, uint, uint>
    where TOp : struct, IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => FlushHalf.Of(TOp.Of(FlushHalf.Of(a), FlushHalf.Of(b)));
}

internal struct FlushHalf3<TOp> : IScalar<uint, uint, uint, uint>
    where TOp : struct, IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => FlushHalf.Of(TOp.Of(FlushHalf.Of(a), FlushHalf.Of(b), FlushHalf.Of(c)));
}

internal struct FlushHalf1<TOp> : IScalar<uint, uint>
    where TOp : struct, IScalar<uint, uint>
{
    public static uint Of(uint a) => FlushHalf.Of(TOp.Of(FlushHalf.Of(a)));
}

internal static class FlushHalf
{
    public static uint Of(uint value) => (value & 0x7C00) == 0 ? value & 0x8000 : value;
}

internal struct NegNarrow : IScalar<uint, uint>
{
    public static uint Of(uint a) => (a ^ 0x8000) & 0xFFFF;
}

internal struct AbsNarrow : IScalar<uint, uint>
{
    public static uint Of(uint a) => a & 0x7FFF;
}

/// <summary>An operation on both 16-bit halves of a word.</summary>
internal struct Pair1<TOp> : IScalar<uint, uint>
    where TOp : struct, IScalar<uint, uint>
{
    public static uint Of(uint a) => TOp.Of(a & 0xFFFF) | (TOp.Of(a >> 16) << 16);
}

internal struct Pair2<TOp> : IScalar<uint, uint, uint>
    where TOp : struct, IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => TOp.Of(a & 0xFFFF, b & 0xFFFF) | (TOp.Of(a >> 16, b >> 16) << 16);
}

internal struct Pair3<TOp> : IScalar<uint, uint, uint, uint>
    where TOp : struct, IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) =>
        TOp.Of(a & 0xFFFF, b & 0xFFFF, c & 0xFFFF) | (TOp.Of(a >> 16, b >> 16, c >> 16) << 16);
}

/// <summary>A comparison of two 16-bit floats.</summary>
internal struct CompareNarrow<T, TOp> : IScalar<bool, uint, uint>
    where T : struct, INarrow
    where TOp : struct, IScalar<bool, float, float>
{
    public static bool Of(uint a, uint b) => TOp.Of(T.Widen(a), T.Widen(b));
}

internal struct EqScalar : IScalar<bool, float, float>
{
    public static bool Of(float a, float b) => a == b;
}

internal struct NeScalar : IScalar<bool, float, float>
{
    public static bool Of(float a, float b) => a < b || a > b;
}

internal struct LtScalar : IScalar<bool, float, float>
{
    public static bool Of(float a, float b) => a < b;
}

internal struct LeScalar : IScalar<bool, float, float>
{
    public static bool Of(float a, float b) => a <= b;
}

internal struct GtScalar : IScalar<bool, float, float>
{
    public static bool Of(float a, float b) => a > b;
}

internal struct GeScalar : IScalar<bool, float, float>
{
    public static bool Of(float a, float b) => a >= b;
}

internal struct OrderedScalar : IScalar<bool, float, float>
{
    public static bool Of(float a, float b) => !float.IsNaN(a) && !float.IsNaN(b);
}

internal struct UnlessScalar<TOp> : IScalar<bool, float, float>
    where TOp : struct, IScalar<bool, float, float>
{
    public static bool Of(float a, float b) => !TOp.Of(a, b);
}

/// <summary>Two floats to the halves of a word: the first to the upper one.</summary>
internal struct PackNarrow<T> : IScalar<uint, float, float>
    where T : struct, INarrow
{
    public static uint Of(float a, float b) => (T.Round(a) << 16) | T.Round(b);
}

internal struct PackNarrowRelu<T> : IScalar<uint, float, float>
    where T : struct, INarrow
{
    public static uint Of(float a, float b) => PackNarrow<T>.Of(a < 0 ? 0 : a, b < 0 ? 0 : b);
}

internal struct CopySign32 : IScalar<uint, uint, uint>
{
    // PTX takes the sign of the first and the magnitude of the second.
    public static uint Of(uint a, uint b) => (a & 0x80000000) | (b & 0x7FFFFFFF);
}

internal struct CopySign64 : IScalar<ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b) => (a & (1UL << 63)) | (b & ~(1UL << 63));
}

// What a special function unit approximates is computed in double precision and rounded.
internal interface IFunction
{
    static abstract double Of(double x);
}

internal struct Exp2 : IFunction
{
    public static double Of(double x) => Math.Pow(2, x);
}

internal struct Log2 : IFunction
{
    public static double Of(double x) => Math.Log2(x);
}

internal struct Sin : IFunction
{
    public static double Of(double x) => Math.Sin(x);
}

internal struct Cos : IFunction
{
    public static double Of(double x) => Math.Cos(x);
}

internal struct Tanh : IFunction
{
    public static double Of(double x) => Math.Tanh(x);
}

internal struct Rsqrt : IFunction
{
    public static double Of(double x) => 1 / Math.Sqrt(x);
}

internal struct SqrtFunction : IFunction
{
    public static double Of(double x) => Math.Sqrt(x);
}

internal struct Reciprocal : IFunction
{
    public static double Of(double x) => 1 / x;
}

internal struct Approximate<T> : IScalar<float, float>
    where T : struct, IFunction
{
    public static float Of(float a) => Canonical.Of((float)T.Of(a));
}

internal struct ApproximateFlushed<T> : IScalar<float, float>
    where T : struct, IFunction
{
    public static float Of(float a) => Flush.Of(Canonical.Of((float)T.Of(Flush.Of(a))));
}

internal struct ApproximateNarrow<T, TNarrow> : IScalar<uint, uint>
    where T : struct, IFunction
    where TNarrow : struct, INarrow
{
    public static uint Of(uint a) => TNarrow.Round((float)T.Of(TNarrow.Widen(a)));
}

internal struct Approximate64<T> : IScalar<double, double>
    where T : struct, IFunction
{
    public static double Of(double a) => T.Of(a);
}

internal struct DivApproximate : IScalar<float, float, float>
{
    public static float Of(float a, float b) => Canonical.Of(a / b);
}

internal struct Finite32 : IScalar<bool, float>
{
    public static bool Of(float a) => float.IsFinite(a);
}

internal struct Infinite32 : IScalar<bool, float>
{
    public static bool Of(float a) => float.IsInfinity(a);
}

internal struct NotANumber32 : IScalar<bool, float>
{
    public static bool Of(float a) => float.IsNaN(a);
}

internal struct Number32 : IScalar<bool, float>
{
    public static bool Of(float a) => !float.IsNaN(a);
}

internal struct Normal32 : IScalar<bool, float>
{
    public static bool Of(float a) => float.IsNormal(a);
}

internal struct Subnormal32 : IScalar<bool, float>
{
    public static bool Of(float a) => float.IsSubnormal(a);
}

internal struct Finite64 : IScalar<bool, double>
{
    public static bool Of(double a) => double.IsFinite(a);
}

internal struct Infinite64 : IScalar<bool, double>
{
    public static bool Of(double a) => double.IsInfinity(a);
}

internal struct NotANumber64 : IScalar<bool, double>
{
    public static bool Of(double a) => double.IsNaN(a);
}

internal struct Number64 : IScalar<bool, double>
{
    public static bool Of(double a) => !double.IsNaN(a);
}

internal struct Normal64 : IScalar<bool, double>
{
    public static bool Of(double a) => double.IsNormal(a);
}

internal struct Subnormal64 : IScalar<bool, double>
{
    public static bool Of(double a) => double.IsSubnormal(a);
}
