namespace SparseInfer.Loading;

/// <summary>
/// What files say of a trait: its numbers, and the keys that state them. Each trait has a file here; an architecture whose models may have the
/// trait names it, and nothing else does.
/// </summary>
/// <param name="Attribute">The attribute that declares it, as it is written.</param>
internal sealed record TraitKeys(string Attribute)
{
    /// <summary>All its numbers.</summary>
    public required IReadOnlyList<TraitFact> Facts { get; init; }

    /// <summary>Keys of the architecture's namespace in GGUF files.</summary>
    public IReadOnlyDictionary<string, KeyRule> Gguf { get; init; } = new Dictionary<string, KeyRule>();

    /// <summary>Keys of a <c>config.json</c>.</summary>
    public IReadOnlyDictionary<string, KeyRule> Config { get; init; } = new Dictionary<string, KeyRule>();

    /// <summary>How a GGUF file that is written says each number: the key, and the value for a number.</summary>
    public IReadOnlyDictionary<TraitFact, (string Key, Func<double, double> Value)> Written { get; init; } =
        new Dictionary<TraitFact, (string, Func<double, double>)>();

    /// <summary>What follows from the architecture, or from tensors; null: nothing does.</summary>
    public Func<ModelFacts, IEnumerable<StatedTrait>>? Told { get; init; }

    /// <summary>Keys of files of a kind.</summary>
    public IReadOnlyDictionary<string, KeyRule> Rules(bool gguf) => gguf ? Gguf : Config;
}

/// <summary>A number that a trait's attribute says, and files say too.</summary>
/// <param name="Attribute">The attribute, as it is written.</param>
/// <param name="Property">Its property; empty: the attribute has none, and is there or not.</param>
/// <param name="Usual">What plain decoders have: what it is where the attribute is not there.</param>
internal sealed record TraitFact(string Attribute, string Property, double Usual)
{
    /// <summary>Whether a declared number is this one.</summary>
    public bool IsDeclaredBy(DeclaredTrait trait) => trait.Attribute == Attribute && trait.Property == Property;

    /// <summary>A value of it, as messages say it.</summary>
    public string Show(double value) => Property.Length == 0 ? $"[{Attribute}]" : $"{this} = {MetadataValue.Show(value)}";

    public override string ToString() => $"[{Attribute}] {Property}";
}

/// <summary>A trait's number and where it comes from.</summary>
/// <param name="Fact">Which.</param>
/// <param name="Value">Its value, as the attribute says it.</param>
/// <param name="Text">Key and value as a sentence begins.</param>
internal sealed record StatedTrait(TraitFact Fact, double Value, string Text);
