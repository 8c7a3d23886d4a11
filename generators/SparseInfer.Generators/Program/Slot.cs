namespace SparseInfer.Generators.Program;

/// <summary>What an element of a slot is.</summary>
internal enum SlotElement
{
    /// <summary>A float of a token.</summary>
    Number,

    /// <summary>A double, one for each token of a batch.</summary>
    OfToken,

    /// <summary>A double that a sequence keeps: a sum over tokens, 0 where there were none.</summary>
    Sum,

    /// <summary>A bit that a sequence keeps: whether something is chosen, as all is where nothing was chosen yet.</summary>
    Bit,
}

/// <summary>What operations read and write: activations of a token, and what a sequence keeps.</summary>
/// <param name="Name">What it is called; of a policy's own, a name that no other slot has.</param>
/// <param name="Width">Elements of one that a policy has of its own; null: it is the program's.</param>
/// <param name="Element">What an element is.</param>
internal sealed record Slot(string Name, Dimension? Width = null, SlotElement Element = SlotElement.Number)
{
    public static readonly Slot Residual = new("Residual");

    public static readonly Slot Normed = new("Normed");

    public static readonly Slot Queries = new("Queries");

    public static readonly Slot Keys = new("Keys");

    public static readonly Slot Values = new("Values");

    public static readonly Slot Attended = new("Attended");

    public static readonly Slot Projected = new("Projected");

    /// <summary>What neurons' activation is applied to, where all of it is there before any of it is activated.</summary>
    public static readonly Slot Gates = new("Gates");

    /// <summary>Mean and squared deviations of the gates: a pair a slice.</summary>
    public static readonly Slot Moments = new("Moments");

    /// <summary>What is left of the neurons, and which they are.</summary>
    public static readonly Slot Activated = new("Activated");

    /// <summary>Squares of what is left of the neurons: a sum a slice.</summary>
    public static readonly Slot Squares = new("Squares");

    /// <summary>What slices of the neurons add to the output.</summary>
    public static readonly Slot Sums = new("Sums");

    /// <summary>Which experts compute a token, and what their outputs are multiplied by.</summary>
    public static readonly Slot Routed = new("Routed");

    /// <summary>Tokens of a prompt in the order of their experts: what these read, then what they make of it.</summary>
    public static readonly Slot Grouped = new("Grouped");

    /// <summary>What policies remember of a sequence's prompts.</summary>
    public static readonly Slot Memory = new("Memory");

    public static readonly Slot Logits = new("Logits");

    /// <summary>What an observer gets: it is in no buffer.</summary>
    public static readonly Slot Observed = new("Observed");

    /// <summary>Which slot it is, of how many layers before; null: it is no earlier layer's.</summary>
    public (Slot Of, int LayersBack)? Earlier { get; init; }

    /// <summary>The same slot as an earlier layer had it: what that kept.</summary>
    /// <param name="layers">How many layers before.</param>
    public Slot Before(int layers) => new($"Earlier{Name}{(layers == 1 ? "" : layers)}") { Earlier = (this, layers) };

    /// <summary>Where layers keep it for later ones: a row for each of the last few layers, so that nobody reads what is being written.</summary>
    public Slot Kept => new($"Kept{Name}");

    /// <summary>Its name where variables and fields are called so.</summary>
    public string Variable => char.ToLowerInvariant(Name[0]) + Name.Substring(1);

    public override string ToString() => Name;
}
