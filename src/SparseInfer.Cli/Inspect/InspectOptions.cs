using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Inspect;

/// <summary>What shall be shown.</summary>
internal enum InspectView
{
    /// <summary>Plan, memory and modelled cost of a token.</summary>
    Cost,

    /// <summary>The generated kernels.</summary>
    Kernels,

    /// <summary>The generated C#.</summary>
    Code,

    /// <summary>The kernels as PTX.</summary>
    Ptx,
}

/// <summary>What <c>sparseinfer inspect</c> is asked for.</summary>
internal sealed record InspectOptions
{
    /// <summary>The declaration, read from a file or of a named shape, with its target.</summary>
    public required ModelDeclaration Declaration { get; init; }

    public InspectView View { get; init; }

    /// <summary>Share of neurons that are inactive.</summary>
    public double Sparsity { get; init; } = 0.9;

    /// <summary>Share of channels that are left out of inputs with a threshold.</summary>
    public double? Channels { get; init; }

    /// <summary>Position of the token; null: the last, but at most <see cref="UsualPosition"/>.</summary>
    public int? Position { get; init; }

    /// <summary>PTX's architecture.</summary>
    public string? Architecture { get; init; }

    /// <summary>Folder for files; null: standard output.</summary>
    public string? Out { get; init; }

    public bool Json { get; init; }

    public const int UsualPosition = 512;
}
