using SparseInfer.Cli.Bench;

namespace SparseInfer.Cli.Run;

/// <summary>A model to answer with: its file, its policies, and where it runs.</summary>
internal sealed record ModelRequest
{
    public required FileRequest File { get; init; }

    /// <summary>Policy attributes; null: what a profile says, or else what changes no result.</summary>
    public IReadOnlyList<string>? Policies { get; init; }

    /// <summary>A profile of <c>sparseinfer calibrate</c>; null: none.</summary>
    public string? Profile { get; init; }

    /// <summary>A device's name.</summary>
    public required string Device { get; init; }

    /// <summary>Worker threads; 0: as many as there are processors.</summary>
    public int Threads { get; init; }

    /// <summary>Whether sessions can show which neurons they compute. On GPUs none can.</summary>
    public bool Observed { get; init; }
}

/// <summary>What <c>sparseinfer run</c> was asked for.</summary>
internal sealed record RunOptions
{
    public required ModelRequest Model { get; init; }

    /// <summary>What the text begins with.</summary>
    public required string Prompt { get; init; }

    public required GenerationOptions Generation { get; init; }

    public SparsityMode Mode { get; init; }

    /// <summary>Tokens that the session can hold; null: the model's.</summary>
    public int? Context { get; init; }

    /// <summary>An object when all is done, in place of the text as it comes.</summary>
    public bool Json { get; init; }

    /// <summary>Whether the prompt is shown in another colour than what follows.</summary>
    public bool Color { get; init; }
}
