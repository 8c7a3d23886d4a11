namespace SparseInfer.SoftwareCuda.Tests.Operations;

/// <summary>Shifts, fields and bits, each as the PTX ISA spells it out, bit by bit.</summary>
public sealed class BitOperationTests : IDisposable
{
    private readonly OperationBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(16, 'h')]
    [InlineData(32, 'w')]
    [InlineData(64, 'd')]
    public void Logic_and_shifts(int bits, char kind)
    {
        ulong all = ulong.MaxValue >> (64 - bits);
        _bench.Check($"and.b{bits}", $"{kind}={kind}{kind}", (a, b) => a & b);
        _bench.Check($"or.b{bits}", $"{kind}={kind}{kind}", (a, b) => a | b);
        _bench.Check($"xor.b{bits}", $"{kind}={kind}{kind}", (a, b) => a ^ b);
        _bench.Check($"not.b{bits}", $"{kind}={kind}", a => ~a & all);
        _bench.Check($"shl.b{bits}", $"{kind}={kind}w", (a, b) => b >= (ulong)bits ? 0 : (a << (int)b) & all);
        _bench.Check($"shr.u{bits}", $"{kind}={kind}w", (a, b) => b >= (ulong)bits ? 0 : a >> (int)b);
        _bench.Check($"shr.b{bits}", $"{kind}={kind}w", (a, b) => b >= (ulong)bits ? 0 : a >> (int)b);
        _bench.Check($"shr.s{bits}", $"{kind}={kind}w", (a, b) => (ulong)(IntegerOperationTests.Number(a, bits, true) >> (int)Math.Min(b, (ulong)bits) & all));
        _bench.Check($"selp.b{bits}", $"{kind}={kind}{kind}p", (a, b, p) => p != 0 ? a : b);
        _bench.Check($"slct.b{bits}.s32", $"{kind}={kind}{kind}w", (a, b, c) => (int)c >= 0 ? a : b);
        _bench.Check($"slct.b{bits}.f32", $"{kind}={kind}{kind}w", (a, b, c) => BitConverter.UInt32BitsToSingle((uint)c) >= 0 ? a : b);
    }

    [Fact]
    public void Predicates()
    {
        _bench.Check("and.pred", "p=pp", (a, b) => a & b);
        _bench.Check("or.pred", "p=pp", (a, b) => a | b);
        _bench.Check("xor.pred", "p=pp", (a, b) => a ^ b);
        _bench.Check("not.pred", "p=p", a => a ^ 1);
        _bench.Check("mov.pred", "p=p", a => a);
    }

    [Theory]
    [InlineData(32, 'w')]
    [InlineData(64, 'd')]
    public void Counts_and_fields(int bits, char kind)
    {
        _bench.Check($"popc.b{bits}", $"w={kind}", a => (ulong)Enumerable.Range(0, bits).Count(bit => Bit(a, bit) != 0));
        _bench.Check($"clz.b{bits}", $"w={kind}", a => (ulong)Enumerable.Range(0, bits).TakeWhile(bit => Bit(a, bits - 1 - bit) == 0).Count());
        _bench.Check($"brev.b{bits}", $"{kind}={kind}", a => Built(bits, bit => Bit(a, bits - 1 - bit)));
        _bench.Check($"bfind.u{bits}", $"w={kind}", a => Find(a, 0, false));
        _bench.Check($"bfind.s{bits}", $"w={kind}", a => Find(a, Bit(a, bits - 1), false));
        _bench.Check($"bfind.shiftamt.u{bits}", $"w={kind}", a => Find(a, 0, true));
        _bench.Check($"bfind.shiftamt.s{bits}", $"w={kind}", a => Find(a, Bit(a, bits - 1), true));
        _bench.Check($"bfe.u{bits}", $"{kind}={kind}ww", (a, b, c) => Extract(a, b, c, signed: false));
        _bench.Check($"bfe.s{bits}", $"{kind}={kind}ww", (a, b, c) => Extract(a, b, c, signed: true));
        _bench.Check($"bfi.b{bits}", $"{kind}={kind}{kind}ww", (a, b, c, d) => Built(bits, bit =>
        {
            int from = bit - (int)(c & 255);
            return from >= 0 && from < (int)(d & 255) ? Bit(a, from) : Bit(b, bit);
        }));

        ulong Find(ulong a, ulong sign, bool shift)
        {
            int bit = bits - 1;
            while (bit >= 0 && Bit(a, bit) == sign)
            {
                bit--;
            }

            return bit < 0 ? uint.MaxValue : (ulong)(shift ? bits - 1 - bit : bit);
        }

        ulong Extract(ulong a, ulong b, ulong c, bool signed)
        {
            int position = (int)(b & 255);
            int length = (int)(c & 255);
            ulong sign = !signed || length == 0 ? 0 : Bit(a, Math.Min(position + length - 1, bits - 1));
            return Built(bits, bit => bit < length && position + bit < bits ? Bit(a, position + bit) : sign);
        }
    }

    [Fact]
    public void Words_of_two_sources_and_of_bytes()
    {
        _bench.Check("shf.l.wrap.b32", "w=www", (a, b, c) => (((b << 32) | a) << (int)(c & 31)) >> 32);
        _bench.Check("shf.l.clamp.b32", "w=www", (a, b, c) => c >= 32 ? a : (((b << 32) | a) << (int)c) >> 32);
        _bench.Check("shf.r.wrap.b32", "w=www", (a, b, c) => (((b << 32) | a) >> (int)(c & 31)) & uint.MaxValue);
        _bench.Check("shf.r.clamp.b32", "w=www", (a, b, c) => (((b << 32) | a) >> (int)Math.Min(c, 32)) & uint.MaxValue);
        _bench.Check("prmt.b32", "w=www", (a, b, c) => Built(32, bit =>
        {
            int choice = (int)(c >> (4 * (bit / 8))) & 15;
            int from = (8 * (choice & 7)) + ((choice & 8) != 0 ? 7 : bit % 8);
            return Bit((b << 32) | a, from);
        }));
        for (int table = 0; table < 256; table += 37)
        {
            int rows = table;
            _bench.CheckWith($"lop3.b32", "w=www", table.ToString(), (a, b, c, _) =>
                Built(32, bit => (ulong)(rows >> (int)((Bit(a, bit) << 2) | (Bit(b, bit) << 1) | Bit(c, bit)) & 1)));
        }
    }

    private static ulong Bit(ulong value, int bit) => value >> bit & 1;

    private static ulong Built(int bits, Func<int, ulong> bit) => Enumerable.Range(0, bits).Aggregate(0UL, (sum, place) => sum | (bit(place) << place));
}
