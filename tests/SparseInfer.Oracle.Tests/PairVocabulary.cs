using SparseInfer.Files;

namespace SparseInfer.Oracle.Tests;

/// <summary>
/// A byte-level vocabulary that shows where a text was cut: any two bytes side by side merge, so a cut between them changes the tokens. Some threes
/// are tokens that no merges lead to, which shows whether merges are passed over.
/// </summary>
internal static class PairVocabulary
{
    private static readonly string[] Bytes = MakeBytes();

    /// <summary>UTF-8 has no others.</summary>
    private static readonly Lazy<(string[] Tokens, string[] Merges)> OfUnicode = new(() => Make([.. Bytes.Where((_, value) => value is not (0xC0 or 0xC1 or > 0xF4))]));

    private static readonly Lazy<(string[] Tokens, string[] Merges)> OfAscii = new(() => Make(Bytes[..128]));

    /// <summary>Writes a GGUF file with the vocabulary and nothing else.</summary>
    /// <param name="path">Where.</param>
    /// <param name="pre">The pre-tokenizer's name.</param>
    /// <param name="onlyAscii">Whether pairs are ASCII's alone: a file that both read in a tenth of the time.</param>
    public static string Save(string path, string pre, bool onlyAscii = false)
    {
        (string[] tokens, string[] merges) = (onlyAscii ? OfAscii : OfUnicode).Value;
        var writer = new GgufWriter();
        writer.Add("general.architecture", "llama");
        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.pre", pre);
        writer.Add("tokenizer.ggml.tokens", tokens);
        writer.Add("tokenizer.ggml.token_type", [.. tokens.Select((_, token) => (tokens.Length - token) switch { 1 => 4, 2 or 3 => 3, _ => 1 })]);
        writer.Add("tokenizer.ggml.merges", merges);
        writer.Add("tokenizer.ggml.bos_token_id", (uint)tokens.Length - 3);
        writer.Add("tokenizer.ggml.eos_token_id", (uint)tokens.Length - 2);
        writer.Save(path);
        return path;
    }

    private static (string[] Tokens, string[] Merges) Make(string[] bytes)
    {
        // Which of two overlapping pairs merges must not follow from their bytes.
        string[] merges = [.. bytes.SelectMany(first => bytes.Select(second => $"{first} {second}"))];
        var random = new Random(29);
        random.Shuffle(merges);
        string[] ascii = Bytes[..128];
        string[] threes = [.. Enumerable.Range(0, 4000).Select(_ => string.Concat(random.GetItems(ascii, 3))).Distinct()];
        string[] pairs = [.. merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal))];
        return ([.. Bytes, .. pairs, .. threes, "<|begin|>", "<|end|>", "<tool>"], merges);
    }

    /// <summary>GPT-2's: what can be seen stands for itself, the other bytes for the characters from 256 on.</summary>
    private static string[] MakeBytes()
    {
        char next = (char)256;
        return [.. Enumerable.Range(0, 256).Select(value => (value is (> ' ' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)value : next++).ToString())];
    }
}
