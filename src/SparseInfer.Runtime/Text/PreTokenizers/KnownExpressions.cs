namespace SparseInfer.Text;

/// <summary>The regular expressions of published <c>tokenizer.json</c> files, and the rules that stand for them.</summary>
internal static class KnownExpressions
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string SpelledContractions = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
    private const string Words = @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}";
    private const string Others = @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|";
    private const string Whites = @"\s+(?!\S)|\s+";

    private const string PowersOfTwo =
        @"\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}";

    private const string Tekken =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
        + @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|" + Whites;

    private const string DeepSeek3 =
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|" + Whites;

    /// <summary>Each with its rules; files write some with line ends as they are, some escaped.</summary>
    private static readonly Dictionary<string, Rule[]> Rules = new(StringComparer.Ordinal)
    {
        [@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|" + Whites] = PreTokenizers.Gpt2,
        [Contractions + Words + "{1,3}" + Others + Whites] = PreTokenizers.Llama3,
        [SpelledContractions + Words + "{1,3}" + Others + Whites] = PreTokenizers.Llama3,
        [Contractions + Words + Others + Whites] = PreTokenizers.Qwen2,
        [SpelledContractions + Words + Others + Whites] = PreTokenizers.Qwen2,
        [Contractions + Words + "{1,3}" + Others + PowersOfTwo] = PreTokenizers.Jais2,
        [Tekken] = PreTokenizers.Tekken,
        [DeepSeek3] = PreTokenizers.DeepSeek3,
        ["[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+"] = PreTokenizers.DeepSeek3Scripts,
        [@"\p{N}"] = PreTokenizers.SingleNumbers,
        [@"\p{N}+"] = PreTokenizers.RunsOfNumbers,
        [@"\p{N}{1,3}"] = PreTokenizers.UpToThreeNumbers,
        ["[0-9][0-9][0-9]"] = PreTokenizers.ThreeDigits,
        [@"[\r\n]"] = PreTokenizers.SingleEndsOfLine,
        [@"\s?\p{L}+"] = [new Run(Prefix.White, CharacterSet.Of(CharacterClass.Letter))],
        [@"\s?\p{P}+"] = [new Run(Prefix.White, CharacterSet.Of(CharacterClass.Punctuation))],
        [$@"\s?[{PreTokenizers.DeepSeekLetters}]+"] = [new Run(Prefix.White, CharacterSet.Of(CharacterClass.None, PreTokenizers.DeepSeekLetters))],
        [$@"\s?[{PreTokenizers.DeepSeekPunctuation}]+"] =
            [new Run(Prefix.White, CharacterSet.Of(CharacterClass.None, PreTokenizers.DeepSeekPunctuation))],
        [@"\s+$"] = [new WhitesAtEnd()],
        [$"[{PreTokenizers.DeepSeekIdeographs}]+"] = [new Run(Prefix.None, CharacterSet.Of(CharacterClass.None, PreTokenizers.DeepSeekIdeographs))],
    };

    /// <summary>The rules for an expression; null for one that is not known.</summary>
    public static Rule[]? Find(string expression) =>
        Rules.GetValueOrDefault(expression.Replace("\r", @"\r", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal));

    /// <summary>Whether its matches leave nothing between them, in any text.</summary>
    public static bool CoversAll(Rule[] rules) =>
        rules == PreTokenizers.Gpt2 || rules == PreTokenizers.Llama3 || rules == PreTokenizers.Qwen2 || rules == PreTokenizers.Jais2
            || rules == PreTokenizers.Tekken;
}
