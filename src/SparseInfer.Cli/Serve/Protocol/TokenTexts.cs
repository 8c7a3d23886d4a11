using System.Globalization;
using System.Text;
using System.Text.Unicode;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>Tokens and their probabilities, as clients read them.</summary>
internal static class TokenTexts
{
    /// <summary>JSON has no infinity: a token that has no probability has OpenAI's.</summary>
    private const double Least = -9999;

    /// <summary>For a conversation; null: none were asked for.</summary>
    public static ChatLogProbs? OfChat(IReadOnlyList<TokenLogProb> tokens, bool wanted) => !wanted ? null : new([.. tokens.Select(Of)], null);

    /// <summary>For a text.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="offset">Where the first of them begins, in characters; moved past them.</param>
    public static CompletionLogProbs OfCompletion(IReadOnlyList<TokenLogProb> tokens, ref int offset)
    {
        var top = new List<IReadOnlyDictionary<string, double>>();
        var offsets = new List<int>();
        foreach (TokenLogProb token in tokens)
        {
            // Of several tokens with one text the first one is the likeliest.
            var texts = new Dictionary<string, double>();
            foreach (TokenProbability other in (IEnumerable<TokenProbability>)[.. token.Top, token.Chosen])
            {
                texts.TryAdd(Escaped(other.Bytes.Span), Finite(other.LogProb));
            }

            top.Add(texts);
            offsets.Add(offset);
            offset += CharactersIn(token.Chosen.Bytes.Span);
        }

        return new([.. tokens.Select(token => Escaped(token.Chosen.Bytes.Span))], [.. tokens.Select(token => Finite(token.Chosen.LogProb))], top, offsets);
    }

    /// <summary>A token's text; bytes that are only a part of a character as <c>\xNN</c>.</summary>
    public static string Escaped(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            return Encoding.UTF8.GetString(bytes);
        }

        var text = new StringBuilder("bytes:");
        foreach (byte part in bytes)
        {
            text.Append(CultureInfo.InvariantCulture, $"\\x{part:x2}");
        }

        return text.ToString();
    }

    private static TokenReply Of(TokenLogProb token) => new(
        Escaped(token.Chosen.Bytes.Span), Finite(token.Chosen.LogProb), Bytes(token.Chosen),
        [.. token.Top.Select(other => new TopTokenReply(Escaped(other.Bytes.Span), Finite(other.LogProb), Bytes(other)))]);

    private static int[] Bytes(TokenProbability token)
    {
        var bytes = new int[token.Bytes.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = token.Bytes.Span[i];
        }

        return bytes;
    }

    private static double Finite(double logProb) => double.IsFinite(logProb) ? logProb : Least;

    /// <summary>Characters that begin in these bytes.</summary>
    private static int CharactersIn(ReadOnlySpan<byte> bytes)
    {
        int count = 0;
        foreach (byte part in bytes)
        {
            count += (part & 0xC0) != 0x80 ? 1 : 0;
        }

        return count;
    }
}
