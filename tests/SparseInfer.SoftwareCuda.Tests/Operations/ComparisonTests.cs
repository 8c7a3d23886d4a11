namespace SparseInfer.SoftwareCuda.Tests.Operations;

/// <summary>Comparisons of all types, ordered and unordered, alone and combined with a predicate.</summary>
public sealed class ComparisonTests : IDisposable
{
    private static readonly (string Name, Func<int, bool> Of)[] Ordered =
    [
        ("eq", order => order == 0), ("ne", order => order != 0), ("lt", order => order < 0), ("le", order => order <= 0), ("gt", order => order > 0),
        ("ge", order => order >= 0),
    ];

    private readonly OperationBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("s16")]
    [InlineData("u16")]
    [InlineData("s32")]
    [InlineData("u32")]
    [InlineData("s64")]
    [InlineData("u64")]
    public void Integers(string type)
    {
        int bits = int.Parse(type[1..]);
        char kind = bits switch { 16 => 'h', 32 => 'w', _ => 'd' };
        foreach ((string name, Func<int, bool> of) in Ordered)
        {
            _bench.Check($"setp.{name}.{type}", $"p={kind}{kind}", (a, b) => Bit(of(Compare(a, b))));
            _bench.Check($"setp.{name}.and.{type}", $"p={kind}{kind}p", (a, b, c) => Bit(of(Compare(a, b)) && c != 0));
            _bench.Check($"setp.{name}.or.{type}", $"p={kind}{kind}p", (a, b, c) => Bit(of(Compare(a, b)) || c != 0));
            _bench.Check($"setp.{name}.xor.{type}", $"p={kind}{kind}p", (a, b, c) => Bit(of(Compare(a, b)) ^ (c != 0)));
        }

        int Compare(ulong a, ulong b) =>
            IntegerOperationTests.Number(a, bits, type[0] == 's').CompareTo(IntegerOperationTests.Number(b, bits, type[0] == 's'));
    }

    [Theory]
    [InlineData("f16", "")]
    [InlineData("bf16", "")]
    [InlineData("f32", "")]
    [InlineData("f32", ".ftz")]
    [InlineData("f64", "")]
    public void Floats(string type, string flush)
    {
        BinaryFormat format = FloatOperationTests.Format(type);
        char kind = FloatOperationTests.Kind(type);
        foreach ((string name, Func<int, bool> of) in Ordered)
        {
            _bench.Check($"setp.{name}{flush}.{type}", $"p={kind}{kind}", (a, b) => Bit(!Unordered(a, b) && of(Compare(a, b))));
            _bench.Check($"setp.{name}u{flush}.{type}", $"p={kind}{kind}", (a, b) => Bit(Unordered(a, b) || of(Compare(a, b))));
        }

        _bench.Check($"setp.num{flush}.{type}", $"p={kind}{kind}", (a, b) => Bit(!Unordered(a, b)));
        _bench.Check($"setp.nan{flush}.{type}", $"p={kind}{kind}", (a, b) => Bit(Unordered(a, b)));

        bool Unordered(ulong a, ulong b) => ExactNumber.Of(a, format).IsNaN || ExactNumber.Of(b, format).IsNaN;
        int Compare(ulong a, ulong b) => Order(a).CompareTo(Order(b));
        long Order(ulong bits)
        {
            long magnitude = (long)(bits & ~format.Sign);
            if (flush.Length > 0 && ((ulong)magnitude & format.Infinity) == 0)
            {
                magnitude = 0;
            }

            return (bits & format.Sign) != 0 ? -magnitude : magnitude;
        }
    }

    private static ulong Bit(bool value) => value ? 1UL : 0;
}
