using System.Numerics;

namespace SparseInfer.SoftwareCuda.Tests.Operations;

/// <summary>Arithmetic of integers against C#'s, and against whole numbers of any size where C# has none such.</summary>
public sealed class IntegerOperationTests : IDisposable
{
    private readonly OperationBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("s16", 16, true)]
    [InlineData("u16", 16, false)]
    [InlineData("s32", 32, true)]
    [InlineData("u32", 32, false)]
    [InlineData("s64", 64, true)]
    [InlineData("u64", 64, false)]
    public void Arithmetic(string type, int bits, bool signed)
    {
        char kind = bits switch { 16 => 'h', 32 => 'w', _ => 'd' };
        string two = $"{kind}={kind}{kind}";
        string three = $"{kind}={kind}{kind}{kind}";
        _bench.Check($"add.{type}", two, (a, b) => Cut(Of(a) + Of(b)));
        _bench.Check($"sub.{type}", two, (a, b) => Cut(Of(a) - Of(b)));
        _bench.Check($"mul.lo.{type}", two, (a, b) => Cut(Of(a) * Of(b)));
        _bench.Check($"mul.hi.{type}", two, (a, b) => Cut((Of(a) * Of(b)) >> bits));
        _bench.Check($"mad.lo.{type}", three, (a, b, c) => Cut((Of(a) * Of(b)) + Of(c)));
        _bench.Check($"div.{type}", two, (a, b) => Of(b).IsZero ? Cut(-1) : Cut(BigInteger.Divide(Of(a), Of(b))));
        _bench.Check($"rem.{type}", two, (a, b) => Of(b).IsZero ? a : Cut(BigInteger.Remainder(Of(a), Of(b))));
        _bench.Check($"min.{type}", two, (a, b) => Cut(BigInteger.Min(Of(a), Of(b))));
        _bench.Check($"max.{type}", two, (a, b) => Cut(BigInteger.Max(Of(a), Of(b))));
        if (bits > 16)
        {
            _bench.Check($"mad.hi.{type}", three, (a, b, c) => Cut(((Of(a) * Of(b)) >> bits) + Of(c)));
        }

        if (bits == 32)
        {
            _bench.Check($"sad.{type}", three, (a, b, c) => Cut(BigInteger.Abs(Of(a) - Of(b)) + Of(c)));
        }

        if (signed)
        {
            _bench.Check($"neg.{type}", $"{kind}={kind}", a => Cut(-Of(a)));
            _bench.Check($"abs.{type}", $"{kind}={kind}", a => Cut(BigInteger.Abs(Of(a))));
        }

        if (bits < 64)
        {
            char wide = bits == 16 ? 'w' : 'd';
            _bench.Check($"mul.wide.{type}", $"{wide}={kind}{kind}", (a, b) => Cut(Of(a) * Of(b), bits * 2));
            _bench.Check($"mad.wide.{type}", $"{wide}={kind}{kind}{wide}", (a, b, c) => Cut((Of(a) * Of(b)) + c, bits * 2));
        }

        BigInteger Of(ulong value) => Number(value, bits, signed);
        ulong Cut(BigInteger value, int to = 0) => (ulong)(value & ((BigInteger.One << (to == 0 ? bits : to)) - 1));
    }

    [Fact]
    public void Saturation_and_24_bits()
    {
        _bench.Check("add.sat.s32", "w=ww", (a, b) => (uint)(int)Math.Clamp((long)(int)a + (int)b, int.MinValue, int.MaxValue));
        _bench.Check("sub.sat.s32", "w=ww", (a, b) => (uint)(int)Math.Clamp((long)(int)a - (int)b, int.MinValue, int.MaxValue));
        _bench.Check("mul24.lo.s32", "w=ww", (a, b) => (uint)(Number(a, 24, true) * Number(b, 24, true) & uint.MaxValue));
        _bench.Check("mul24.lo.u32", "w=ww", (a, b) => (uint)(Number(a, 24, false) * Number(b, 24, false) & uint.MaxValue));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Dot_products(bool signedA, bool signedB)
    {
        string types = $"{(signedA ? "s32" : "u32")}.{(signedB ? "s32" : "u32")}";
        _bench.Check($"dp4a.{types}", "w=www", (a, b, c) => Sum(c, 4, k => Number(a >> (8 * k), 8, signedA) * Number(b >> (8 * k), 8, signedB)));
        _bench.Check($"dp2a.lo.{types}", "w=www", (a, b, c) => Sum(c, 2, k => Number(a >> (16 * k), 16, signedA) * Number(b >> (8 * k), 8, signedB)));
        _bench.Check($"dp2a.hi.{types}", "w=www", (a, b, c) => Sum(c, 2, k => Number(a >> (16 * k), 16, signedA) * Number(b >> (16 + (8 * k)), 8, signedB)));

        static ulong Sum(ulong c, int terms, Func<int, BigInteger> term) =>
            (ulong)(Enumerable.Range(0, terms).Aggregate((BigInteger)c, (sum, k) => sum + term(k)) & uint.MaxValue);
    }

    internal static BigInteger Number(ulong value, int bits, bool signed)
    {
        BigInteger number = value & (ulong.MaxValue >> (64 - bits));
        return signed && (value >> (bits - 1) & 1) != 0 ? number - (BigInteger.One << bits) : number;
    }
}
