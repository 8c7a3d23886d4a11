using System.Globalization;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>A size of the model.</summary>
/// <param name="Name">The constant that generated programs have for it.</param>
/// <param name="Size">What it is.</param>
/// <param name="Declared">What declares it, in the declaration's words.</param>
internal sealed record Dimension(string Name, int Size, string Declared)
{
    public Dimension(string name, int size)
        : this(name, size, name)
    {
    }

    /// <summary>Whether generated programs have no constant for it, and write the number.</summary>
    public bool IsNumber { get; private init; }

    /// <summary>One that a policy declares, such as a rank.</summary>
    public static Dimension OfPolicy(int size, string declared) =>
        new(size.ToString(CultureInfo.InvariantCulture), size, declared) { IsNumber = true };
}

/// <summary>The sizes that tensors have.</summary>
/// <param name="QueryWidth">Heads x head dimension.</param>
/// <param name="KeyValueWidth">Key-value heads x head dimension.</param>
internal sealed record Dimensions(Dimension Vocabulary, Dimension Hidden, Dimension QueryWidth, Dimension KeyValueWidth, Dimension HeadDimension, Dimension Intermediate)
{
    /// <summary>Heads of keys and values, of which programs have a number each where policies choose among them.</summary>
    public Dimension KeyValueHeads { get; private init; } = new("", 0);

    /// <summary>Experts of a layer; null: its feed-forward is none.</summary>
    public Dimension? Experts { get; private init; }

    public static Dimensions Of(ModelSpec spec) => new(
        new("Vocabulary", spec.Vocabulary),
        new("Hidden", spec.Hidden),
        new("QueryWidth", spec.Attention.Heads * spec.Attention.HeadDimension, "Heads * HeadDimension"),
        new("KeyValueWidth", spec.Attention.KeyValueHeads * spec.Attention.HeadDimension, "KeyValueHeads * HeadDimension"),
        new("HeadDimension", spec.Attention.HeadDimension),
        new("Intermediate", spec.FeedForward.Intermediate))
    {
        KeyValueHeads = Dimension.OfPolicy(spec.Attention.KeyValueHeads, "KeyValueHeads"),
        Experts = spec.Experts is { } experts ? new("Experts", experts.Count) : null,
    };

    /// <summary>Of a feed-forward alone, which has no others.</summary>
    public static Dimensions Of(FeedForwardSpec spec)
    {
        var none = new Dimension("", 0);
        return new(none, new("Hidden", spec.Hidden), none, none, none, new("Intermediate", spec.Intermediate));
    }
}
