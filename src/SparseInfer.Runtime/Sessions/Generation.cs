using System.Diagnostics;
using SparseInfer.Runtime;
using SparseInfer.Sampling;
using SparseInfer.Text;

namespace SparseInfer;

/// <summary>
/// One call's loop. Tokens are computed when the next piece is asked for and never ahead of it, so that the sequence is what was handed out.
/// </summary>
internal sealed class Generation
{
    private readonly Session _session;
    private readonly TokenSequence _sequence;
    private readonly DecoderState _state;
    private readonly Tokenizer _tokenizer;
    private readonly GenerationOptions _options;
    private readonly Sampler _sampler;
    private readonly HeldText _text;
    private readonly CancellationToken _cancellationToken;
    private bool _started;
    private StopReason? _reason;
    private int? _endToken;
    private int _promptTokens;
    private int _generated;
    private int _decoded;
    private long _ticks;
    private long _promptTicks;

    /// <summary>The start of what comes next: the prompt's tokens join the sequence, unless the call is canceled already.</summary>
    /// <exception cref="ArgumentException">There is no token to continue from.</exception>
    /// <exception cref="InvalidOperationException">The prompt does not fit.</exception>
    public Generation(
        Session session, TokenSequence sequence, DecoderState state, Tokenizer tokenizer, string prompt, GenerationOptions options,
        CancellationToken cancellationToken)
    {
        _session = session;
        _sequence = sequence;
        _state = state;
        _tokenizer = tokenizer;
        _options = options;
        _cancellationToken = cancellationToken;

        // A model's vocabulary may be padded beyond the tokenizer's: those ids are no text.
        _sampler = new Sampler(options, tokenizer.VocabularySize);
        _text = new HeldText(tokenizer, options.StopStrings);
        bool continues = sequence.Position > 0;
        int[] tokens = tokenizer.Encode(prompt, addBeginOfSequence: !continues, continuesText: continues);
        if (tokens.Length > 0)
        {
            session.RequireRunnable(tokens);
        }
        else if (!continues)
        {
            throw new ArgumentException("The prompt is empty, and so is the sequence: give some text.", nameof(prompt));
        }

        if (cancellationToken.IsCancellationRequested)
        {
            _reason = StopReason.Canceled;
            return;
        }

        if (tokens.Length > 0)
        {
            sequence.Append(tokens, decoded: false);
        }

        _sampler.ContinueFrom(sequence.Tokens, sequence.SincePrompt);
    }

    /// <summary>How it went so far.</summary>
    public GenerationReport Report => new(
        _promptTokens, _generated, _decoded, Time(_promptTicks), Time(_ticks - _promptTicks), _reason ?? StopReason.Canceled)
    {
        HeldText = _text.Text,
        EndToken = _endToken,
    };

    /// <summary>The next piece; null: it is over.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public string? Next()
    {
        long start = Stopwatch.GetTimestamp();
        string piece = _started || _reason is not null ? "" : TakeHeld();
        while (piece.Length == 0 && _reason is null)
        {
            piece = Advance();
        }

        _ticks += Stopwatch.GetTimestamp() - start;
        return piece.Length > 0 ? piece : null;
    }

    /// <summary>What an earlier call chose and held back comes first.</summary>
    private string TakeHeld()
    {
        _started = true;
        string piece = "";
        foreach (int token in _sequence.Held.ToArray())
        {
            if (_reason is null)
            {
                piece += Take(token);
            }
        }

        return piece;
    }

    /// <summary>One step: a token is chosen, or something is computed for it.</summary>
    private string Advance()
    {
        _session.ThrowIfDisposed();
        if (_generated == _options.MaxTokens)
        {
            _reason = StopReason.MaxTokens;
            return "";
        }

        if (_cancellationToken.IsCancellationRequested)
        {
            _reason = StopReason.Canceled;
            return "";
        }

        if (_sequence.Count == _sequence.Capacity)
        {
            return End(StopReason.ContextFull);
        }

        if (!_sequence.IsComputed)
        {
            Compute();
            return "";
        }

        int token = Choose();
        if (!_options.IgnoreEndOfSequence && _tokenizer.IsEndOfGeneration(token))
        {
            _endToken = token;
            return End(StopReason.EndOfSequence);
        }

        _generated++;
        _sequence.Hold(token);
        return Take(token);
    }

    private void Compute()
    {
        long start = Stopwatch.GetTimestamp();
        int prompt = _sequence.ComputeNext(_session.Step, []);
        if (prompt == 0)
        {
            _decoded++;
            return;
        }

        _promptTokens += prompt;
        _promptTicks += Stopwatch.GetTimestamp() - start;
    }

    /// <summary>The next token. Where it is simply the most probable one, the device may know it, and the logits stay there.</summary>
    private int Choose()
    {
        int vocabulary = _tokenizer.VocabularySize;
        return _sampler.IsPlainGreedy && _state.TryGreedy(vocabulary, out int token)
            ? token
            : _sampler.Sample(_state.LastLogits[..vocabulary]);
    }

    /// <summary>Hands out a held token, and those before it, as far as its text can be.</summary>
    private string Take(int token)
    {
        (int tokens, string piece) = _text.Append(token);
        _sequence.HandOut(tokens);
        if (!_text.IsStopped)
        {
            return piece;
        }

        // The text before a stop string may end inside a token. That part is handed out, so it takes the token's place.
        string part = _text.Flush();
        int[] rest = _tokenizer.Encode(part, addBeginOfSequence: false, continuesText: true);
        _sequence.DropHeld();
        _sequence.Append(rest.AsSpan(0, Math.Min(rest.Length, _sequence.Capacity - _sequence.Count)), decoded: false);
        _reason = StopReason.StopString;
        return piece + part;
    }

    /// <summary>Nothing can follow, so that nothing is held back any more.</summary>
    private string End(StopReason reason)
    {
        _reason = reason;
        _sequence.HandOut(_sequence.Held.Length);
        return _text.Flush();
    }

    private static TimeSpan Time(long ticks) => Stopwatch.GetElapsedTime(0, ticks);
}
