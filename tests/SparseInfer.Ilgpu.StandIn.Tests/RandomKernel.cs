using System.Text;

namespace SparseInfer.Ilgpu.StandIn.Tests;

/// <summary>A kernel made up at random, as text, with the same program for the host, which does every statement for all
/// threads before the next.</summary>
internal sealed class RandomKernel
{
    public const int Threads = 64;

    private static readonly string[] Variables = ["a", "b", "c", "d"];

    private readonly Random _random;
    private readonly StringBuilder _kernel = new();
    private readonly StringBuilder _host = new();
    private int _loops;
    private int _temporaries;

    public RandomKernel(int seed)
    {
        _random = new Random(seed);
        for (int statement = 0; statement < 8; statement++)
            Statement(2);
        Text = $$"""
            public static class Random{{seed}}
            {
                public static void Kernel(ArrayView<int> input, ArrayView<float> floats, ArrayView<int> output, int n)
                {
                    var shared = SharedMemory.Allocate<int>({{Threads}});
                    int t = Group.IdxX;
                    int a = input[t];
                    uint b = (uint)(a * 7) + (uint)Warp.LaneIdx;
                    long c = t - 30;
                    float d = floats[t];
            {{_kernel}}
                    output[t] = a ^ (int)b ^ (int)c ^ (int)Interop.FloatAsInt(d);
                }

                public static void Host(int[] input, float[] floats, int[] output, int n)
                {
                    const int T = {{Threads}};
                    var shared = new int[T];
                    var a = new int[T];
                    var b = new uint[T];
                    var c = new long[T];
                    var d = new float[T];
                    for (int t = 0; t < T; t++)
                    {
                        a[t] = input[t];
                        b[t] = (uint)(a[t] * 7) + (uint)(t % 32);
                        c[t] = t - 30;
                        d[t] = floats[t];
                    }
            {{_host}}
                    for (int t = 0; t < T; t++)
                        output[t] = a[t] ^ (int)b[t] ^ (int)c[t] ^ (int)BitConverter.SingleToUInt32Bits(d[t]);
                }
            }
            """;
    }

    public string Text { get; }

    private void Statement(int depth)
    {
        switch (_random.Next(depth > 0 ? 7 : 5))
        {
            case 0 or 1:
                string assignment = Assignment();
                Both(assignment, ForAll(assignment));
                break;
            case 2:
                string condition = $"(a & {_random.Next(1, 4)}) != 0 && c < {_random.Next(-20, 40)}";
                string first = Assignment();
                string second = Assignment();
                string choice = $"if ({condition}) {{ {first} }} else {{ {second} }}";
                Both(choice, ForAll(choice));
                break;
            case 3:
                Shuffle();
                break;
            case 4:
                int distance = _random.Next(1, Threads);
                Both(
                    $"Group.Barrier(); shared[t] = a; Group.Barrier(); a += shared[(t + {distance}) % {Threads}] * 3;",
                    $"for (int t = 0; t < T; t++) shared[t] = a[t]; for (int t = 0; t < T; t++) a[t] += shared[(t + {distance}) % T] * 3;");
                break;
            case 5:
                string counter = $"i{_loops++}";
                string head = $"for (int {counter} = 0; {counter} < n + {_random.Next(3)}; {counter}++)";
                Block(head, depth);
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
            Statement(depth - 1);
        Both("}", "}");
    }

    private void Shuffle()
    {
        string variable = Variables[_random.Next(4)];
        string other = $"s{_temporaries++}";
        int mask = _random.Next(1, 32);
        // As a statement of its own, or inside an expression: the compiler leaves values on the stack for both.
        string update = variable == "d" ? $"d = d * 0.5f + {other}" : $"{variable} += {other} & 0xffff";
        bool alone = _random.Next(2) == 0;
        string shuffle = $"Warp.ShuffleXor({variable}, {mask})";
        string kernel = alone ? $"{{ var {other} = {shuffle}; {update}; }}" : $"{update.Replace(other, shuffle)};";
        string type = variable switch { "a" => "int", "b" => "uint", "c" => "long", _ => "float" };
        string taken = $"var {other} = before[(t & ~31) | ((t & 31) ^ {mask})];";
        Both(kernel, $"{{ var before = ({type}[]){variable}.Clone(); for (int t = 0; t < T; t++) {{ {taken} {Indexed(update)}; }} }}");
    }

    // An unsigned division is by an odd number: by a power of two, ILGPU's is wrong from 2^31 on, and a fault here.
    private string Assignment() => _random.Next(8) switch
    {
        0 => $"a = a * {_random.Next(1, 50)} + (int)(b >> {_random.Next(1, 8)});",
        1 => $"b ^= (uint)a << {_random.Next(1, 16)};",
        2 => $"c = (c << 3) - a % {_random.Next(2, 9)};",
        3 => $"d = d * 0.25f + (a & 255) / {_random.Next(1, 9)}f;",
        4 => $"a = c > {_random.Next(-10, 50)} ? a - n : a + (int)(c & 31);",
        5 => $"b = b / {(2 * _random.Next(1, 4)) + 1}u + (uint)(sbyte)a;",
        6 => $"a ^= d > {_random.Next(0, 20)}f ? {_random.Next(1, 100)} : (short)b;",
        _ => $"c += IntrinsicMath.PopCount(b) - n;",
    };

    private string ForAll(string statement) => $"for (int t = 0; t < T; t++) {{ {Indexed(statement)} }}";

    /// <summary>The same text with each variable an array's element. Variables are words of one letter, and nothing else is.</summary>
    private static string Indexed(string text) =>
        System.Text.RegularExpressions.Regex.Replace(text, @"(?<![\w.])[abcd](?!\w)", match => match.Value + "[t]");

    private void Both(string kernel, string host)
    {
        _kernel.AppendLine(kernel);
        _host.AppendLine(host);
    }
}
