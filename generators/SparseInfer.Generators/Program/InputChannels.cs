using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Program;

/// <summary>Whose input channels are chosen among.</summary>
internal enum ChannelUse
{
    /// <summary>Query, key and value.</summary>
    Heads,

    /// <summary>Attention's output projection.</summary>
    Output,

    /// <summary>Gate and up.</summary>
    FeedForward,

    /// <summary>Down: its channels are neurons.</summary>
    Down,
}

/// <summary>What a program asks of a <see cref="PolicySpec"/> that chooses among the input channels of matrices.</summary>
internal interface IChannelPolicy
{
    /// <summary>Channels whose magnitude is not larger are skipped, as a decimal; null: every channel is read.</summary>
    string? Threshold(ChannelUse use);

    /// <summary>What magnitudes are measured from, as a decimal; null: from 0.</summary>
    string? Centre(ChannelUse use);

    /// <summary>Whether magnitudes are multiplied by the norms of the channels' weights.</summary>
    bool HasNorms(ChannelUse use);
}

/// <summary>How matrices choose among the channels of their input.</summary>
/// <param name="Use">Which matrices.</param>
/// <param name="Thresholds">Of each layer, as a decimal; of layers that read every channel, null.</param>
/// <param name="Policy">Which layers leave channels out.</param>
internal sealed record InputChannels(ChannelUse Use, EquatableArray<string?> Thresholds, PolicyUse Policy)
{
    /// <summary>Whether a threshold leaves out more than zeros, in any layer.</summary>
    public bool HasThreshold => Thresholds.Any(threshold => threshold is not (null or Zeros));

    /// <summary>The threshold that leaves out zeros alone.</summary>
    public const string Zeros = "0";

    /// <summary>Of each layer, as a decimal, what magnitudes are measured from; of layers that measure from 0, null. None at all: all do.</summary>
    public EquatableArray<string?> Centres { get; init; }

    /// <summary>Whether they are measured from anything but 0, in any layer.</summary>
    public bool HasCentres => Centres.Count > 0;

    /// <summary>Layers where they are multiplied by the norms of the channels' weights, as C#; empty: everywhere; null: nowhere.</summary>
    public string? NormLayers { get; init; }

    /// <summary>Where they are.</summary>
    public Stage Stage => Use switch
    {
        ChannelUse.Heads => Stage.Heads,
        ChannelUse.Output => Stage.Output,
        _ => Stage.FeedForward,
    };

    /// <summary>What slices of the channels add to the outputs.</summary>
    public Slot Sums => new($"{Use}Sums");

    /// <summary>Whether a model's gate and up have a row for each channel, where programs read fewer of these.</summary>
    public static bool AreOfNeurons(ModelSpec spec) => ModelProgram.Of(spec).Layer.OfType<Neurons>().Any(neurons => neurons.Channels is not null);

    /// <summary>Whether programs leave out neurons of down's input that are there, in any layer.</summary>
    public static bool AreOfDown(ModelSpec spec) => ModelProgram.Of(spec).Layer.OfType<Down>().Any(down => down.Channels is not null);

    /// <summary>Says of each operation which channels of its input it reads, where policies choose among them in any layer.</summary>
    public static ModelProgram Insert(ModelProgram program, ModelSpec spec)
    {
        Dictionary<ChannelUse, InputChannels> chosen = new[] { ChannelUse.Heads, ChannelUse.Output, ChannelUse.FeedForward, ChannelUse.Down }
            .Select(use => new InputChannels(
                use,
                Enumerable.Range(0, spec.Layers).Select(layer => ThresholdOf(spec, layer, use)).ToEquatableArray(),
                new("Channels that are left out.", LayerSet.OfSite(spec, policy => (policy as IChannelPolicy)?.Threshold(use) is not null)))
            {
                Centres = CentresOf(spec, use),
                NormLayers = NormLayersOf(spec, use),
            })
            .Where(channels => channels.Thresholds.Any(threshold => threshold is not null))
            .ToDictionary(channels => channels.Use);
        InputChannels? Of(ChannelUse use) => chosen.TryGetValue(use, out InputChannels channels) ? channels : null;
        return chosen.Count == 0 ? program : program with
        {
            Layer = [.. program.Layer.SelectMany(operation => operation switch
            {
                Project { Matrix.Role: TensorRole.Attention } project =>
                    WithCentre(project with { Channels = Of(project.Stage == Stage.Heads ? ChannelUse.Heads : ChannelUse.Output) }),
                Neurons neurons => [neurons with { Channels = Of(ChannelUse.FeedForward) }],
                Down down => [down with { Channels = Of(ChannelUse.Down) }],
                SumSlices sum when Of(ChannelUse.Down) is { HasCentres: true } channels =>
                    [sum, new AddCentre(sum.Stage, sum.Unit, program.Layer.OfType<Down>().Single().Matrix, channels, sum.Writes)],
                _ => new[] { operation },
            })],
        };
    }

    private static Operation[] WithCentre(Project project) => project.Channels is { HasCentres: true } channels
        ? [project, new AddCentre(project.Stage, project.Unit, project.Matrix, channels, project.To)]
        : [project];

    private static EquatableArray<string?> CentresOf(ModelSpec spec, ChannelUse use)
    {
        string?[] centres = [.. Enumerable.Range(0, spec.Layers).Select(layer => PolicyOf(spec, layer)?.Centre(use))];
        return centres.Any(centre => centre is not null) ? centres.ToEquatableArray() : default;
    }

    private static string? NormLayersOf(ModelSpec spec, ChannelUse use)
    {
        var layers = LayerSet.OfSite(spec, policy => (policy as IChannelPolicy)?.HasNorms(use) == true);
        return layers.IsEmpty ? null : layers.IsEveryLayer ? "" : layers.Condition;
    }

    private static IChannelPolicy? PolicyOf(ModelSpec spec, int layer) => spec.SitePolicies
        .Where(policy => policy.First <= layer && layer <= policy.Last)
        .Select(policy => policy.Policy as IChannelPolicy)
        .FirstOrDefault(policy => policy is not null);

    /// <summary>Of several policies, that of the one that leaves out more than zeros.</summary>
    private static string? ThresholdOf(ModelSpec spec, int layer, ChannelUse use) => spec.SitePolicies
        .Where(policy => policy.First <= layer && layer <= policy.Last)
        .Select(policy => (policy.Policy as IChannelPolicy)?.Threshold(use))
        .Where(threshold => threshold is not null)
        .OrderBy(threshold => threshold == Zeros)
        .FirstOrDefault();
}
