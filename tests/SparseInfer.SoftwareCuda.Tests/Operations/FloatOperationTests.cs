namespace SparseInfer.SoftwareCuda.Tests.Operations;

/// <summary>Arithmetic of floats of all widths against exact numbers, rounded once.</summary>
public sealed class FloatOperationTests : IDisposable
{
    private readonly OperationBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("f32")]
    [InlineData("f64")]
    [InlineData("f16")]
    [InlineData("bf16")]
    public void Arithmetic(string type)
    {
        BinaryFormat format = Format(type);
        char kind = Kind(type);
        _bench.Check($"add.{type}", $"{kind}={kind}{kind}", (a, b) => (Of(a) + Of(b)).Round(format));
        _bench.Check($"sub.{type}", $"{kind}={kind}{kind}", (a, b) => (Of(a) + -Of(b)).Round(format));
        _bench.Check($"mul.rn.{type}", $"{kind}={kind}{kind}", (a, b) => (Of(a) * Of(b)).Round(format));
        _bench.Check($"fma.rn.{type}", $"{kind}={kind}{kind}{kind}", (a, b, c) => ((Of(a) * Of(b)) + Of(c)).Round(format));
        _bench.Check($"min.{type}", $"{kind}={kind}{kind}", (a, b) => Extreme(a, b, format, least: true));
        _bench.Check($"max.{type}", $"{kind}={kind}{kind}", (a, b) => Extreme(a, b, format, least: false));
        _bench.Check($"neg.{type}", $"{kind}={kind}", a => a ^ format.Sign);
        _bench.Check($"abs.{type}", $"{kind}={kind}", a => a & ~format.Sign);

        ExactNumber Of(ulong bits) => ExactNumber.Of(bits, format);
    }

    [Theory]
    [InlineData("f32")]
    [InlineData("f16")]
    public void Subnormal_numbers_are_flushed_on_request(string type)
    {
        BinaryFormat format = Format(type);
        char kind = Kind(type);
        _bench.Check($"add.ftz.{type}", $"{kind}={kind}{kind}", (a, b) => Flush((Of(a) + Of(b)).Round(format)));
        _bench.Check($"sub.ftz.{type}", $"{kind}={kind}{kind}", (a, b) => Flush((Of(a) + -Of(b)).Round(format)));
        _bench.Check($"mul.ftz.{type}", $"{kind}={kind}{kind}", (a, b) => Flush((Of(a) * Of(b)).Round(format)));
        _bench.Check($"fma.rn.ftz.{type}", $"{kind}={kind}{kind}{kind}", (a, b, c) => Flush(((Of(a) * Of(b)) + Of(c)).Round(format)));
        _bench.Check($"min.ftz.{type}", $"{kind}={kind}{kind}", (a, b) => Extreme(Flush(a), Flush(b), format, least: true));
        _bench.Check($"max.ftz.{type}", $"{kind}={kind}{kind}", (a, b) => Extreme(Flush(a), Flush(b), format, least: false));

        ulong Flush(ulong bits) => (bits & format.Infinity) == 0 ? bits & format.Sign : bits;
        ExactNumber Of(ulong bits) => ExactNumber.Of(Flush(bits), format);
    }

    [Theory]
    [InlineData("f16")]
    [InlineData("bf16")]
    public void Pairs_are_two_numbers_each_on_its_own(string type)
    {
        BinaryFormat format = Format(type);
        _bench.Check($"add.{type}x2", "w=ww", (a, b) => Each(half => (Of(a, half) + Of(b, half)).Round(format)));
        _bench.Check($"sub.{type}x2", "w=ww", (a, b) => Each(half => (Of(a, half) + -Of(b, half)).Round(format)));
        _bench.Check($"mul.{type}x2", "w=ww", (a, b) => Each(half => (Of(a, half) * Of(b, half)).Round(format)));
        _bench.Check($"fma.rn.{type}x2", "w=www", (a, b, c) => Each(half => ((Of(a, half) * Of(b, half)) + Of(c, half)).Round(format)));
        _bench.Check($"max.{type}x2", "w=ww", (a, b) => Each(half => Extreme(a >> half & 0xFFFF, b >> half & 0xFFFF, format, least: false)));
        _bench.Check($"neg.{type}x2", "w=w", a => a ^ 0x80008000);

        ExactNumber Of(ulong pair, int half) => ExactNumber.Of(pair >> half & 0xFFFF, format);
        static ulong Each(Func<int, ulong> of) => of(0) | (of(16) << 16);
    }

    [Fact]
    public void Saturation_goes_from_0_to_1_and_nan_gives_0()
    {
        BinaryFormat format = BinaryFormat.F32;
        _bench.Check("add.sat.f32", "w=ww", (a, b) => Saturate((Of(a) + Of(b)).Round(format)));
        _bench.Check("mul.sat.f32", "w=ww", (a, b) => Saturate((Of(a) * Of(b)).Round(format)));
        _bench.Check("fma.rn.sat.f32", "w=www", (a, b, c) => Saturate(((Of(a) * Of(b)) + Of(c)).Round(format)));

        static ExactNumber Of(ulong bits) => ExactNumber.Of(bits, BinaryFormat.F32);
        static ulong Saturate(ulong bits) => (bits & 0x80000000) != 0 || bits > 0x7F800000 ? 0 : Math.Min(bits, 0x3F800000);
    }

    [Fact]
    public void Division_and_roots_are_the_hosts()
    {
        _bench.Check("div.rn.f32", "w=ww", (a, b) => Bits(F(a) / F(b)));
        _bench.Check("sqrt.rn.f32", "w=w", a => Bits(MathF.Sqrt(F(a))));
        _bench.Check("rcp.rn.f32", "w=w", a => Bits(1 / F(a)));
        _bench.Check("div.rn.f64", "d=dd", (a, b) => Bits(D(a) / D(b)));
        _bench.Check("sqrt.rn.f64", "d=d", a => Bits(Math.Sqrt(D(a))));
        _bench.Check("copysign.f32", "w=ww", (a, b) => (a & 0x80000000) | (b & 0x7FFFFFFF));
        _bench.Check("ex2.approx.f32", "w=w", a => Bits((float)Math.Pow(2, F(a))));
        _bench.Check("lg2.approx.f32", "w=w", a => Bits((float)Math.Log2(F(a))));
        _bench.Check("rsqrt.approx.f32", "w=w", a => Bits((float)(1 / Math.Sqrt(F(a)))));
    }

    internal static BinaryFormat Format(string type) => type switch
    {
        "f16" => BinaryFormat.F16,
        "bf16" => BinaryFormat.BF16,
        "f32" => BinaryFormat.F32,
        _ => BinaryFormat.F64,
    };

    internal static char Kind(string type) => type switch { "f16" or "bf16" => 'h', "f32" => 'w', _ => 'd' };

    // A number goes before NaN, and the negative zero is the smaller one.
    private static ulong Extreme(ulong a, ulong b, BinaryFormat format, bool least)
    {
        if (ExactNumber.Of(a, format).IsNaN)
        {
            return ExactNumber.Of(b, format).IsNaN ? format.NaN : b;
        }

        if (ExactNumber.Of(b, format).IsNaN)
        {
            return a;
        }

        return Order(a) < Order(b) == least ? a : b;

        long Order(ulong bits) => (bits & format.Sign) != 0 ? -(long)(bits & ~format.Sign) - 1 : (long)bits;
    }

    private static float F(ulong bits) => BitConverter.UInt32BitsToSingle((uint)bits);

    private static double D(ulong bits) => BitConverter.UInt64BitsToDouble(bits);

    private static ulong Bits(float value) => float.IsNaN(value) ? 0x7FFFFFFF : BitConverter.SingleToUInt32Bits(value);

    private static ulong Bits(double value) => BitConverter.DoubleToUInt64Bits(value);
}
