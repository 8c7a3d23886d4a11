using System.Threading.Channels;
using SparseInfer.Sampling;
using SparseInfer.Text;

namespace SparseInfer.Serving;

/// <summary>Makes pieces of what is generated for a request: text, calls of tools, log-probabilities.</summary>
/// <param name="prompt">The prompt's tokens.</param>
/// <param name="reader">What finds calls.</param>
/// <param name="tokenizer">What tokens are.</param>
/// <param name="pieces">Where pieces go.</param>
internal sealed class AnswerWriter(int[] prompt, AnswerReader reader, Tokenizer tokenizer, ChannelWriter<ServicePiece> pieces)
{
    private readonly List<AnswerPart> _parts = [];

    /// <summary>Scores that have gone with no piece yet.</summary>
    private List<TokenLogProb> _tokens = [];

    /// <summary>Calls that were found.</summary>
    public int Calls { get; private set; }

    /// <summary>Takes what was generated next.</summary>
    public void Write(in GenerationPiece piece)
    {
        foreach (TokenScore score in piece.Scores ?? [])
        {
            _tokens.Add(Public(score));
        }

        reader.Append(piece.Text, _parts);
        WriteParts();
    }

    /// <summary>Ends the answer, but for its last piece.</summary>
    public void Flush()
    {
        reader.Flush(_parts);
        WriteParts();
    }

    /// <summary>Writes the last piece.</summary>
    public void End(ServiceReport report) => Write("", call: null, reasoning: "", report);

    private void WriteParts()
    {
        foreach (AnswerPart part in _parts)
        {
            Write(part.Text, part.Call is { } call ? call with { Id = CallIds.Of(prompt, Calls++, call) } : null, part.Reasoning, report: null);
        }

        _parts.Clear();
    }

    private void Write(string text, ChatToolCall? call, string reasoning, ServiceReport? report)
    {
        // Nobody bounds the channel: an answer is a sequence at most.
        pieces.TryWrite(new ServicePiece(text, _tokens.Count > 0 ? _tokens : [], call, report) { Reasoning = reasoning });
        _tokens = _tokens.Count > 0 ? [] : _tokens;
    }

    private TokenLogProb Public(TokenScore score) => new(
        Public(score.Token, score.LogProb), [.. score.Top.Select((token, i) => Public(token, score.TopLogProbs[i]))]);

    private TokenProbability Public(int token, double logProb) => new(token, tokenizer.GetBytes(token).ToArray(), logProb);
}
