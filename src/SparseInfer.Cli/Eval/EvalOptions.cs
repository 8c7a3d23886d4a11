using SparseInfer.Cli.Bench;

namespace SparseInfer.Cli.Eval;

/// <summary>What <c>sparseinfer eval</c> was asked for.</summary>
internal sealed record EvalOptions
{
    public const string SpeedOption = "--speed";

    public const string PromptOption = "--prompt";

    public required FileRequest File { get; init; }

    /// <summary>A UTF-8 text file; null: none is predicted.</summary>
    public string? TextFile { get; init; }

    /// <summary>Multiple-choice questions, JSON lines; null: none are asked.</summary>
    public string? ChoicesFile { get; init; }

    /// <summary>Alphas of the sign-bit predictor; none: 1, where the activation has zeros and nothing else is given.</summary>
    public IReadOnlyList<float> Alphas { get; init; } = [];

    /// <summary>Thresholds of CATS.</summary>
    public IReadOnlyList<float> ActivationThresholds { get; init; } = [];

    /// <summary>Policies as attributes, a row each.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Policies { get; init; } = [];

    /// <summary>Profiles of <c>sparseinfer calibrate</c>, a row each.</summary>
    public IReadOnlyList<string> Profiles { get; init; } = [];

    /// <summary>Tokens that are predicted in a window.</summary>
    public int Window { get; init; } = 256;

    /// <summary>Tokens that each window begins with, which are computed as a prompt and not judged; null: half of it where a policy chooses by prompts, else none.</summary>
    public int? Prompt { get; init; }

    /// <summary>Most tokens that are predicted; null: all of the text.</summary>
    public int? Tokens { get; init; }

    /// <summary>Share above the dense model's perplexity, for <see cref="PplSparsity"/>; null: it is not told.</summary>
    public double? Ppl { get; init; }

    /// <summary>Tokens that are decoded to time them; null: none are.</summary>
    public int? Speed { get; init; }

    public int Threads { get; init; } = Environment.ProcessorCount;

    public bool Json { get; init; }

    /// <summary>Where a report for browsers goes; null: there is none.</summary>
    public string? HtmlFile { get; init; }

    public string? OutputFile { get; init; }
}
