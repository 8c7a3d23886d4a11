using System.Numerics;

namespace SparseInfer.SoftwareCuda.Tests.Operations;

/// <summary>Conversions between all types, with every rounding, against exact numbers.</summary>
public sealed class ConversionTests : IDisposable
{
    private static readonly string[] Integers = ["u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64"];
    private static readonly string[] Floats = ["f16", "f32", "f64"];

    private static readonly Dictionary<string, Toward> Roundings = new()
    {
        ["rn"] = Toward.Nearest,
        ["rz"] = Toward.Zero,
        ["rm"] = Toward.Down,
        ["rp"] = Toward.Up,
    };

    private readonly OperationBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData(".sat")]
    public void Integers_to_integers(string saturation)
    {
        foreach (string from in Integers)
        {
            foreach (string to in Integers)
            {
                _bench.Check($"cvt{saturation}.{to}.{from}", $"{Kind(to)}={Kind(from)}", a =>
                {
                    BigInteger value = Number(a, from);
                    return Filled(saturation.Length == 0 ? value : Clamp(value, to), to);
                });
            }
        }
    }

    [Fact]
    public void Integers_to_floats()
    {
        foreach (string from in Integers)
        {
            foreach (string to in Floats)
            {
                foreach ((string name, Toward toward) in Roundings)
                {
                    _bench.Check($"cvt.{name}.{to}.{from}", $"{Kind(to)}={Kind(from)}", a =>
                        ExactNumber.Of(Number(a, from)).Round(FloatOperationTests.Format(to), toward));
                }
            }
        }
    }

    [Fact]
    public void Floats_to_integers_clamp()
    {
        foreach (string from in Floats)
        {
            foreach (string to in Integers)
            {
                foreach ((string name, Toward toward) in Roundings)
                {
                    _bench.Check($"cvt.{name}i.{to}.{from}", $"{Kind(to)}={Kind(from)}", a =>
                    {
                        ExactNumber number = ExactNumber.Of(a, FloatOperationTests.Format(from));
                        (BigInteger least, BigInteger most) = Range(to);
                        if (number.IsNaN)
                        {
                            return Filled(from != "f64" && !to.EndsWith("64", StringComparison.Ordinal) ? 0 : BigInteger.One << (Bits(to) - 1), to);
                        }

                        if (number.IsInfinite)
                        {
                            return Filled(number.Negative ? least : most, to);
                        }

                        return Filled(Clamp(number.ToInteger(toward), to), to);
                    });
                }
            }
        }
    }

    [Fact]
    public void Floats_to_floats()
    {
        foreach (string from in Floats)
        {
            foreach (string to in Floats)
            {
                BinaryFormat target = FloatOperationTests.Format(to);
                BinaryFormat source = FloatOperationTests.Format(from);
                foreach ((string name, Toward toward) in Roundings)
                {
                    if (target.Precision < source.Precision)
                    {
                        _bench.Check($"cvt.{name}.{to}.{from}", $"{Kind(to)}={Kind(from)}", a => ExactNumber.Of(a, source).Round(target, toward));
                    }
                    else if (to == from)
                    {
                        _bench.Check($"cvt.{name}i.{to}.{from}", $"{Kind(to)}={Kind(from)}", a => Whole(ExactNumber.Of(a, source), toward).Round(target));
                    }
                }

                if (target.Precision > source.Precision)
                {
                    _bench.Check($"cvt.{to}.{from}", $"{Kind(to)}={Kind(from)}", a => ExactNumber.Of(a, source).Round(target));
                }
            }
        }

        _bench.Check("cvt.f32.bf16", "w=h", a => ExactNumber.Of(a, BinaryFormat.BF16).Round(BinaryFormat.F32));
        _bench.Check("cvt.rn.bf16.f32", "h=w", a => ExactNumber.Of(a, BinaryFormat.F32).Round(BinaryFormat.BF16));
        _bench.Check("cvt.rz.bf16.f32", "h=w", a => ExactNumber.Of(a, BinaryFormat.F32).Round(BinaryFormat.BF16, Toward.Zero));
        _bench.Check("cvt.rn.f16x2.f32", "w=ww", (a, b) => Pair(a, b, BinaryFormat.F16));
        _bench.Check("cvt.rn.bf16x2.f32", "w=ww", (a, b) => Pair(a, b, BinaryFormat.BF16));
        _bench.Check("cvt.sat.f32.f32", "w=w", a => (a & 0x80000000) != 0 || a > 0x7F800000 ? 0 : Math.Min(a, 0x3F800000));
        _bench.Check("cvt.rn.ftz.f32.f64", "w=d", a =>
        {
            ulong bits = ExactNumber.Of(a, BinaryFormat.F64).Round(BinaryFormat.F32);
            return (bits & 0x7F800000) == 0 ? bits & 0x80000000 : bits;
        });
    }

    private static ulong Pair(ulong high, ulong low, BinaryFormat format) =>
        (ExactNumber.Of(high, BinaryFormat.F32).Round(format) << 16) | ExactNumber.Of(low, BinaryFormat.F32).Round(format);

    private static ExactNumber Whole(ExactNumber number, Toward toward) =>
        number.IsNaN || number.IsInfinite ? number : new ExactNumber(number.ToInteger(toward), 0, number.Negative);

    private static int Bits(string type) => int.Parse(type[1..]);

    private static char Kind(string type) => Bits(type.TrimStart('b')) switch { 16 => 'h', 64 => 'd', _ => 'w' };

    private static BigInteger Number(ulong bits, string type) => IntegerOperationTests.Number(bits, Bits(type), type[0] == 's');

    private static (BigInteger Least, BigInteger Most) Range(string type)
    {
        BigInteger size = BigInteger.One << Bits(type);
        return type[0] == 's' ? (-size / 2, (size / 2) - 1) : (0, size - 1);
    }

    private static BigInteger Clamp(BigInteger value, string type)
    {
        (BigInteger least, BigInteger most) = Range(type);
        return BigInteger.Min(BigInteger.Max(value, least), most);
    }

    /// <summary>A value in its register: a narrow one is extended to it, with its sign if it has one.</summary>
    private static ulong Filled(BigInteger value, string type)
    {
        ulong cut = (ulong)(value & ((BigInteger.One << Bits(type)) - 1));
        BigInteger extended = Number(cut, type);
        int register = Math.Max(Bits(type), Bits(type) == 8 ? 32 : 16);
        return (ulong)(extended & ((BigInteger.One << register) - 1));
    }
}
