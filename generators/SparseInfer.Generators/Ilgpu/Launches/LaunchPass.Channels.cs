using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <content>Matrices that have a row for each channel of their input: those that are left out are not read.</content>
internal abstract partial class LaunchPass
{
    /// <summary>Where slices of channels leave their sums, as C#.</summary>
    protected abstract string ChannelSums { get; }

    /// <summary>Where the channels of an input that are kept are counted, a place for each token, as C#.</summary>
    protected abstract string KeptChannels(ChannelPlan plan);

    /// <summary>The number of an input among those whose channels are chosen.</summary>
    protected int NumberOf(ChannelPlan plan) => Plan.Channels.ToList().IndexOf(plan);

    /// <summary>Channels that are left out of an input, in layers that have a threshold, and in Predicted mode; and how they are counted.</summary>
    private Step Skip(SkipChannels skip)
    {
        ChannelPlan plan = Plan.Channels.First(plan => plan.Channels == skip.Channels);

        // What attention made is normalised in place.
        Slot slot = skip.Stage == Stage.Output ? Slot.Attended : skip.From;
        DeviceKernel kernel = new ChannelKernels(Code, plan).Skip(4 * QuadsOf(slot));
        return new([Launch(skip, "channels", [kernel])], () =>
        {
            Code.Line($"// Channels of {ThresholdTable.InputOf(skip.Channels)} that are left out.");
            using (Code.Block($"if ({ConditionOf(skip.Policy!.Layers)})"))
            {
                Code.Line(Run(kernel, Config(kernel, Tokens), $"{Row(slot)}.Cast<float>(), {Measures(plan)}, {KeptChannels(plan)}"));
            }

            Code.Line();
            EmitCountChannels(plan);
        });
    }

    /// <summary>Writes how the channels of an input are counted, with what is read for them.</summary>
    protected virtual void EmitCountChannels(ChannelPlan plan)
    {
    }

    /// <summary>Fours of columns of a token's row of a slot.</summary>
    private int QuadsOf(Slot slot) => slot == Slot.Attended ? Plan.Shape.PaddedQueryWidth / 4 : Plan.HiddenQuads;

    /// <summary>The products of an input with matrices that have a row for each of its channels.</summary>
    /// <param name="projects">What they are.</param>
    /// <param name="y">Where outputs go, as C#: of one matrix in fours, of several one behind the other.</param>
    /// <param name="stride">From a token's outputs to the next one's, in elements, as C#.</param>
    protected virtual Step ByChannel(ChannelPlan plan, IReadOnlyList<Project> projects, string y, string stride) =>
        SumOfSlices(plan, projects, $"{Row(projects[0].From)}.Cast<float>()", Tokens, y);

    /// <summary>The same of up to 16 tokens, slices of the channels and then their sum.</summary>
    /// <param name="x">The input's first channel, as C#.</param>
    protected Step SumOfSlices(ChannelPlan plan, IReadOnlyList<Project> projects, string x, string tokens, string y)
    {
        var kernels = new ChannelKernels(Code, plan);
        DeviceKernel sum = kernels.Sum();
        return Together(
            Slices(plan, projects, projects[0].From, x, tokens),
            Call(Run(sum, Config(sum, kernels.SumGroups, tokens), $"{ChannelSums}, {Centre(plan)}{y}"), Launch(projects[0], "their slices", [sum])));
    }

    /// <summary>What slices of the channels of up to 16 tokens make of each matrix: a launch each.</summary>
    /// <param name="operations">What is computed with them.</param>
    private Step Slices(ChannelPlan plan, IReadOnlyList<Operation> operations, Slot from, string x, string tokens)
    {
        var kernels = new ChannelKernels(Code, plan);
        IEnumerable<Launch> launches = plan.Matrices.Select((matrix, i) =>
            Launch(operations[i], $"{matrix.Variable} by channels", matrix.Types(Spec).Select(type => Rows(matrix, type))));
        return new([.. launches], () =>
        {
            for (int i = 0; i < plan.Matrices.Count; i++)
            {
                Tensor matrix = plan.Matrices[i];
                string first = plan.Matrices.Count == 1 ? "" : $", {plan.FirstQuad(i)}";
                ForType($"w.{matrix.Field}", matrix.Types(Spec), type =>
                {
                    DeviceKernel rows = Rows(matrix, type);
                    string config = Config(rows, $"{plan.Slices}", $"{new TogetherPlan(plan.Rows(matrix, type)).DownTiles}");
                    Code.Line(Run(rows, config, $"{WordsOfChannels(matrix, type)}, {x}, {tokens}, {ChannelSums}{first}"));
                });
            }
        });

        DeviceKernel Rows(Tensor matrix, WeightType type) => kernels.Rows(matrix, type, 4 * QuadsOf(from));
    }

    /// <summary>A matrix with a row for each channel, as kernels take it.</summary>
    public static string WordsOfChannels(Tensor matrix, WeightType type) =>
        Format.HasBlocks(type) ? $"w.{matrix.Field}.Words, w.{matrix.Field}.Scales.Cast<Words4>()" : $"w.{matrix.Field}.Words";

    /// <summary>Query, key and value by channels, rotated and cached.</summary>
    private Step HeadsByChannel(ChannelPlan plan, IReadOnlyList<Operation> group) =>
        Together(ByChannel(plan, [.. group.OfType<Project>()], "_products", HeadsStride), Rotation(group));

    /// <summary>What becomes of the products of query, key and value.</summary>
    /// <param name="heads">What is done to them.</param>
    protected abstract Step Rotation(IReadOnlyList<Operation> heads);

    /// <summary>Writes how what tokens read of projections that can leave out heads is counted, where the pass counts.</summary>
    protected virtual void EmitCountProjections()
    {
    }

    /// <summary>The output projection by channels; its bias follows.</summary>
    private Step OutputByChannel(ChannelPlan plan, Project project, AddBias? bias)
    {
        Step byChannel = ByChannel(plan, [project with { From = Slot.Attended }], Row(project.To), $"4 * {Quads(project.To)}");
        Step product = byChannel with
        {
            Emit = () =>
            {
                byChannel.Emit();
                EmitCountProjections();
            },
        };
        return bias is null ? product : Together(product, AddBias(bias));
    }

    /// <summary>A feed-forward whose gate and up are multiplied by channels of their input; null: not with what follows.</summary>
    /// <param name="norm">The norm after it, if there is one.</param>
    protected virtual Step? FeedForwardByChannel(ChannelPlan plan, Neurons neurons, Down down, SumSlices sum, AddResidual add, Norm? norm) => norm is not null ? null
        : NeuronsOfSlices(plan, neurons, down, sum, Row(Slot.Normed), Tokens, Row(Slot.Activated), Row(Slot.Residual));

    /// <summary>The same of up to 16 tokens: slices of the channels, neurons, down.</summary>
    /// <param name="x">The input, in fours, as C#.</param>
    /// <param name="activated">Where neurons go, as floats or in fours.</param>
    /// <param name="residual">What down is added to.</param>
    protected Step NeuronsOfSlices(
        ChannelPlan plan, Neurons neurons, Down down, SumSlices sum, string x, string tokens, string activated, string residual)
    {
        var kernels = new ChannelKernels(Code, plan);
        DeviceKernel activate = kernels.Activate(neurons);
        string biases = string.Concat(neurons.Biases.Select(bias => $"w.{bias.Field}.Cast<Float4>(), "));
        var apart = new DownLaunches(Code, Plan);
        return Together(
            Slices(plan, [.. neurons.Matrices.Select(_ => neurons)], Slot.Normed, $"{x}.Cast<float>()", tokens),
            Call(
                Run(activate, Config(activate, kernels.ActivateGroups, tokens), $"{ChannelSums}, {Centre(plan)}{biases}{activated}.Cast<Float4>()"),
                Launch(neurons, "their neurons", [activate])),
            new(apart.Launches(down, sum), () => apart.Emit(Place(tokens, $"{activated}.Cast<float>()", residual))));
    }

    /// <summary>Where a pass has what down reads and writes.</summary>
    protected abstract DownPlace Place(string tokens, string activated, string residual);
}
