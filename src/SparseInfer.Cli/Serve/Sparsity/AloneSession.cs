using SparseInfer.Sampling;
using SparseInfer.Text;

namespace SparseInfer.Cli.Serve.Sparsity;

/// <summary>
/// An answer that is computed apart from the server's batch, token by token, so that somebody can look at each. It is the answer that the server gives to the
/// same request with the same seed.
/// </summary>
internal sealed class AloneSession : IDisposable
{
    /// <summary>Tokens of a prompt between two looks at whether it was canceled.</summary>
    private const int Slice = 256;

    private readonly LanguageModel _model;
    private readonly GenerationOptions _options;
    private readonly int[] _prompt;
    private readonly Sampler _sampler;
    private readonly TokenStream _stream;
    private readonly StopStringMatcher _stops;
    private readonly List<int> _tokens = [];
    private int _next;

    /// <summary>Opens a session. Nothing is computed before <see cref="ReadPrompt"/>.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">The prompt's tokens; at least one.</param>
    /// <param name="options">Length, sampling, stop strings.</param>
    /// <param name="mode">What is skipped.</param>
    /// <param name="cacheType">How keys and values are stored; null: as the device prefers.</param>
    /// <param name="maxContext">Most tokens of prompt and answer together.</param>
    /// <exception cref="InsufficientMemoryException">There is no memory for it.</exception>
    public AloneSession(LanguageModel model, int[] prompt, GenerationOptions options, SparsityMode mode, KeyValueType? cacheType, int maxContext)
    {
        _model = model;
        _prompt = prompt;
        _options = options;
        int vocabulary = model.Tokenizer.VocabularySize;
        _sampler = new(options, vocabulary);
        _stream = model.Tokenizer.CreateStream();
        _stops = new(options.StopStrings);
        foreach (int token in prompt.Where(token => token < vocabulary))
        {
            _sampler.Accept(token);
        }

        int room = (int)Math.Min(maxContext, (long)prompt.Length + options.MaxTokens);
        Session = model.CreateSession(new() { Mode = mode, Context = room, CacheType = cacheType });
    }

    public Session Session { get; }

    /// <summary>Tokens chosen so far, without one that ended the text.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>The draws' seed.</summary>
    public ulong Seed => _sampler.Seed;

    /// <summary>Why it ended, in the words of the API; null: it goes on.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>Computes the prompt as all prompts are, and chooses the first token.</summary>
    /// <returns>The first token's text.</returns>
    public string ReadPrompt(CancellationToken cancellationToken)
    {
        for (int from = 0; from < _prompt.Length; from += Slice)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadOnlySpan<int> part = _prompt.AsSpan(from, Math.Min(Slice, _prompt.Length - from));
            if (part.Length > 1)
            {
                _next = Choose(Session.Forward(part), isLast: from + part.Length == _prompt.Length);
            }
            else
            {
                // One token by itself would be decoded.
                float[] logits = new float[_model.Shape.Vocabulary];
                Session.Forward(part, logits);
                _next = Choose(logits, isLast: true);
            }
        }

        return Take();
    }

    /// <summary>Decodes the token that was chosen last, and chooses the next. Not once it has ended.</summary>
    /// <returns>The next token's text; empty inside a character.</returns>
    public string Decode()
    {
        _next = Choose(Session.Forward([_next]), isLast: true);
        return Take();
    }

    public void Dispose() => Session.Dispose();

    private int Choose(ReadOnlySpan<float> logits, bool isLast) => isLast ? _sampler.Sample(logits[.._model.Tokenizer.VocabularySize]) : 0;

    private string Take()
    {
        if (!_options.IgnoreEndOfSequence && _model.Tokenizer.IsEndOfGeneration(_next))
        {
            FinishReason = "stop";
            return _stops.Append(_stream.Flush()) + _stops.Flush();
        }

        _tokens.Add(_next);
        string text = _stops.Append(_stream.Append(_next));
        if (_stops.StoppedBy is not null)
        {
            FinishReason = "stop";
        }
        else if (_tokens.Count == _options.MaxTokens || Session.Position == Session.Context)
        {
            FinishReason = "length";
            text += _stops.Append(_stream.Flush()) + _stops.Flush();
        }

        return text;
    }
}
