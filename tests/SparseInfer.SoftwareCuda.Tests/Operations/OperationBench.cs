using System.Globalization;
using System.Text;
using SparseInfer.SoftwareCuda.Execution;
using SparseInfer.SoftwareCuda.Memory;
using SparseInfer.SoftwareCuda.Ptx;

namespace SparseInfer.SoftwareCuda.Tests.Operations;

/// <summary>
/// Executes one instruction on many operands: by all lanes, and once more under a predicate that every fourth lane fails. Groups have 61
/// threads, so that one warp is not full.
/// </summary>
internal sealed unsafe class OperationBench : IDisposable
{
    private const int Threads = 61;
    private const int Groups = 8;
    private const int Count = Threads * Groups;

    private static readonly ulong[] Words16 =
    [
        0, 1, 2, 3, 7, 8, 15, 16, 17, 0x7FFF, 0x8000, 0xFFFF, 0x8001, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0x7C01, 0x03FF, 0x0400,
        0x83FF, 0x3F80, 0xBF80, 0x7F80, 0xFF80, 0x7FC0, 0x007F, 0x0080, 0x7F7F,
    ];

    private static readonly ulong[] Words32 =
    [
        0, 1, 2, 3, 8, 31, 32, 33, 255, 256, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFE0, 0x80000001, 0x3F800000, 0xBF800000, 0x7F7FFFFF, 0xFF7FFFFF,
        0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001, 0x007FFFFF, 0x00800000, 0x807FFFFF, 0x3F000000, 0x3FC00000, 0xC0200000, 0x4F000000, 0x4F800000,
        0x43000000, 0x477FF000, 0x33000000, 0x5F000000,
    ];

    private static readonly ulong[] Words64 =
    [
        0, 1, 2, 3, 63, 64, 65, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, long.MaxValue, 1UL << 63, ulong.MaxValue, (1UL << 63) + 1,
        0x3FF0000000000000, 0xBFF0000000000000, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000, 0x000FFFFFFFFFFFFF, 0x0010000000000000,
        0x7FEFFFFFFFFFFFFF, 0x3FE0000000000000, 0x3FF8000000000000, 0xC004000000000000, 0x41E0000000000000, 0x43E0000000000000, 0x47EFFFFFE0000000,
        0x36A0000000000000, 0x3FF0000010000000,
    ];

    private readonly DeviceMemory _memory = new();

    /// <summary>Compares with a function of up to four operands.</summary>
    /// <param name="instruction">The name with modifiers.</param>
    /// <param name="kinds">Destination, <c>=</c>, sources: h for 16 bits, w for 32, d for 64, p for a predicate.</param>
    /// <param name="expected">The destination's bits.</param>
    public void Check(string instruction, string kinds, Func<ulong, ulong, ulong, ulong, ulong> expected) => CheckWith(instruction, kinds, "", expected);

    /// <summary>The same with a constant as the last operand.</summary>
    public void CheckWith(string instruction, string kinds, string constant, Func<ulong, ulong, ulong, ulong, ulong> expected)
    {
        char destination = kinds[0];
        string sources = kinds[2..];
        ulong[] operands = Operands(instruction, sources);
        ulong[] results = Execute(Text(instruction, destination, sources, constant), operands);
        var wrong = new StringBuilder();
        for (int i = 0; i < Count; i++)
        {
            ReadOnlySpan<ulong> of = operands.AsSpan(i * 4, 4);
            ulong right = expected(of[0], of[1], of[2], of[3]);
            ulong masked = i % 4 == 0 ? Sentinel(destination) : right;
            if (!Same(instruction, results[i * 2], right) || !Same(instruction, results[(i * 2) + 1], masked))
            {
                wrong.AppendLine(CultureInfo.InvariantCulture, $"{instruction} of {of[0]:x}, {of[1]:x}, {of[2]:x}, {of[3]:x} gives {results[i * 2]:x} and {results[(i * 2) + 1]:x} under a predicate, right are {right:x} and {masked:x}");
                if (wrong.Length > 1000)
                {
                    break;
                }
            }
        }

        wrong.ToString().ShouldBeEmpty();
    }

    public void Check(string instruction, string kinds, Func<ulong, ulong, ulong, ulong> expected) => Check(instruction, kinds, (a, b, c, _) => expected(a, b, c));

    public void Check(string instruction, string kinds, Func<ulong, ulong, ulong> expected) => Check(instruction, kinds, (a, b, _, _) => expected(a, b));

    public void Check(string instruction, string kinds, Func<ulong, ulong> expected) => Check(instruction, kinds, (a, _, _, _) => expected(a));

    public void Dispose() => _memory.Dispose();

    // PTX leaves open which NaN of 64 bits comes out.
    private static bool Same(string instruction, ulong one, ulong other) =>
        one == other || (instruction.Contains("f64", StringComparison.Ordinal)
            && double.IsNaN(BitConverter.UInt64BitsToDouble(one)) && double.IsNaN(BitConverter.UInt64BitsToDouble(other)));

    private static ulong Sentinel(char kind) => kind switch { 'h' => 0x5A5A, 'w' => 0x5A5A5A5A, 'd' => 0x5A5A5A5A5A5A5A5A, _ => 1 };

    private static ulong[] Operands(string instruction, string kinds)
    {
        var random = new Random(instruction.Length + (instruction[0] * 31));
        ulong[] operands = new ulong[Count * 4];
        for (int i = 0; i < operands.Length; i++)
        {
            char kind = i % 4 < kinds.Length ? kinds[i % 4] : 'p';
            ulong[] words = kind switch { 'h' => Words16, 'w' => Words32, 'd' => Words64, _ => [0, 1] };
            ulong bits = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
            operands[i] = random.Next(4) switch
            {
                0 or 1 => words[random.Next(words.Length)],
                2 => bits,
                // Numbers whose exponents are near each other.
                _ => kind switch
                {
                    'h' => (bits & 0x83FF) | ((ulong)random.Next(10, 20) << 10),
                    'w' => (bits & 0x807FFFFF) | ((ulong)random.Next(115, 140) << 23),
                    'd' => (bits & 0x800FFFFFFFFFFFFF) | ((ulong)random.Next(1010, 1040) << 52),
                    _ => bits,
                },
            } & (kind switch { 'h' => 0xFFFFUL, 'w' => 0xFFFFFFFF, 'd' => ulong.MaxValue, _ => 1 });
        }

        return operands;
    }

    private static string Text(string instruction, char destination, string sources, string constant)
    {
        var text = new StringBuilder(
            ".version 8.0\n.target sm_90\n.address_size 64\n.visible .entry Kernel_T(.param .b64 a, .param .b64 b)\n"
            + "{ .reg .pred %p<8>; .reg .b16 %h<24>; .reg .b32 %r<24>; .reg .b64 %rd<24>;\nld.param.b64 %rd1, [a]; ld.param.b64 %rd2, [b];\n"
            + $"mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mad.lo.u32 %r1, %r2, {Threads}, %r1; mul.wide.u32 %rd3, %r1, 32; add.u64 %rd4, %rd1, %rd3;\n"
            + "mul.wide.u32 %rd3, %r1, 16; add.u64 %rd5, %rd2, %rd3;\nand.b32 %r3, %r1, 3; setp.ne.u32 %p6, %r3, 0;\n");
        for (int s = 0; s < sources.Length; s++)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"ld.global.b64 %rd1{s}, [%rd4+{8 * s}];");
            text.AppendLine(sources[s] switch
            {
                'h' => $"cvt.u16.u64 %h1{s}, %rd1{s};",
                'w' => $"cvt.u32.u64 %r1{s}, %rd1{s};",
                'p' => $"setp.ne.u64 %p{s}, %rd1{s}, 0;",
                _ => "",
            });
        }

        string register = Register(destination) + (destination == 'p' ? "5" : "20");
        string operation = $"{instruction} {register}, {string.Join(", ", sources.Select((kind, s) => Register(kind) + (kind == 'p' ? "" : "1") + s))}{(constant.Length == 0 ? "" : ", " + constant)};";
        string widened = destination switch
        {
            'h' => "cvt.u64.u16 %rd21, %h20;",
            'w' => "cvt.u64.u32 %rd21, %r20;",
            'd' => "mov.b64 %rd21, %rd20;",
            _ => "selp.b64 %rd21, 1, 0, %p5;",
        };
        string sentinel = destination switch
        {
            'p' => "setp.eq.u32 %p5, %r1, %r1;",
            'h' => "mov.b16 %h20, 0x5A5A;",
            'w' => "mov.b32 %r20, 0x5A5A5A5A;",
            _ => "mov.b64 %rd20, 0x5A5A5A5A5A5A5A5A;",
        };
        text.AppendLine(operation).AppendLine(widened).AppendLine("st.global.b64 [%rd5], %rd21;");
        text.AppendLine(sentinel).AppendLine("@%p6 " + operation).AppendLine(widened).AppendLine("st.global.b64 [%rd5+8], %rd21;").AppendLine("ret; }");
        return text.ToString();
    }

    private static string Register(char kind) => kind switch { 'h' => "%h", 'w' => "%r", 'd' => "%rd", _ => "%p" };

    private ulong[] Execute(string text, ulong[] operands)
    {
        nint a = _memory.Allocate(operands.Length * 8);
        nint b = _memory.Allocate(Count * 16);
        operands.CopyTo(new Span<ulong>((void*)a, operands.Length));
        _memory.Written(a, operands.Length * 8);
        byte[] parameters = [.. BitConverter.GetBytes((long)a), .. BitConverter.GetBytes((long)b)];
        new Launch(PtxModule.Load(text).Find("Kernel_T")!, new Size3(Groups, 1, 1), new Size3(Threads, 1, 1), 0, parameters)
            .Execute(_memory, new LaunchOptions { Parallelism = 1 });
        ulong[] results = new ReadOnlySpan<ulong>((void*)b, Count * 2).ToArray();
        _memory.Free(a);
        _memory.Free(b);
        return results;
    }
}
