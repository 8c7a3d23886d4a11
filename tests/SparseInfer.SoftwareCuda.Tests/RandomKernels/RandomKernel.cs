using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace SparseInfer.SoftwareCuda.Tests.RandomKernels;

/// <summary>
/// A kernel made up at random, as text, with the same program for the host. There, what threads do together is done for all of them before the
/// next statement, and what a thread does alone in one go.
/// </summary>
internal sealed partial class RandomKernel
{
    public const int Threads = 64;
    public const int Groups = 3;

    private static readonly (string Name, string Type)[] Shuffled = [("a", "int"), ("b", "uint"), ("c", "long"), ("d", "float")];

    private readonly Random _random;
    private readonly StringBuilder _kernel = new();
    private readonly StringBuilder _host = new();
    private int _names;

    public RandomKernel(int seed)
    {
        _random = new Random(seed);
        for (int statement = 0; statement < 8; statement++)
        {
            Together(2);
        }

        const string Start = "a = input[x]; b = (uint)(a * 7) + (uint)(t % 32); c = x - 30L; d = floats[x]; e = (ulong)b << 20; g = (short)a; k = (byte)t; h = (Half)1.5f;";
        const string End = "output[x * 2] = a ^ (int)b ^ (int)c ^ (int)(c >> 32) ^ g ^ k; output[(x * 2) + 1] = (int)e ^ (int)(e >> 32) ^ (int)(d * 256) ^ (int)((float)h * 8);";
        const string Declared = "int a; uint b; long c; float d; ulong e; short g; byte k; Half h;";
        string arrays = VariableType().Replace(Declared.Replace("Half", "System.Half", StringComparison.Ordinal), "$1[] $2 = new $1[T];");
        Text = $$"""
            public static class Random{{seed}}
            {
                public static void Kernel(ArrayView<int> input, ArrayView<float> floats, ArrayView<int> output, int n)
                {
                    var shared = SharedMemory.Allocate<int>({{Threads}});
                    int t = Group.IdxX;
                    int x = (Grid.IdxX * {{Threads}}) + t;
                    {{Declared}}
                    {{Start}}
            {{_kernel}}
                    {{End}}
                }

                public static void Host(int[] input, float[] floats, int[] output, int n, int group)
                {
                    const int T = {{Threads}};
                    int[] shared = new int[T];
                    {{arrays}}
                    {{ForAll(Start)}}
            {{_host}}
                    {{ForAll(End)}}
                }
            }
            """;
    }

    public string Text { get; }

    /// <summary>A statement that all threads come to.</summary>
    private void Together(int depth)
    {
        switch (_random.Next(depth > 0 ? 8 : 6))
        {
            case 0 or 1 or 2:
                string alone = Alone(3);
                Both(alone, ForAll(alone));
                break;
            case 3 or 4:
                Shuffle();
                break;
            case 5:
                int distance = _random.Next(1, Threads);
                Both(
                    $"Group.Barrier(); shared[t] = a; Group.Barrier(); a += shared[(t + {distance}) % {Threads}] * 3;",
                    $"for (int t = 0; t < T; t++) shared[t] = a[t]; for (int t = 0; t < T; t++) a[t] += shared[(t + {distance}) % T] * 3;");
                break;
            case 6:
                string counter = $"i{_names++}";
                Block($"for (int {counter} = 0; {counter} < n + {_random.Next(3)}; {counter}++)", depth);
                break;
            default:
                Block($"if (n {(_random.Next(2) == 0 ? "<" : ">")} {_random.Next(1, 5)})", depth);
                break;
        }
    }

    private void Block(string head, int depth)
    {
        Both(head + " {", head + " {");
        for (int statement = _random.Next(1, 4); statement > 0; statement--)
        {
            Together(depth - 1);
        }

        Both("}", "}");
    }

    private void Shuffle()
    {
        (string variable, string type) = Shuffled[_random.Next(4)];
        int distance = _random.Next(1, 32);
        (string call, string source) = _random.Next(3) switch
        {
            0 => ($"ShuffleXor({variable}, {distance})", $"(t & 31) ^ {distance}"),
            1 => ($"ShuffleUp({variable}, {distance})", $"(t & 31) >= {distance} ? (t & 31) - {distance} : t & 31"),
            _ => ($"ShuffleDown({variable}, {distance})", $"(t & 31) + {distance} < 32 ? (t & 31) + {distance} : t & 31"),
        };
        string other = $"s{_names++}";
        string update = variable == "d" ? $"d = d * 0.5f + {other}" : $"{variable} += {other} & 0xffff";
        string taken = $"var {other} = before[(t & ~31) | ({source})];";
        Both(
            $"{{ var {other} = Warp.{call}; {update}; }}",
            $"{{ var before = ({type}[]){variable}.Clone(); for (int t = 0; t < T; t++) {{ {taken} {Indexed(update)}; }} }}");
    }

    /// <summary>What a thread does without the others: with branches and loops that others leave elsewhere.</summary>
    private string Alone(int depth)
    {
        if (depth == 0)
        {
            return Assignment();
        }

        string counter = $"i{_names++}";
        return _random.Next(7) switch
        {
            0 => $"if ({Condition()}) {{ {Several(depth)} }} else {{ {Several(depth)} }}",
            1 => $"if ({Condition()}) {{ {Several(depth)} }}",
            2 => $"for (int {counter} = 0; {counter} < (int)(b % {_random.Next(2, 6)}u); {counter}++) {{ {Several(depth)} if ({Condition()}) break; {Assignment()} }}",
            3 => $"for (int {counter} = (int)(b & 3); {counter} < 4; {counter}++) {{ if ({Condition()}) continue; {Several(depth)} }}",
            4 => $"switch (b % 5u) {{ case 0: {Assignment()} break; case 1: {Several(depth)} break; case 3: {Assignment()} break; default: {Assignment()} break; }}",
            _ => Several(depth),
        };
    }

    private string Several(int depth) => string.Join(' ', Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Alone(depth - 1)));

    private string Condition() => _random.Next(6) switch
    {
        0 => $"(a & {_random.Next(1, 4)}) != 0 && c < {_random.Next(-20, 40)}",
        1 => $"d > {_random.Next(-10, 30)}f",
        2 => $"b > {_random.Next():x}u || g < k".Replace("> ", "> 0x", StringComparison.Ordinal),
        3 => $"(e >> {_random.Next(1, 60)} & 1) == 0",
        4 => $"(float)h <= {_random.Next(1, 9)}f",
        _ => $"(t & {_random.Next(1, 32)}) == {_random.Next(4)}",
    };

    // Divisions are unsigned and by odd numbers: the compiler's own are wrong for others. Halves are only converted, for the host's type and the
    // compiler's add them differently.
    private string Assignment() => _random.Next(16) switch
    {
        0 => $"a = a * {_random.Next(1, 50)} + (int)(b >> {_random.Next(1, 8)});",
        1 => $"b ^= (uint)a << {_random.Next(1, 16)};",
        2 => $"c = (c << 3) - (a >> {_random.Next(1, 9)});",
        3 => $"d = d * 0.25f + (a & 255) / {_random.Next(1, 9)}f;",
        4 => $"a = c > {_random.Next(-10, 50)} ? a - n : a + (int)(c & 31);",
        5 => $"b = b / {(2 * _random.Next(1, 4)) + 1}u + (uint)(sbyte)a;",
        6 => $"a ^= d > {_random.Next(0, 20)}f ? {_random.Next(1, 100)} : (short)b;",
        7 => "c += IntrinsicMath.PopCount(b) - n;",
        8 => $"e = e * {_random.Next(3, 99)}UL + (ulong)c;",
        9 => $"e ^= e >> {_random.Next(1, 63)}; c ^= (long)e;",
        10 => $"g = (short)(g * {_random.Next(2, 50)} + a);",
        11 => $"k = (byte)(k + g); a -= k;",
        12 => "h = (Half)((d * 0.0625f) + (k & 7));",
        13 => "d = (float)h - d * 0.5f;",
        14 => $"a += (int)(d * {_random.Next(1, 9)}f); d = Math.Min(Math.Max(d, -900f), 900f);",
        _ => $"c = Math.Max(c, (long)a * {_random.Next(2, 99)}) + Math.Abs(g & 0xff);",
    };

    private static string ForAll(string statement) => $"for (int t = 0; t < T; t++) {{ int x = (group * T) + t; {Indexed(statement)} }}";

    /// <summary>The same text with each variable an array's element. Variables are words of one letter, and nothing else is.</summary>
    private static string Indexed(string text) => Variable().Replace(text, match => match.Value + "[t]").Replace("Half", "System.Half", StringComparison.Ordinal);

    private void Both(string kernel, string host)
    {
        _kernel.AppendLine(CultureInfo.InvariantCulture, $"{kernel}");
        _host.AppendLine(CultureInfo.InvariantCulture, $"{host}");
    }

    [GeneratedRegex(@"(?<![\w.])[abcdeghk](?!\w)")]
    private static partial Regex Variable();

    [GeneratedRegex(@"([\w.]+) ([abcdeghk]);")]
    private static partial Regex VariableType();
}
