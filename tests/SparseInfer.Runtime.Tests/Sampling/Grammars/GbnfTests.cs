using System.Text;
using SparseInfer.Sampling;

namespace SparseInfer.Runtime.Tests.Sampling.Grammars;

/// <summary>llama.cpp's form of grammars: which texts follow one, and what is told of one that is wrong.</summary>
public class GbnfTests
{
    [Theory]
    [InlineData("root ::= \"yes\" | \"no\"", "yes no", "ye yesno maybe")]
    [InlineData("root ::= [a-c]+ \"-\"? [^a-c\\n]", "abc-x ax ba-é bé", "abc abca x a-c")]
    [InlineData("root ::= (\"a\" | \"b\" \"c\"){2,3}", "aa abc bcbcbc", "a aaaa bcb")]
    [InlineData("root ::= \"a\"{2} \"b\"{1,} \"c\"{0,1}", "aab aabbbc", "ab aac aabcc")]
    [InlineData("root ::= list # a comment\nlist ::= item (\",\"\n  item)* | # goes on\n  \"-\"\nitem ::= [0-9]+", "1 1,22,3 -", "1, ,1 --")]
    [InlineData("root ::= \"\\x41\\u00e9\\U0001F600\\\\\\\"\\[\\]\\t\"", "Aé😀\\\"[]\t", "A")]
    [InlineData("root ::= .{2}", "ab é😀 \u2028x", "a abc")]
    [InlineData("root ::= \"a\" root \"b\" | \"\"", "ab aabb aaabbb", "a aab abb ba")]
    [InlineData("root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"d\"", "d adb aadbc aadcc", "ad adbc")]
    [InlineData("root ::= ((\"a\"?)* \"b\"?)*", "a b aabab", "c ac")]
    [InlineData("root ::= x x x\nx ::= \"a\" | \"\"", "a aa aaa", "aaaa")]
    [InlineData("root ::= [-a] [a-] [\\]^]", "-a] a-^ --]", "b a^")]
    public void Texts_follow_a_grammar_or_not(string gbnf, string inside, string outside)
    {
        Grammar grammar = Grammar.Parse(gbnf);

        inside.Split(' ').ShouldAllBe(text => grammar.Matches(text));
        outside.Split(' ').ShouldAllBe(text => !grammar.Matches(text));
    }

    [Theory]
    [InlineData("root = \"a\"", 1, 6, "'::='")]
    [InlineData("root ::= \"a\"\nitem ::= [a", 2, 10, "'[' is not closed")]
    [InlineData("root ::= \"a", 1, 10, "is not closed")]
    [InlineData("root ::= (\"a\" | \"b\"", 1, 10, "'(' is not closed")]
    [InlineData("root ::= \"a\" )", 1, 14, "no '('")]
    [InlineData("root ::= item\n  other ::= \"a\"", 1, 10, "no rule 'item'")]
    [InlineData("root ::= \"\\q\"", 1, 11, "no such escape")]
    [InlineData("root ::= \"\\ud800\"", 1, 11, "hexadecimal")]
    [InlineData("root ::= [z-a]", 1, 11, "range is empty")]
    [InlineData("root ::= []", 1, 10, "no character")]
    [InlineData("root ::= *", 1, 10, "nothing before it")]
    [InlineData("root ::= \"a\"{3,2}", 1, 13, "fewer")]
    [InlineData("root ::= \"a\"{200000}", 1, 14, "repeated 100000")]
    [InlineData("root ::= <think>", 1, 10, "angle brackets")]
    [InlineData("root ::= \"a\"\nroot ::= \"b\"", 2, 1, "two rules 'root'")]
    [InlineData("root ::= \"a\" $", 1, 14, "'$'")]
    [InlineData("root ::= root \"a\" | \"b\"", 1, 1, "left recursion")]
    [InlineData("root ::= x\nx ::= y? z\ny ::= \"a\"\nz ::= x \"b\" | \"c\"", 1, 10, "'x' begins with 'z', which begins with 'x'")]
    [InlineData("root ::= \"a\" root", 1, 1, "goes on for ever")]
    [InlineData("other ::= \"a\"", 0, 0, "no rule 'root'")]
    public void What_is_wrong_is_told_with_line_and_column(string gbnf, int line, int column, string message)
    {
        GrammarException exception = Should.Throw<GrammarException>(() => Grammar.Parse(gbnf));

        exception.Message.ShouldContain(message);
        (exception.Line, exception.Column).ShouldBe((line, column), exception.Message);
    }

    [Theory]
    [InlineData("*")]
    [InlineData("{1}")]
    [InlineData("{2}")]
    public void A_part_repeated_over_and_over_is_refused_and_does_not_end_the_process(string suffix) =>
        Should.Throw<GrammarException>(() => Grammar.Parse("root ::= \"a\"" + string.Concat(Enumerable.Repeat(suffix, 60_000)))).Message.ShouldContain("deep inside each other");

    [Fact]
    public void Hostile_grammars_end_in_an_error_and_not_in_a_hang()
    {
        Refused(new string('(', 100_000)).ShouldContain("nested");
        Refused("(((\"ab\"{1000}){1000}){1000}){1000} [a-z]{0,100000} ([a-f] [0-9]){0,100000} ([a-f] \"x\"){0,100000} ([a-f] [1-9]){0,100000}").ShouldContain("too large");
        Refused(string.Concat(Enumerable.Repeat("\"a\"? ", 30_000))).ShouldContain("leave out");
        Should.Throw<GrammarException>(() => Grammar.Parse($"root ::= \"{new string('a', 1 << 20)}\"")).Message.ShouldContain("1048576 characters");

        // A long chain of rules is none of these.
        string chain = string.Join('\n', Enumerable.Range(0, 9_000).Select(i => $"r{i} ::= r{i + 1}")) + "\nr9000 ::= \"a\"";
        Grammar.Parse($"root ::= r0\n{chain}").Matches("a").ShouldBeTrue();

        // Two to the n ways, which share what follows; and more of them than are followed.
        Grammar.Parse("root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"d\"").Matches(new string('a', 2000) + "d" + new string('b', 2000)).ShouldBeTrue();
        Should.Throw<GrammarException>(() => Grammar.Parse("root ::= ((\"a\"{0,1000}){0,1000}){0,1000}").Matches(new string('a', 5000))).Message.ShouldContain("too ambiguous");

        static string Refused(string root) => Should.Throw<GrammarException>(() => Grammar.Parse($"root ::= {root}")).Message;
    }

    [Fact]
    public void Classes_are_the_utf8_of_their_characters()
    {
        var random = new Random(1);
        for (int i = 0; i < 200; i++)
        {
            int[] bounds = [.. Enumerable.Range(0, 4).Select(_ => random.Next(random.Next(3) switch { 0 => 0x100, 1 => 0x3000, _ => 0x110000 })).Select(code => Rune.IsValid(code) ? code : 0xE000).Order()];
            Grammar grammar = Grammar.Parse($"root ::= [\\U{bounds[0]:X8}-\\U{bounds[1]:X8}\\U{bounds[2]:X8}-\\U{bounds[3]:X8}]");
            foreach (int bound in bounds)
            {
                foreach (int near in (int[])[bound - 1, bound, bound + 1])
                {
                    if (Rune.IsValid(near))
                    {
                        bool isInside = (near >= bounds[0] && near <= bounds[1]) || (near >= bounds[2] && near <= bounds[3]);
                        grammar.Matches(new Rune(near).ToString()).ShouldBe(isInside, $"{near:X} in {bounds[0]:X}-{bounds[1]:X} {bounds[2]:X}-{bounds[3]:X}");
                    }
                }
            }
        }
    }
}
