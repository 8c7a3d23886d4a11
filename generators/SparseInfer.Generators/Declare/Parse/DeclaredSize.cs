namespace SparseInfer.Generators.Declare;

/// <summary>One size that an attribute declares.</summary>
/// <param name="Counted">What it counts, in the plural.</param>
/// <param name="Limit">The largest value that generated code supports.</param>
/// <param name="Example">A usual value, for messages.</param>
/// <param name="IsRequired">False: 0 or nothing stands for a default.</param>
internal sealed record DeclaredSize(DeclaredAttribute Attribute, string Name, string Counted, int Limit, int Example, bool IsRequired)
{
    /// <summary>Elements of a vector, positions of a cache: offsets in bytes inside one row stay far inside 32 bits.</summary>
    public const int WidthLimit = 1 << 20;

    /// <summary>The same where there is code for GPUs: what a thread adds up of a row is written out, and has to fit into registers.</summary>
    public const int GpuWidthLimit = 1 << 16;

    /// <summary>Elements of a head where there is code for GPUs.</summary>
    public const int GpuHeadLimit = 1 << 12;

    public const int ExpertLimit = 1 << 10;

    public const int LayerLimit = 1 << 10;

    public const int VocabularyLimit = 1 << 22;

    /// <summary>Elements of one matrix: 64 GiB as F32.</summary>
    public const long MatrixLimit = 1L << 34;

    /// <summary>Positions times rotated elements: the tables of sines and cosines, 4 GiB together, are indexed with 32 bits.</summary>
    public const long RotationLimit = 1L << 30;

    /// <summary>Whether a matrix in files has rows of so many weights.</summary>
    public bool IsOfRows { get; init; }

    public int Value => Attribute.Value(Name, 0);

    /// <summary>Every size of the attributes that are there.</summary>
    public static IEnumerable<DeclaredSize> Of(Declaration declaration)
    {
        int widthLimit = declaration.IsForGpu ? GpuWidthLimit : WidthLimit;
        if (declaration.DecoderModel is { } model)
        {
            yield return new(model, "Hidden", "elements", widthLimit, 4096, true);
            yield return new(model, "Layers", "layers", LayerLimit, 32, true);
            yield return new(model, "Vocabulary", "tokens", VocabularyLimit, 32000, true);
            yield return new(model, "Context", "positions", WidthLimit, 4096, true);
        }

        if (declaration.Attention is { } attention)
        {
            yield return new(attention, "Heads", "query heads", WidthLimit, 32, true);
            yield return new(attention, "KeyValueHeads", "key and value heads", WidthLimit, 8, false);
            yield return new(attention, "HeadDimension", "elements", WidthLimit, 128, false);
        }

        foreach (LayerAttribute window in declaration.Windows)
        {
            yield return new(window.Attribute, "Window", "positions", WidthLimit, 4096, true);
            yield return new(window.Attribute, "Period", "layers", LayerLimit, 4, false);
        }

        if (declaration.Embedding is { } embedding)
        {
            yield return new(embedding, "LearnedPositions", "positions", WidthLimit, 2048, false);
            yield return new(embedding, "PositionOffset", "rows before position 0", WidthLimit, 2, false);
        }

        if (declaration.NoRope is { } noRope)
        {
            yield return new(noRope.Attribute, "Period", "layers", LayerLimit, 4, false);
        }

        if (declaration.Experts is { } experts)
        {
            yield return new(experts, "Count", "experts of a layer", ExpertLimit, 8, true);
            yield return new(experts, "Active", "experts that compute a token", ExpertLimit, 2, true);
        }

        if (declaration.FeedForward is { } feedForward)
        {
            if (declaration.Property is not null)
            {
                yield return new(feedForward, "Hidden", "elements", widthLimit, 2048, true);
            }

            yield return new(feedForward, "Intermediate", "neurons", WidthLimit, 11008, true);
        }

        foreach (DeclaredSize size in declaration.Policies.SelectMany(policy => policy.Policy.Sizes(policy.Attribute)))
        {
            yield return size;
        }
    }
}
