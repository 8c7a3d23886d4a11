using SparseInfer.Loading;

namespace SparseInfer;

/// <summary>How a model file is prepared.</summary>
public sealed record PreparationOptions
{
    /// <summary>The type that all matrices are stored in, through F32 where they have another; null: each stays what it is.</summary>
    public WeightType? Weights { get; init; }

    /// <summary>The type that the token embedding and learned positions are stored in; null: as the other matrices.</summary>
    public WeightType? Embedding { get; init; }

    /// <summary>The type that attention's query, key, value and output are stored in; null: as the other matrices.</summary>
    public WeightType? Attention { get; init; }

    /// <summary>The type that gate, up and down are stored in; null: as the other matrices.</summary>
    public WeightType? FeedForward { get; init; }

    /// <summary>
    /// The type that the output head is stored in; null: as the other matrices. A model whose head is its embedding gets a head of its own, so that a
    /// token reads a smaller one than it looks embeddings up in: it is declared without <c>[Embedding(Tied = true)]</c> then.
    /// </summary>
    public WeightType? Head { get; init; }

    /// <summary>
    /// Store the signs of up matrices beside those of gates: dReLU's predictor wants both. Done without being asked where the file names
    /// that activation, and where there is no gate.
    /// </summary>
    public bool UpSigns { get; init; }

    /// <summary>Replace a file that is there.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Of a folder: read it as this architecture, whatever its <c>config.json</c> says; as <see cref="LoadOptions.Architecture"/>.</summary>
    public string? Architecture { get; init; }

    /// <summary>Of a folder: keys of its <c>config.json</c> to leave out; as <see cref="LoadOptions.IgnoreMetadata"/>.</summary>
    public IReadOnlyList<string> IgnoreMetadata { get; init; } = [];

    /// <summary>Of a folder: prepare it although it has no tokenizer.</summary>
    public bool NoTokenizer { get; init; }

    /// <summary>Whether most matrices may have another type than before, so that what the file says of its type is no longer true.</summary>
    internal bool Converts => Weights is not null || Embedding is not null || Attention is not null || FeedForward is not null;

    /// <summary>How messages name the options.</summary>
    internal OverrideNames OverrideNames { get; init; } = OverrideNames.Preparation;

    /// <summary>How a folder is read.</summary>
    internal LoadOptions Reading => new() { Architecture = Architecture, IgnoreMetadata = IgnoreMetadata, OverrideNames = OverrideNames };
}

/// <summary>What preparing a model file gave.</summary>
/// <param name="File">The new file.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Transposed">Number of down matrices stored neuron-major.</param>
/// <param name="SignPlanes">Number of matrices whose signs are stored.</param>
public sealed record PreparationReport(string File, long Bytes, int Transposed, int SignPlanes);
