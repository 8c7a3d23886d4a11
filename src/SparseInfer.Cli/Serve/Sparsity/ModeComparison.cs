using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace SparseInfer.Cli.Serve.Sparsity;

/// <summary>
/// One prompt in the three modes: tokens a second, the median of turns of some tokens, so that a machine that becomes slower meanwhile does so for all; then what
/// was computed, counted on the same tokens apart from the time.
/// </summary>
/// <param name="running">How many answers the server computes beside this one.</param>
internal sealed class ModeComparison(Func<int> running)
{
    /// <summary>Tokens of a turn. A mode's first turn warms up, and its last may be shorter: these are not timed.</summary>
    public const int Turn = 8;

    private const int Counted = 16;

    /// <summary>Measures.</summary>
    /// <param name="sessions">A session of each mode, of one prompt, that has computed nothing yet.</param>
    /// <param name="cancellationToken">Ends it after the current turn.</param>
    /// <returns>After each turn how far its mode is, and in the end each mode once more, with what was counted.</returns>
    public async IAsyncEnumerable<ModeProgress> RunAsync(
        IReadOnlyList<(SparsityMode Mode, AloneSession Session)> sessions, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Measured[] all = [.. sessions.Select(pair => new Measured(pair.Mode, pair.Session))];
        var pace = new Pace(running);
        while (all.Any(one => one.Session.Report is null))
        {
            foreach (Measured one in all.Where(one => one.Session.Report is null))
            {
                cancellationToken.ThrowIfCancellationRequested();
                await one.TakeTurnAsync(pace, cancellationToken);
                yield return one.Progress(pace.Others);
            }
        }

        int others = pace.Others;
        foreach (Measured one in all)
        {
            await pace.RunAsync(() => one.Count(cancellationToken), cancellationToken);
            yield return one.Progress(others) with { DiffersAt = FirstDifference(all[0].Session.Tokens, one.Session.Tokens) };
        }
    }

    private static int? FirstDifference(IReadOnlyList<int> tokens, IReadOnlyList<int> others)
    {
        int same = tokens.Zip(others).TakeWhile(pair => pair.First == pair.Second).Count();
        return same == tokens.Count && same == others.Count ? null : same;
    }

    private sealed class Measured(SparsityMode mode, AloneSession session)
    {
        private string _text = "";
        private bool _isWarm;
        private readonly List<double> _speeds = [];
        private int _timed;
        private ModeCounts? _counts;

        public AloneSession Session => session;

        /// <summary>The prompt and the first tokens, or the next ones, whose time is taken.</summary>
        public async Task TakeTurnAsync(Pace pace, CancellationToken cancellationToken)
        {
            if (session.Tokens.Count == 0)
            {
                _text += await session.ReadPromptAsync(pace, cancellationToken);
            }

            _text += await pace.RunAsync(() => TakeTurn(cancellationToken), cancellationToken);
        }

        /// <summary>Decodes the first tokens again, and counts.</summary>
        /// <returns>What was counted; null: nothing, as of an answer that ended at once.</returns>
        public ModeCounts? Count(CancellationToken cancellationToken)
        {
            session.Session.Rewind(session.PromptLength);
            session.Session.ResetMetrics();
            session.Session.Metering = true;
            foreach (int token in session.Tokens.Take(Math.Min(Counted, session.Session.Context - session.PromptLength)))
            {
                cancellationToken.ThrowIfCancellationRequested();
                session.Session.Forward([token]);
            }

            return _counts = ModeCounts.Of(session.Session.ReadMetrics(), mode);
        }

        public ModeProgress Progress(int others) => new(
            mode.ToString().ToLowerInvariant(), _text, session.Tokens.Count, _timed, Median(), others, _counts, null);

        private string TakeTurn(CancellationToken cancellationToken)
        {
            string text = "";
            long start = Stopwatch.GetTimestamp();
            int tokens = 0;
            for (; tokens < Turn && session.Report is null; tokens++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                text += session.Decode();
            }

            if (_isWarm && tokens == Turn)
            {
                _speeds.Add(tokens / Stopwatch.GetElapsedTime(start).TotalSeconds);
                _timed += tokens;
            }

            _isWarm = true;
            return text;
        }

        /// <summary>A turn that another program disturbed is no measure of a mode.</summary>
        private double? Median()
        {
            double[] ordered = [.. _speeds.Order()];
            return ordered.Length == 0 ? null : (ordered[(ordered.Length - 1) / 2] + ordered[ordered.Length / 2]) / 2;
        }
    }
}

/// <summary>How far a mode is. Properties' names, in snake case, are those of the output.</summary>
/// <param name="Mode">The mode.</param>
/// <param name="Text">Its answer so far.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Timed">Of these, the ones whose time was taken.</param>
/// <param name="TokensPerSecond">How fast these were; null: none yet.</param>
/// <param name="Others">The most answers that the server was seen to compute beside it.</param>
/// <param name="Counts">What was computed; null: not counted yet.</param>
/// <param name="DiffersAt">The first token that is not the first mode's; null: none, or it is not known yet.</param>
internal sealed record ModeProgress(string Mode, string Text, int Tokens, int Timed, double? TokensPerSecond, int Others, ModeCounts? Counts, int? DiffersAt);

/// <summary>What a mode computes of the feed-forwards for a token, on average over layers.</summary>
/// <param name="Computed">Share of neurons all of whose rows are read.</param>
/// <param name="Unread">Share that a predictor skips before any row is read.</param>
/// <param name="BytesPerToken">Bytes of weights and of predictors' data.</param>
internal sealed record ModeCounts(double Computed, double Unread, double BytesPerToken)
{
    /// <summary>Of metered layers; null: nothing was counted, as of an answer that ended at once.</summary>
    public static ModeCounts? Of(IReadOnlyList<LayerMetrics> layers, SparsityMode mode)
    {
        if (layers.Any(layer => layer.Tokens == 0))
        {
            return null;
        }

        double unread = layers.Average(layer => layer.PredictedSparsity);
        double active = layers.Average(layer => 1 - layer.ActualSparsity - (double.IsNaN(layer.Precision) ? 0 : layer.PredictedSparsity * (1 - layer.Precision)));
        return new(mode == SparsityMode.Dense ? 1 : active, unread, layers.Sum(layer => layer.BytesPerToken));
    }
}
