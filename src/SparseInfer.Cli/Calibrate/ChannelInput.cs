namespace SparseInfer.Cli.Calibrate;

/// <summary>An input whose small channels <c>[InputThreshold]</c> leaves out.</summary>
/// <param name="Name">The attribute's property.</param>
/// <param name="Activation">What the dense model shows of it.</param>
internal sealed record ChannelInput(string Name, ObservedActivation Activation)
{
    /// <summary>All, in the order in which a token has them.</summary>
    public static IReadOnlyList<ChannelInput> All { get; } =
    [
        new("Heads", ObservedActivation.AttentionInput), new("Output", ObservedActivation.Attended),
        new("FeedForward", ObservedActivation.FeedForwardInput), new("Down", ObservedActivation.Neurons),
    ];

    /// <summary>Attention's, which are beside any policy of neurons.</summary>
    public static IReadOnlyList<ChannelInput> Usual { get; } = [.. All.Take(2)];

    /// <summary>Whether the feed-forward then computes every neuron, which its policy has to say.</summary>
    /// <param name="hasCentre">Whether channels lie around anything but 0.</param>
    public bool NeedsDense(bool hasCentre) => Activation == ObservedActivation.FeedForwardInput || (hasCentre && Activation == ObservedActivation.Neurons);

    /// <summary>The property for what its channels lie around.</summary>
    public string CentreName => Name + "Centre";

    /// <summary>Whether <c>ColumnNorms</c> is about it.</summary>
    public bool HasNorms => Activation is ObservedActivation.AttentionInput or ObservedActivation.FeedForwardInput;

    /// <summary>The property: what help shows.</summary>
    public override string ToString() => Name;

    /// <summary>Width of it.</summary>
    public int Width(Compilation.ModelDeclaration model) => Activation switch
    {
        ObservedActivation.Attended => model.QueryWidth,
        ObservedActivation.Neurons => model.Intermediate,
        _ => model.Hidden,
    };

    /// <summary>Names with commas between them.</summary>
    public static (bool Valid, IReadOnlyList<ChannelInput> Value) Parse(string text)
    {
        string[] names = text.Split(',', StringSplitOptions.TrimEntries);
        return (
            names.All(name => All.Any(input => input.Name.Equals(name, StringComparison.OrdinalIgnoreCase))),
            [.. All.Where(input => names.Contains(input.Name, StringComparer.OrdinalIgnoreCase))]);
    }
}
