using SparseInfer;

namespace Stories;

/// <summary>What the command line asked for, checked.</summary>
internal sealed record StoryOptions
{
    public required string Prompt { get; init; }

    public required int Tokens { get; init; }

    public required ulong Seed { get; init; }

    public required double Temperature { get; init; }

    /// <summary>The mode in which the story is written.</summary>
    public required SparsityMode Mode { get; init; }

    /// <summary>0: one a processor.</summary>
    public required int Threads { get; init; }

    public required string Device { get; init; }

    public required string Model { get; init; }

    /// <summary>How much of the held-out text to evaluate, in tokens.</summary>
    public required int Evaluate { get; init; }

    public required bool Quiet { get; init; }
}
