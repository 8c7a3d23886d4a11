using System.Globalization;
using System.Text;
using SparseInfer.Cli.Bench;
using static System.FormattableString;

namespace SparseInfer.Cli.Run;

/// <summary>How an answer went: what the box after it says. Properties' names, in snake case, are those of the output.</summary>
internal sealed record AnswerReport
{
    public required string Model { get; init; }

    public required string Device { get; init; }

    public required string Policies { get; init; }

    public required SparsityMode Mode { get; init; }

    /// <summary>Seconds of compiling; null: it was compiled before.</summary>
    public double? CompileSeconds { get; init; }

    public double LoadSeconds { get; init; }

    public int PromptTokens { get; init; }

    public double PromptTokensPerSecond { get; init; }

    public int GeneratedTokens { get; init; }

    public double TokensPerSecond { get; init; }

    public string Stop { get; init; } = "";

    /// <summary>Bytes of the process.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>Tokens of the answer that the lines on sparsity were counted on, computed once more; 0: none were.</summary>
    public int CountedTokens { get; init; }

    /// <summary>Share of neurons that were inactive, of the counted tokens.</summary>
    public double? SparsityTrue { get; init; }

    /// <summary>Share that a predictor skipped unread.</summary>
    public double? SparsityPredicted { get; init; }

    /// <summary>Bytes of weights that a token read, of those that the dense model reads.</summary>
    public double? BytesOfDense { get; init; }

    public double? BytesPerToken { get; init; }

    /// <summary>Reads a session after an answer.</summary>
    /// <param name="loaded">The model.</param>
    /// <param name="session">The session, which goes back to where it is.</param>
    /// <param name="generation">How the answer went.</param>
    /// <param name="cancellationToken">Ends the counting.</param>
    public static AnswerReport Of(LoadedModel loaded, Session session, GenerationReport generation, CancellationToken cancellationToken)
    {
        (int counted, Activity? activity, double dense) = Count(loaded, session, generation, cancellationToken);
        double? bytes = activity is null ? null : loaded.Cost.BytesPerToken(activity);
        return new()
        {
            Model = loaded.Declaration.Name,
            Device = loaded.Model.Device.Description,
            Policies = string.Join(", ", loaded.Declaration.PolicyAttributes),
            Mode = session.Mode,
            CompileSeconds = loaded.CompileSeconds,
            LoadSeconds = loaded.LoadSeconds,
            PromptTokens = generation.PromptTokens,
            PromptTokensPerSecond = generation.PromptTime > TimeSpan.Zero ? generation.PromptTokens / generation.PromptTime.TotalSeconds : 0,
            GeneratedTokens = generation.GeneratedTokens,
            TokensPerSecond = generation.TokensPerSecond,
            Stop = generation.Reason.ToString(),
            MemoryBytes = Machine.ResidentMemory,
            CountedTokens = counted,
            SparsityTrue = activity?.SparsityTrue,
            SparsityPredicted = activity?.SparsityPredicted,
            BytesPerToken = bytes,
            BytesOfDense = bytes / dense,
        };
    }

    /// <summary>For people, in a box.</summary>
    public string Text()
    {
        var lines = new List<(string Name, string Value)>
        {
            ("model", Model),
            ("device", Device),
            ("policies", $"{Policies}; {Mode.ToString().ToLowerInvariant()} mode"),
            ("load", Invariant($"{LoadSeconds:0.00} s") + (CompileSeconds is { } compile ? Invariant($", compiled in {compile:0.00} s, the first time only") : "")),
            ("prompt", Invariant($"{PromptTokens} tokens, {PromptTokensPerSecond:0.0} a second")),
            ("decode", Invariant($"{GeneratedTokens} tokens, {TokensPerSecond:0.0} a second; ended by {Stop}")),
            ("memory", Invariant($"{MemoryBytes / 1e6:0} MB")),
        };
        if (CountedTokens > 0)
        {
            lines.Add(("sparsity", Invariant($"{SparsityTrue:0.0%} inactive") + (SparsityPredicted is { } predicted ? Invariant($", {predicted:0.0%} skipped unread") : "") + Invariant($", on {CountedTokens} tokens")));
            lines.Add(("weights", Invariant($"{BytesPerToken / 1e6:0.00} MB a token, {BytesOfDense:0.0%} of dense")));
        }

        int width = Math.Min(100, lines.Max(line => Width(line.Value)));
        var text = new StringBuilder();
        text.Append('┌').Append('─', width + 12).Append("┐\n");
        foreach ((string name, string value) in lines)
        {
            string shown = Width(value) <= width ? value : string.Concat(value.AsSpan(0, width - 1), "…");
            text.Append(CultureInfo.InvariantCulture, $"│ {name,-9} {shown}").Append(' ', width - Width(shown)).Append(" │\n");
        }

        return text.Append('└').Append('─', width + 12).Append("┘\n").ToString();
    }

    private static int Width(string text) => new StringInfo(text).LengthInTextElements;

    /// <summary>
    /// Counts what some of the answer's last tokens read, by computing them once more: meters slow decoding down, so they are off while somebody waits.
    /// </summary>
    private static (int Tokens, Activity? Activity, double DenseBytes) Count(LoadedModel loaded, Session session, GenerationReport generation, CancellationToken cancellationToken)
    {
        // As many as take a quarter of a second.
        int tokens = (int)Math.Clamp(generation.TokensPerSecond / 4, 1, 16);
        tokens = Math.Min(tokens, Math.Min(generation.DecodedTokens, session.Position - 1));
        if (tokens < 1 || generation.Reason == StopReason.Canceled)
        {
            return default;
        }

        int[] last = [.. session.Tokens[^tokens..]];
        SparsityMode mode = session.Mode;
        session.Metering = true;
        try
        {
            // The mode's last: keys and values are then what they were.
            Activity? dense = mode == SparsityMode.Dense ? null : Read(SparsityMode.Dense, 1);
            Activity activity = Read(mode);
            dense ??= activity;
            return (tokens, activity, loaded.Cost.BytesPerToken(dense));
        }
        finally
        {
            session.Metering = false;
            session.Mode = mode;
            session.ResetMetrics();
        }

        Activity Read(SparsityMode computed, int count = int.MaxValue)
        {
            session.Rewind(session.Position - Math.Min(tokens, count));
            session.Mode = computed;
            session.ResetMetrics();
            foreach (int token in last.AsSpan(last.Length - Math.Min(tokens, count)))
            {
                cancellationToken.ThrowIfCancellationRequested();
                session.Forward([token]);
            }

            return Activity.Of(session);
        }
    }
}
