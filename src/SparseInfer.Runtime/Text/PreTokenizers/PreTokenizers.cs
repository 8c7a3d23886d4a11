namespace SparseInfer.Text;

/// <summary>
/// The pre-tokenizers that models were trained with, by the names that llama.cpp gives them (<c>tokenizer.ggml.pre</c>), and the regular
/// expressions that Hugging Face's <c>tokenizer.json</c> has for them.
/// </summary>
internal static class PreTokenizers
{
    /// <summary>The letters that DeepSeek's expression lists: those with a case, as of an older Unicode.</summary>
    internal const string DeepSeekLetters =
        "A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-\u0373\u0376\u0377"
        + "\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481\u048A-\u052F\u0531-\u0556"
        + "\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B\u1D6B-\u1D77\u1D79-\u1D9A\u1E00-\u1F15"
        + "\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D\u1F50-\u1F57\u1F59\u1F5B\u1F5D\u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE"
        + "\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\u1FEC\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113"
        + "\u2115\u2119-\u211D\u2124\u2126\u2128\u212A-\u212D\u212F-\u2134\u2139\u213C-\u213F\u2145-\u2149\u214E\u2183\u2184"
        + "\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2\u2CF3\uA640-\uA66D\uA680-\uA69B\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E"
        + "\uAB70-\uABBF\uFB00-\uFB06\uFB13-\uFB17\uFF21-\uFF3A\uFF41-\uFF5A\U00010400-\U0001044F\U000104B0-\U000104D3"
        + "\U000104D8-\U000104FB\U00010C80-\U00010CB2\U00010CC0-\U00010CF2\U000118A0-\U000118DF\U0001E900-\U0001E943";

    /// <summary>The name of what llama.cpp takes where a file names none.</summary>
    public const string Default = "default";

    /// <summary>The punctuation that it lists; ASCII's letters lie within a range of it.</summary>
    internal const string DeepSeekPunctuation = "!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002";

    /// <summary>What is not written with spaces, and the scripts between.</summary>
    internal const string DeepSeekIdeographs = "\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF";

    private const CharacterClass LetterOrNumber = CharacterClass.Letter | CharacterClass.Number;

    private static readonly CharacterSet Letters = CharacterSet.Of(CharacterClass.Letter);
    private static readonly CharacterSet Numbers = CharacterSet.Of(CharacterClass.Number);
    private static readonly CharacterSet AsciiDigits = CharacterSet.Of(CharacterClass.None, "0-9");
    private static readonly CharacterSet Others = CharacterSet.Not(CharacterClass.White | LetterOrNumber);
    private static readonly CharacterSet EndsOfLine = CharacterSet.Of(CharacterClass.None, "\r\n");
    private static readonly CharacterSet AsciiLetters = CharacterSet.Of(CharacterClass.None, "A-Za-z");

    /// <summary><c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>: GPT-2's.</summary>
    public static Rule[] Gpt2 { get; } =
    [
        new Contraction(ignoreCase: false), new Run(Prefix.Space, Letters), new Run(Prefix.Space, Numbers), new Run(Prefix.Space, Others),
        new Whites(),
    ];

    /// <summary><c>\p{N}</c>.</summary>
    public static Rule[] SingleNumbers { get; } = [new Few(Numbers, most: 1)];

    /// <summary><c>\p{N}{1,3}</c>.</summary>
    public static Rule[] UpToThreeNumbers { get; } = [new Few(Numbers, most: 3)];

    /// <summary><c>[\r\n]</c>.</summary>
    public static Rule[] SingleEndsOfLine { get; } = [new Few(EndsOfLine, most: 1)];

    /// <summary><c>\p{N}+</c>.</summary>
    public static Rule[] RunsOfNumbers { get; } = [new Run(Prefix.None, Numbers)];

    /// <summary><c>[0-9][0-9][0-9]</c>.</summary>
    public static Rule[] ThreeDigits { get; } = [new Few(AsciiDigits, most: 3, least: 3)];

    /// <summary>
    /// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>: Llama 3's.
    /// </summary>
    public static Rule[] Llama3 { get; } = [.. WordsAndNumbers(numbers: 3), new Newlines(), new Whites()];

    /// <summary>As <see cref="Llama3"/>, with <c>\p{N}</c>: Qwen 2's.</summary>
    public static Rule[] Qwen2 { get; } = [.. WordsAndNumbers(numbers: 1), new Newlines(), new Whites()];

    /// <summary>As <see cref="Llama3"/>, with white space by powers of two: Jais 2's.</summary>
    public static Rule[] Jais2 { get; } = [.. WordsAndNumbers(numbers: 3), new Newlines(), new WhitesByPowersOfTwo()];

    /// <summary>
    /// <c>[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+| ... |\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>:
    /// Tekken's, Mistral's.
    /// </summary>
    public static Rule[] Tekken { get; } = TekkenRules(
        new CasedWord(
            upper: CharacterSet.Except(CharacterClass.Letter | CharacterClass.Mark, CharacterClass.Lower),
            lower: CharacterSet.Except(CharacterClass.Letter | CharacterClass.Mark, CharacterClass.Upper)));

    /// <summary>
    /// As <see cref="Tekken"/>, as llama.cpp has it: it knows capitals and small letters in ASCII only, and marks belong to no word.
    /// </summary>
    private static Rule[] TekkenInAscii { get; } = TekkenRules(
        new CasedWord(
            upper: CharacterSet.Except(CharacterClass.Letter, CharacterClass.None, "a-z"),
            lower: CharacterSet.Except(CharacterClass.Letter, CharacterClass.None, "A-Z")));

    /// <summary><c>[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+</c>: Chinese and Japanese, of DeepSeek V3.</summary>
    public static Rule[] DeepSeek3Scripts { get; } =
        [new Run(Prefix.None, CharacterSet.Of(CharacterClass.None, "\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF"))];

    /// <summary>
    /// <c>[!-/:-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>, the first bracket
    /// without letters: DeepSeek V3's.
    /// </summary>
    public static Rule[] DeepSeek3 { get; } =
    [
        new Run(Prefix.AsciiPunctuation, AsciiLetters),
        new Run(Prefix.NoPunctuation, CharacterSet.Of(CharacterClass.Letter | CharacterClass.Mark)),
        new Run(Prefix.Space, CharacterSet.Of(CharacterClass.Punctuation | CharacterClass.Symbol), tail: "\r\n"),
        new Newlines(), new Whites(),
    ];

    /// <summary>The names to tell a user: one for each way to cut words.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "gpt-2", "llama-bpe", "qwen2", "falcon", "jais-2", "tekken", "smollm", "deepseek-llm", "deepseek-coder", "deepseek-v3", Default,
    ];

    /// <summary>A pre-tokenizer by llama.cpp's name for it, and what else follows from the name there.</summary>
    /// <param name="name"><c>tokenizer.ggml.pre</c>.</param>
    /// <returns>Null for a name that is not supported.</returns>
    public static KnownPreTokenizer? Find(string name) => name switch
    {
        Default => new(new([PunctuationRuns("$+<=>^~|")], Gpt2, RunsOfNumbers, ThreeDigits)),
        "gpt-2" or "phi-2" or "jina-es" or "jina-de" or "gigachat" or "a.x-4.0" or "mellum" or "mpt" or "olmo" or "jais" or "trillion"
            or "granite-docling" or "exaone4" => new(new(Gpt2)),
        "llama3" or "llama-v3" or "llama-bpe" or "falcon3" or "falcon-h1" or "pixtral" or "midm-2.0" or "lfm2" =>
            new(new(Llama3), IgnoreMerges: true, AddBeginOfSequence: true),
        "dbrx" or "smaug-bpe" or "chatglm-bpe" or "glm4" => new(new(Llama3)),
        "qwen2" or "deepseek-r1-qwen" or "kormo" or "f2llmv2" or "megrez" or "stablelm2" or "hunyuan" or "solar-open" or "grok-2" =>
            new(new(Qwen2)),
        "falcon" => new(new([PunctuationRuns("$+<=>^~|`")], Gpt2, ThreeDigits)),
        "jais-2" => new(new(Jais2)),
        "tekken" => new(new(TekkenInAscii), IgnoreMerges: true, AddBeginOfSequence: true),
        "smollm" or "starcoder" or "refact" or "command-r" or "codeshell" or "exaone" or "minerva-7b" or "mellum2" =>
            new(new(SingleNumbers, Gpt2)),
        "deepseek-llm" => new(new(
            SingleEndsOfLine,
            [new Run(Prefix.White, DeepSeekSet(DeepSeekLetters))],
            [new Run(Prefix.White, DeepSeekSet(DeepSeekPunctuation))],
            [new WhitesAtEnd()],
            [new Run(Prefix.None, DeepSeekSet(DeepSeekIdeographs))],
            RunsOfNumbers)),
        "deepseek-coder" => new(new(
            SingleEndsOfLine,
            [new Run(Prefix.White, Letters)],
            [new Run(Prefix.White, CharacterSet.Of(CharacterClass.Punctuation))],
            [new Run(Prefix.None, DeepSeekSet(DeepSeekIdeographs))],
            SingleNumbers)),
        "deepseek-v3" or "hunyuan-dense" or "joyai-llm" => new(new(UpToThreeNumbers, DeepSeek3Scripts, DeepSeek3)),
        _ => null,
    };

    private static Rule[] WordsAndNumbers(int numbers) =>
    [
        new Contraction(ignoreCase: true), new Run(Prefix.AnyButNewline, Letters), new Few(Numbers, numbers),
        new Run(Prefix.Space, Others, tail: "\r\n"),
    ];

    private static Rule[] TekkenRules(CasedWord word) =>
        [word, new Few(Numbers, most: 1), new Run(Prefix.Space, Others, tail: "\r\n/"), new Newlines(), new Whites()];

    private static Rule PunctuationRuns(string more) => new Run(Prefix.None, CharacterSet.Of(CharacterClass.Punctuation, more));

    /// <summary>llama.cpp takes white space beyond ASCII for nothing else.</summary>
    private static CharacterSet DeepSeekSet(string list) => CharacterSet.Of(CharacterClass.None, list, whiteInRanges: false);
}

/// <summary>A pre-tokenizer, and what else its name says.</summary>
/// <param name="PreTokenizer">The pre-tokenizer.</param>
/// <param name="IgnoreMerges">Whether a piece that is a token needs no merging.</param>
/// <param name="AddBeginOfSequence">Whether sequences begin with the token for that, where the file says nothing else.</param>
internal sealed record KnownPreTokenizer(PreTokenizer PreTokenizer, bool IgnoreMerges = false, bool AddBeginOfSequence = false);
