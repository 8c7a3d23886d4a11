namespace SparseInfer.Cli.Run;

/// <summary>What <c>sparseinfer chat</c> was asked for.</summary>
internal sealed record ChatOptions
{
    public required ModelRequest Model { get; init; }

    public required GenerationOptions Generation { get; init; }

    public SparsityMode Mode { get; init; }

    /// <summary>Tokens that the session can hold; null: the model's.</summary>
    public int? Context { get; init; }

    /// <summary>The system's turn; null: there is none.</summary>
    public string? System { get; init; }

    /// <summary>A Jinja file in place of the model's template; null: the model's.</summary>
    public string? Template { get; init; }

    /// <summary>An object for each answer, in place of the text as it comes.</summary>
    public bool Json { get; init; }

    /// <summary>Whether what the user types is shown in another colour than answers.</summary>
    public bool Color { get; init; }
}
