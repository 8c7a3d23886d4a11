using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Program;

/// <summary>What a program asks of a <see cref="PolicySpec"/> that chooses among the input channels of projections.</summary>
internal interface IChannelPolicy
{
    /// <summary>Channels whose magnitude is not larger are skipped, as a decimal; null: the stage's projections read every channel.</summary>
    /// <param name="stage">The stage that the projections belong to.</param>
    string? Threshold(Stage stage);
}

/// <summary>How the projections of a stage choose among the channels of their input.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Thresholds">Of each layer, as a decimal; of layers that read every channel, null.</param>
/// <param name="Policy">Which layers leave channels out.</param>
internal sealed record InputChannels(Stage Stage, EquatableArray<string?> Thresholds, PolicyUse Policy)
{
    /// <summary>What slices of the channels add to the outputs.</summary>
    public Slot Sums => new($"{Stage}Sums");

    /// <summary>Says of each projection which channels of its input it reads, where policies choose among them in any layer.</summary>
    public static ModelProgram Insert(ModelProgram program, ModelSpec spec)
    {
        InputChannels[] chosen = [.. program.Layer.Where(operation => operation.Site == PolicySite.InputChannels)
            .Select(operation => operation.Stage).Distinct()
            .Select(stage => new InputChannels(
                stage,
                Enumerable.Range(0, spec.Layers).Select(layer => ThresholdOf(spec, layer, stage)).ToEquatableArray(),
                new("Channels that are left out.", LayerSet.OfSite(spec, policy => (policy as IChannelPolicy)?.Threshold(stage) is not null))))
            .Where(channels => channels.Thresholds.Any(threshold => threshold is not null))];
        return chosen.Length == 0 ? program : program with
        {
            Layer = [.. program.Layer.Select(operation => operation is Project { Site: PolicySite.InputChannels } project
                ? project with { Channels = chosen.FirstOrDefault(channels => channels.Stage == project.Stage) }
                : operation)],
        };
    }

    private static string? ThresholdOf(ModelSpec spec, int layer, Stage stage) => spec.SitePolicies
        .Where(policy => policy.First <= layer && layer <= policy.Last)
        .Select(policy => (policy.Policy as IChannelPolicy)?.Threshold(stage))
        .FirstOrDefault(threshold => threshold is not null);
}
