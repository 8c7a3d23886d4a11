using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using SparseInfer.Cli.Bench;
using static System.FormattableString;

namespace SparseInfer.Cli.Run;

/// <summary>An answer that was given.</summary>
/// <param name="Generation">How it went.</param>
/// <param name="Mode">What it was computed in, whatever the session computes in since.</param>
internal sealed record Answered(GenerationReport Generation, SparsityMode Mode);

/// <summary>How an answer went: what the box after it says. Properties' names, in snake case, are those of the output.</summary>
internal sealed record AnswerReport
{
    public required string Model { get; init; }

    public required string Device { get; init; }

    public required string Policies { get; init; }

    /// <summary>As <c>--mode</c> takes it.</summary>
    public required string Mode { get; init; }

    /// <summary>Seconds of compiling; null: it was compiled before.</summary>
    public double? CompileSeconds { get; init; }

    /// <summary>Whether the next call finds it compiled.</summary>
    [JsonIgnore]
    public bool IsKept { get; init; }

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

    /// <summary>What loading found that a careful reader may want to know; each one sentence.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Reads a session after an answer, before anything else is computed in it.</summary>
    /// <param name="loaded">The model.</param>
    /// <param name="session">The session, which goes back to where it is, and to its mode.</param>
    /// <param name="answer">How the answer went.</param>
    /// <param name="cancellationToken">Ends the counting.</param>
    public static AnswerReport Of(LoadedModel loaded, Session session, Answered answer, CancellationToken cancellationToken)
    {
        GenerationReport generation = answer.Generation;
        (int counted, Activity? activity, double dense) = Count(loaded, session, answer, cancellationToken);
        double? bytes = activity is null ? null : loaded.Cost.BytesPerToken(activity);
        return new()
        {
            Model = loaded.Declaration.Name,
            Device = loaded.Model.Device.Description,
            Policies = string.Join(", ", loaded.Declaration.PolicyAttributes),
            Mode = answer.Mode.ToString().ToLowerInvariant(),
            CompileSeconds = loaded.CompileSeconds,
            IsKept = loaded.IsKept,
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
            Notes = loaded.Model.LoadReport.Notes,
        };
    }

    /// <summary>For people, in a box.</summary>
    public string Text()
    {
        var lines = new List<(string Name, string Value)>
        {
            ("model", Model),
            ("device", Device),
            ("policies", $"{Policies}; {Mode} mode"),
            ("load", Invariant($"{LoadSeconds:0.00} s") + (CompileSeconds is { } compile ? Invariant($", compiled in {compile:0.00} s{(IsKept ? ", the first time only" : "")}") : "")),
            ("prompt", Tokens(PromptTokens, PromptTokensPerSecond)),
            ("decode", $"{Tokens(GeneratedTokens, TokensPerSecond)}; ended by {Stop}"),
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

    /// <summary>Of tokens that took no time, such as a first one that the prompt gave, there is no speed.</summary>
    private static string Tokens(int count, double perSecond) =>
        Invariant($"{count} {(count == 1 ? "token" : "tokens")}") + (perSecond > 0 ? Invariant($", {perSecond:0.0} a second") : "");

    private static int Width(string text) => new StringInfo(text).LengthInTextElements;

    /// <summary>
    /// Counts what some of the answer's last tokens read, by computing them once more: meters slow decoding down, so they are off while somebody waits.
    /// </summary>
    private static (int Tokens, Activity? Activity, double DenseBytes) Count(LoadedModel loaded, Session session, Answered answer, CancellationToken cancellationToken)
    {
        GenerationReport generation = answer.Generation;

        // As many as take a quarter of a second.
        int tokens = (int)Math.Clamp(generation.TokensPerSecond / 4, 1, 16);
        tokens = Math.Min(tokens, Math.Min(generation.DecodedTokens, session.Position - 1));
        if (tokens < 1 || generation.Reason == StopReason.Canceled)
        {
            return default;
        }

        int[] last = [.. session.Tokens[^tokens..]];
        SparsityMode next = session.Mode;
        session.Metering = true;
        try
        {
            // The answer's own mode last: keys and values are then what they were.
            Activity? dense = answer.Mode == SparsityMode.Dense ? null : Read(SparsityMode.Dense, 1);
            Activity activity = Read(answer.Mode);
            dense ??= activity;
            return (tokens, activity, loaded.Cost.BytesPerToken(dense));
        }
        finally
        {
            session.Metering = false;
            session.Mode = next;
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
