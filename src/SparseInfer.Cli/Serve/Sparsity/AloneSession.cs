using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Sparsity;

/// <summary>
/// An answer that is computed apart from the server's batch, token by token, so that somebody can look at each. It is the answer that the server gives to the
/// same request with the same seed, and is counted as one.
/// </summary>
internal sealed class AloneSession : IDisposable
{
    private readonly ModelService _service;
    private readonly GenerationOptions _options;
    private readonly int[] _prompt;
    private readonly AnswerClock _clock = new();
    private readonly List<int> _tokens = [];
    private readonly int _slice;
    private Generation? _generation;
    private bool _isFailed;

    /// <summary>Opens a session. Nothing is computed before <see cref="ReadPromptAsync"/>.</summary>
    /// <param name="service">Whose answer it is.</param>
    /// <param name="prompt">The prompt's tokens; at least one.</param>
    /// <param name="options">Length, sampling, stop strings; with a seed.</param>
    /// <param name="mode">What is skipped.</param>
    /// <exception cref="InsufficientMemoryException">There is no memory for it.</exception>
    public AloneSession(ModelService service, int[] prompt, GenerationOptions options, SparsityMode mode)
    {
        _service = service;
        _prompt = prompt;
        _options = options;
        _slice = new SchedulerOptions { PromptSlice = service.Options.PromptSlice }.PromptSliceOn(service.Model.Device);
        int room = (int)Math.Min(service.Context, (long)prompt.Length + options.MaxTokens);
        service.Totals.Took();
        try
        {
            Session = service.Model.CreateSession(new() { Mode = mode, Context = room, CacheType = service.Options.CacheType });
        }
        catch
        {
            service.Totals.Failed();
            throw;
        }
    }

    /// <summary>What computes it. Between steps it can be metered and looked at.</summary>
    public Session Session { get; }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptLength => _prompt.Length;

    /// <summary>Tokens chosen so far, without one that ended the text.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>How it went; null: it goes on.</summary>
    public ServiceReport? Report { get; private set; }

    /// <summary>Computes the prompt as all prompts are, in parts, and chooses the first token.</summary>
    /// <param name="pace">When a part's time has come.</param>
    /// <param name="cancellationToken">Ends the answer after the current step.</param>
    /// <returns>The text so far; empty inside a character, and where it may begin a stop string.</returns>
    /// <exception cref="OperationCanceledException">It was canceled.</exception>
    public async Task<string> ReadPromptAsync(Pace pace, CancellationToken cancellationToken)
    {
        _clock.Begin();
        _service.Totals.Began(_prompt.Length, cachedTokens: 0);
        _generation = Session.Begin(_prompt, _options, new GenerationView { IsWhole = true }, cancellationToken);
        Session.Leave();
        string text = "";
        while (_tokens.Count == 0 && Report is null)
        {
            int most = pace.HasOthers ? _slice : TokenSequence.MaxStep;
            text += await pace.RunAsync(() => Step(most), cancellationToken);
        }

        return text;
    }

    /// <summary>Decodes the token that was chosen last, and chooses the next. Not once it has ended.</summary>
    /// <returns>What it adds to the text, and what was held back before.</returns>
    /// <exception cref="OperationCanceledException">It was canceled.</exception>
    public string Decode() => Step(most: 1);

    /// <summary>What the layers did in the last step, where the session was metered and its meters set to zero before it; whether its token's text is shown yet or not.</summary>
    public IEnumerable<LayerMetrics> ReadStep() =>
        Enumerable.Range(0, _service.Model.Shape.Layers).Select(layer => new LayerMetrics(layer, Session.State.ReadTally(layer), _service.Model.Shape.ActiveNeurons));

    /// <summary>Frees the session. An answer that has not ended counts as one that its reader left, or that failed.</summary>
    public void Dispose()
    {
        if (Report is null)
        {
            (_isFailed ? (Action)_service.Totals.Failed : _service.Totals.Canceled)();
        }

        Session.Dispose();
    }

    private string Step(int most)
    {
        Session.Enter();
        try
        {
            string text = Advance();
            if (Report is null)
            {
                _generation!.Compute(Session.Step, most);
                text += Advance();
            }

            return text;
        }
        catch (Exception exception)
        {
            _isFailed = exception is not OperationCanceledException;
            throw;
        }
        finally
        {
            Session.Leave();
        }
    }

    /// <summary>Goes on until something must be computed, or it has ended.</summary>
    private string Advance()
    {
        string text = "";
        while (_generation!.Reason is null && _generation.TryAdvance(out GenerationPiece piece))
        {
            if (piece.After.Generated > _tokens.Count)
            {
                _tokens.Add(Session.Sequence.Tokens[^1]);
                _service.Totals.Generated(1);
                _clock.Arrived();
            }

            _generation.HandOut(in piece);
            text += piece.Text;
        }

        if (_generation.Reason is { } reason)
        {
            End(reason);
        }

        return text;
    }

    private void End(StopReason reason)
    {
        if (reason == StopReason.Canceled)
        {
            throw new OperationCanceledException();
        }

        GenerationReport report = _generation!.Report;
        _service.Totals.Ended(report.PromptTime, report.DecodeTime);
        _service.Totals.Answered();
        Report = _clock.ReportOf(ModelService.Reason(reason, calls: 0), report, _prompt.Length, cached: 0, _options.Seed!.Value);
    }
}
