using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Eval;

namespace SparseInfer.Cli.Calibrate;

/// <summary>What <c>sparseinfer calibrate</c> was asked for.</summary>
internal sealed record CalibrateOptions
{
    public required FileRequest File { get; init; }

    /// <summary>A UTF-8 text file.</summary>
    public required string TextFile { get; init; }

    public required ScoredPolicy Policy { get; init; }

    public required CalibrationTarget Target { get; init; }

    /// <summary>The profile to write.</summary>
    public required string Output { get; init; }

    /// <summary>Tokens of a window.</summary>
    public int Window { get; init; } = 256;

    /// <summary>Most tokens of the text: half is looked at, the other half is for perplexity.</summary>
    public int Tokens { get; init; } = 16384;

    /// <summary>Chooses which windows are looked at, and which of their tokens.</summary>
    public ulong Seed { get; init; } = 1;

    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>The windows, as evaluation has them.</summary>
    public EvalOptions Windows => new() { File = File, TextFile = TextFile, Window = Window, Tokens = Tokens };
}
