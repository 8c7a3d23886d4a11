using System.Diagnostics;
using SparseInfer.Runtime;
using SparseInfer.Sampling;
using SparseInfer.Text;

namespace SparseInfer;

/// <summary>
/// One call's steps. It chooses tokens, and says when something must be computed before the next; who drives it computes, alone or together
/// with others, and lets the sequence have each piece when that is handed out.
/// </summary>
internal sealed class Generation
{
    private readonly Session _session;
    private readonly TokenSequence _sequence;
    private readonly Tokenizer _tokenizer;
    private readonly GenerationOptions _options;
    private readonly int[] _prompt;
    private readonly Sampler _sampler;
    private readonly HeldText _text;
    private readonly int? _logProbs;
    private readonly bool _isWhole;
    private readonly HiddenPool? _hidden;

    /// <summary>Scores of the held tokens.</summary>
    private readonly Queue<TokenScore> _scores = [];
    private readonly CancellationToken _cancellationToken;
    private bool _started;
    private StopReason? _reason;
    private int? _endToken;
    private int _promptTokens;
    private int _generated;
    private int _decoded;
    private long _promptTicks;
    private long _decodeTicks;

    /// <summary>How far it was with the last piece that was handed out.</summary>
    private GenerationProgress _shown;

    /// <summary>Takes a prompt. The sequence gets it with the first step.</summary>
    /// <param name="session">The session; it is taken.</param>
    /// <param name="prompt">Tokens to append; none: the sequence goes on.</param>
    /// <param name="options">Length, sampling, stop strings.</param>
    /// <param name="view">What is shown beside the text; null: nothing.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ArgumentException">There is no token to continue from, or one that is not in the vocabulary.</exception>
    /// <exception cref="InvalidOperationException">There is no tokenizer, or the prompt does not fit.</exception>
    public Generation(Session session, int[] prompt, GenerationOptions options, GenerationView? view, CancellationToken cancellationToken)
    {
        _session = session;
        _sequence = session.Sequence;
        _tokenizer = session.Model.Tokenizer;
        _options = options;
        _cancellationToken = cancellationToken;

        // A model's vocabulary may be padded beyond the tokenizer's: those ids are no text.
        _sampler = new Sampler(options, _tokenizer.VocabularySize);
        view ??= new GenerationView();
        _text = new HeldText(_tokenizer, options.StopStrings, view.Spelled);
        _logProbs = view.LogProbs;
        _isWhole = view.IsWhole;
        _hidden = view.Hidden;
        _prompt = prompt;
        if (_prompt.Length > 0)
        {
            session.RequireRunnable(_prompt);
        }
        else if (_sequence.Position == 0)
        {
            throw new ArgumentException("The prompt is empty, and so is the sequence: give some text.", nameof(prompt));
        }

        _shown = Progress;
    }

    /// <summary>The session.</summary>
    public Session Session => _session;

    /// <summary>Why it ended; null: it goes on.</summary>
    public StopReason? Reason => _reason;

    /// <summary>Whether a step of decoding is what it needs next: <see cref="TryAdvance"/> returned false, and nothing else is left to compute.</summary>
    public bool NeedsDecoding => _started && _sequence.LacksOnlyADecodedToken;

    /// <summary>How it went so far.</summary>
    public GenerationReport Report => ReportOf(Progress);

    private GenerationProgress Progress => new(_sequence.Count, _sequence.Computed, _generated, _decoded, _decodeTicks, _text.Text, _endToken, _reason);

    /// <summary>Computes and advances until there is text to hand out, and hands it out; null: it is over.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public string? Next()
    {
        string text = "";
        while (text.Length == 0 && _reason is null)
        {
            if (TryAdvance(out GenerationPiece piece))
            {
                HandOut(in piece);
                text = piece.Text;
            }
            else
            {
                Compute(_session.Step, TokenSequence.MaxStep);
            }
        }

        return text.Length > 0 ? text : null;
    }

    /// <summary>One step that computes nothing: the prompt joins the sequence, a token is chosen, or the end is found. Not once it is over.</summary>
    /// <param name="piece">What comes of it.</param>
    /// <returns>False: something must be computed first.</returns>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public bool TryAdvance(out GenerationPiece piece)
    {
        long start = Stopwatch.GetTimestamp();
        _session.ThrowIfDisposed();
        bool advanced = true;
        if (_started && (_hidden is null ? _generated == _options.MaxTokens : _sequence.Computed == _sequence.Count))
        {
            piece = End(StopReason.MaxTokens);
        }
        else if (_cancellationToken.IsCancellationRequested)
        {
            piece = End(StopReason.Canceled);
        }
        else if (!_started)
        {
            piece = Start();
        }
        else if (_hidden is null && _sequence.Count == _sequence.Capacity)
        {
            piece = EndOfText(StopReason.ContextFull);
        }
        else if (_sequence.IsComputed)
        {
            piece = Choose();
        }
        else
        {
            piece = default;
            advanced = false;
        }

        _decodeTicks += Stopwatch.GetTimestamp() - start;
        return advanced;
    }

    /// <summary>Computes what comes next: a part of the prompt, or a token.</summary>
    /// <param name="step">How.</param>
    /// <param name="most">Most tokens of a prompt.</param>
    public void Compute(StepOptions step, int most)
    {
        long start = Stopwatch.GetTimestamp();
        int prompt = _hidden is null ? _sequence.ComputeNext(step, [], most) : _hidden.ReadFrom(_sequence, most);
        long ticks = Stopwatch.GetTimestamp() - start;
        if (prompt == 0)
        {
            Decoded(ticks);
            return;
        }

        _promptTokens += prompt;
        _promptTicks += ticks;
    }

    /// <summary>Notes that the step of decoding that it <see cref="NeedsDecoding"/> was computed together with others.</summary>
    /// <param name="ticks">How long that took, for all.</param>
    public void Decoded(long ticks)
    {
        _decoded++;
        _decodeTicks += ticks;
    }

    /// <summary>Lets the sequence have a piece, the next one in order.</summary>
    public void HandOut(in GenerationPiece piece)
    {
        _sequence.HandOut(piece.Tokens);
        _shown = piece.After;
        if (piece.Part is { } part)
        {
            _sequence.DropHeld();
            _sequence.Append(part.AsSpan(0, Math.Min(part.Length, _sequence.Capacity - _sequence.Count)), decoded: false);
            _shown = _shown with { Count = _sequence.Count };
        }
    }

    /// <summary>Ends it, and makes the session what it was with the last piece that was handed out.</summary>
    /// <returns>How it went until then.</returns>
    public GenerationReport EndAtLastPiece()
    {
        _reason = _shown.Reason ?? StopReason.Canceled;
        _sequence.DropAhead(_shown.Count, _shown.Computed);
        return ReportOf(_shown);
    }

    private GenerationPiece Start()
    {
        _started = true;
        if (_prompt.Length > 0)
        {
            _sequence.Append(_prompt, decoded: false);
        }

        _sampler.ContinueFrom(_sequence.Tokens, _sequence.SincePrompt);
        _shown = Progress;
        return TakeHeld();
    }

    /// <summary>What an earlier call chose and held back comes first.</summary>
    private GenerationPiece TakeHeld()
    {
        GenerationPiece all = Piece("", 0);
        foreach (int token in _sequence.Held)
        {
            if (_reason is null)
            {
                GenerationPiece piece = Take(token);
                all = piece with { Text = all.Text + piece.Text, Tokens = all.Tokens + piece.Tokens, Scores = all.Scores is null ? null : [.. all.Scores, .. piece.Scores!] };
            }
        }

        return all;
    }

    /// <summary>The next token. Where it is simply the most probable one, the device may know it, and the logits stay there.</summary>
    private GenerationPiece Choose()
    {
        int vocabulary = _tokenizer.VocabularySize;
        int token = _sampler.IsPlainGreedy && _logProbs is null && _session.State.TryGreedy(vocabulary, out int greedy)
            ? greedy
            : _sampler.Sample(_session.State.LastLogits[..vocabulary]);
        if (!_options.IgnoreEndOfSequence && _tokenizer.IsEndOfGeneration(token))
        {
            _endToken = token;
            return EndOfText(StopReason.EndOfSequence);
        }

        if (_logProbs is { } top)
        {
            _scores.Enqueue(LogProbabilities.Of(_session.State.LastLogits[..vocabulary], token, top));
        }

        _generated++;
        _sequence.Hold(token);
        return Take(token);
    }

    /// <summary>A held token's text, and that of those before it, as far as it can be handed out.</summary>
    private GenerationPiece Take(int token)
    {
        (int tokens, string text) = _text.Append(token);
        if (!_text.IsStopped)
        {
            return Piece(text, tokens);
        }

        // The text before a stop string may end inside a token. That part is handed out, so it takes the token's place.
        string part = _text.Flush();
        _reason = StopReason.StopString;
        return Piece(text + part, tokens) with { Part = _tokenizer.Encode(part, addBeginOfSequence: false, continuesText: true) };
    }

    /// <summary>Nothing can follow, so that nothing is held back any more.</summary>
    private GenerationPiece EndOfText(StopReason reason)
    {
        _reason = reason;
        int tokens = _text.Tokens;
        return Piece(_text.Flush(), tokens);
    }

    private GenerationPiece End(StopReason reason)
    {
        _reason = reason;
        if (!_isWhole || reason == StopReason.Canceled)
        {
            return Piece("", 0);
        }

        (int tokens, string text) = _text.Release();
        return Piece(text, tokens);
    }

    private GenerationPiece Piece(string text, int tokens) => new(text, tokens, Part: null, Scores(tokens), Progress);

    private TokenScore[]? Scores(int tokens)
    {
        if (_logProbs is null)
        {
            return null;
        }

        // What an earlier call had chosen was not scored.
        var scores = new TokenScore[Math.Min(tokens, _scores.Count)];
        for (int i = 0; i < scores.Length; i++)
        {
            scores[i] = _scores.Dequeue();
        }

        return scores;
    }

    private GenerationReport ReportOf(in GenerationProgress progress) => new(
        _promptTokens, progress.Generated, progress.Decoded, Time(_promptTicks), Time(progress.DecodeTicks), progress.Reason ?? StopReason.Canceled)
    {
        HeldText = progress.HeldText,
        EndToken = progress.EndToken,
        StopString = progress.Reason == StopReason.StopString ? _text.StoppedBy : null,
    };

    private static TimeSpan Time(long ticks) => Stopwatch.GetElapsedTime(0, ticks);
}
