using System.Text;
using System.Text.RegularExpressions;
using SparseInfer.Text;

namespace SparseInfer.Runtime.Tests.Text;

/// <summary>The scanners cut as the regular expressions do that they stand for.</summary>
public class PreTokenizerTests
{
    private const string Words =
        @"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{NUMBERS}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|";

    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string Whites = @"\s+(?!\S)|\s+";

    private const string PowersOfTwo = @"\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|"
        + @"\s{1,2}(?!\S)|\s{1}";

    private const string Tekken = @"[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))*((?=[\p{L}])([^A-Z]))+|"
        + @"[^\r\n\p{L}\p{N}]?((?=[\p{L}])([^a-z]))+((?=[\p{L}])([^A-Z]))*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string CasedTekken = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
        + @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string DeepSeek3 = @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"
        + @" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string Ideographs = "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+";

    /// <summary>Each name with its expressions, one a pass.</summary>
    public static TheoryData<string, string[]> Expressions => new()
    {
        { "gpt-2", [Gpt2] },
        { "llama-bpe", [Words.Replace("NUMBERS", "1,3") + Whites] },
        { "qwen2", [Words.Replace("NUMBERS", "1") + Whites] },
        { "jais-2", [Words.Replace("NUMBERS", "1,3") + PowersOfTwo] },
        { "smollm", [@"\p{N}", Gpt2] },
        { "falcon", [@"[\p{P}\$\+<=>\^~\|`]+", Gpt2, "[0-9][0-9][0-9]"] },
        { "default", [@"[\p{P}\$\+<=>\^~\|]+", Gpt2, @"\p{N}+", "[0-9][0-9][0-9]"] },
        { "tekken", [Tekken] },
        { "deepseek-coder", ["[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", Ideographs, @"\p{N}"] },
        { "deepseek-v3", [@"\p{N}{1,3}", "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+", DeepSeek3] },
    };

    [Theory]
    [MemberData(nameof(Expressions))]
    public void Random_texts_are_cut_as_the_expressions_cut_them(string name, string[] expressions)
    {
        PreTokenizer preTokenizer = PreTokenizers.Find(name)!.PreTokenizer;
        Regex[] passes = [.. expressions.Select(expression => new Regex(expression, RegexOptions.CultureInvariant))];
        Compare(preTokenizer, passes, name.StartsWith("deepseek", StringComparison.Ordinal));
    }

    [Fact]
    public void Tekken_of_a_tokenizer_json_knows_capitals_of_all_scripts() =>
        Compare(new PreTokenizer(PreTokenizers.Tekken), [new Regex(CasedTekken, RegexOptions.CultureInvariant)], onlyAsciiWhite: false);

    /// <summary>The third has a range, ':' to '~', with ASCII's letters in it.</summary>
    [Fact]
    public void Expressions_of_deepseek_cut_one_after_the_other() =>
        Pieces(PreTokenizers.Find("deepseek-llm")!.PreTokenizer, "Größe, 早上好 一２  12\n")
            .ShouldBe(["Gr", "öß", "e", ",", " ", "早上好", " ", "一", "２", "  ", "12", "\n"]);

    [Theory]
    [InlineData("gpt-2", "a 𝒜𝒷c 𝟙𝟚!😀😀\U00011390", new[] { "a", " 𝒜𝒷c", " 𝟙𝟚", "!😀😀\U00011390" })]
    [InlineData("llama-bpe", "𝟙𝟚𝟛𝟜😀a", new[] { "𝟙𝟚𝟛", "𝟜", "😀a" })]
    public void Characters_beyond_the_basic_plane_are_one_each(string name, string text, string[] pieces) =>
        Pieces(PreTokenizers.Find(name)!.PreTokenizer, text).ShouldBe(pieces);

    [Fact]
    public void A_pre_tokenizer_that_is_not_known_is_none() => PreTokenizers.Find("gemma4").ShouldBeNull();

    [Fact]
    public void Every_name_that_users_are_told_is_known() => PreTokenizers.Names.ShouldAllBe(name => PreTokenizers.Find(name) != null);

    private static void Compare(PreTokenizer preTokenizer, Regex[] passes, bool onlyAsciiWhite)
    {
        var random = new Random(19);
        for (int i = 0; i < 1500; i++)
        {
            string text = RandomText(random, onlyAsciiWhite);
            string[] expected = [.. passes.Aggregate((IEnumerable<string>)[text], (pieces, pass) => pieces.SelectMany(piece => Cut(pass, piece)))];
            List<string> pieces = Pieces(preTokenizer, text);
            if (!pieces.SequenceEqual(expected))
            {
                ((IEnumerable<string>)pieces).ShouldBe(expected, text);
            }
        }
    }

    private static IEnumerable<string> Cut(Regex expression, string text)
    {
        int open = 0;
        foreach (Match match in expression.Matches(text))
        {
            if (match.Index > open)
            {
                yield return text[open..match.Index];
            }

            yield return match.Value;
            open = match.Index + match.Length;
        }

        if (open < text.Length)
        {
            yield return text[open..];
        }
    }

    private static List<string> Pieces(PreTokenizer preTokenizer, string text)
    {
        List<string> pieces = [];
        int start = 0;
        foreach (int end in preTokenizer.Split(text))
        {
            pieces.Add(text[start..end]);
            start = end;
        }

        return pieces;
    }

    /// <summary>Of the basic plane only, since .NET's expressions know no characters beyond; of what makes a difference, mostly.</summary>
    private static string RandomText(Random random, bool onlyAsciiWhite)
    {
        const string Common = "  \n\r\tabzABZ'sTreLLvemd019.,$~`/-!?";
        string wide = "éÉßДжǅªₐ中あア가٣½²“”€्̀\u0301\u05D0" + (onlyAsciiWhite ? "" : "\u00A0\u3000\u0085\u2028");
        var text = new StringBuilder();
        for (int length = random.Next(1, 30); length > 0; length--)
        {
            text.Append(random.Next(12) switch
            {
                0 => new string(' ', random.Next(1, 20)),
                1 => new string(random.Next(2) == 0 ? '\n' : '5', random.Next(1, 6)),
                < 5 => wide[random.Next(wide.Length)].ToString(),
                _ => Common[random.Next(Common.Length)].ToString(),
            });
        }

        return random.Next(50) == 0 ? text.ToString() + new string(' ', random.Next(1100)) + (random.Next(2) == 0 ? "x" : "") : text.ToString();
    }
}
