using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <content>Projections that have a row for each channel of their input: those that are left out are not read.</content>
internal abstract partial class LaunchPass
{
    /// <summary>Where slices of channels leave their sums, as C#.</summary>
    protected abstract string ChannelSums { get; }

    /// <summary>Where the channels of an input that are kept are counted, a place for each token, as C#.</summary>
    /// <param name="input">The number of the input among those that the plan lists.</param>
    protected abstract string KeptChannels(int input);

    /// <summary>Channels that are left out of an input, in layers that have a threshold, and in Predicted mode; and how they are counted.</summary>
    private Step Skip(SkipChannels skip)
    {
        int input = Plan.Channels.ToList().FindIndex(plan => plan.Channels == skip.Channels);
        if (input < 0)
        {
            return SkipInRows(skip);
        }

        ChannelPlan plan = Plan.Channels[input];

        // What attention made is normalised in place.
        Slot slot = skip.Stage == Stage.Output ? Slot.Attended : skip.From;
        DeviceKernel kernel = new ChannelKernels(Code, plan).Skip($"{4 * QuadsOf(slot)}");
        string centre = skip.Channels.HasCentres ? $", {ThresholdTable.Centres(skip.Channels)}[layer]" : "";
        string condition = ConditionOf(skip.Policy!.Layers);
        return new([Launch(skip, "channels", [kernel])], () =>
        {
            Code.Line($"// Channels of {ThresholdTable.InputOf(skip.Channels)} that are left out.");
            using (Code.Block($"if ({condition})"))
            {
                Code.Line(Run(
                    kernel, Config(kernel, Tokens), $"{Row(slot)}.Cast<float>(), {ThresholdTable.Name(skip.Channels)}[layer]{centre}, {KeptChannels(input)}"));
            }

            Code.Line();
            EmitCountChannels(plan, input);
        });
    }

    /// <summary>The same of gate and up, which have a row for each output: these are all read.</summary>
    private Step SkipInRows(SkipChannels skip)
    {
        bool hasCentre = skip.Channels.HasCentres;
        DeviceKernel kernel = ChannelKernel.Of(Code, $"Skip{skip.From}{(hasCentre ? "AtCentre" : "")}", Spec.Hidden, $"4 * {Quads(skip.From)}", hasCentre);
        string centre = hasCentre ? $", {ThresholdTable.Centres(skip.Channels)}[layer]" : "";
        return new([Launch(skip, "channels", [kernel])], () =>
        {
            using (Code.Block($"if ({ConditionOf(skip.Policy!.Layers)})"))
            {
                Code.Line(Run(
                    kernel, Config(kernel, ChannelKernel.Groups(Spec.Hidden), Tokens), $"{Row(skip.From)}.Cast<float>(), {ThresholdTable.Name(skip.Channels)}[layer]{centre}"));
            }

            Code.Line();
        });
    }

    /// <summary>Writes how the channels of an input are counted, with what is read for them.</summary>
    protected virtual void EmitCountChannels(ChannelPlan plan, int input)
    {
    }

    /// <summary>Fours of columns of a token's row of a slot.</summary>
    protected int QuadsOf(Slot slot) => slot == Slot.Attended ? Plan.Shape.PaddedQueryWidth / 4 : Plan.HiddenQuads;

    /// <summary>The products of an input with matrices that have a row for each of its channels.</summary>
    /// <param name="from">The input.</param>
    /// <param name="y">Where outputs go, as C#: of one matrix in fours, of several one behind the other.</param>
    /// <param name="stride">From a token's outputs to the next one's, in elements, as C#.</param>
    protected virtual Step ByChannel(ChannelPlan plan, IReadOnlyList<Project> projects, Slot from, string y, string stride) =>
        SlicesOf(plan, projects, $"{Row(from)}.Cast<float>()", from, Tokens, y);

    /// <summary>The same of up to 16 tokens: a launch for each matrix, and one that adds up the slices of all.</summary>
    /// <param name="x">The input's first channel, as C#.</param>
    protected Step SlicesOf(ChannelPlan plan, IReadOnlyList<Project> projects, string x, Slot from, string tokens, string y)
    {
        var kernels = new ChannelKernels(Code, plan);
        DeviceKernel sum = kernels.Sum();
        Launch[] launches =
        [
            .. projects.Select(project => Launch(project, $"{project.Matrix.Variable} by channels", project.Matrix.Types(Spec).Select(type => Rows(project.Matrix, type)))),
            Launch(projects[0], "their slices", [sum]),
        ];
        return new(launches, () =>
        {
            for (int i = 0; i < projects.Count; i++)
            {
                Tensor matrix = projects[i].Matrix;
                string first = projects.Count == 1 ? "" : $", {plan.FirstQuad(i)}";
                ForType($"w.{matrix.Field}", matrix.Types(Spec), type =>
                {
                    DeviceKernel rows = Rows(matrix, type);
                    string config = Config(rows, $"{plan.Slices}", $"{new TogetherPlan(plan.Rows(matrix, type)).DownTiles}");
                    Code.Line(Run(rows, config, $"{WordsOfChannels(matrix, type)}, {x}, {tokens}, {ChannelSums}{first}"));
                });
            }

            string centre = plan.Channels.HasCentres ? $"w.{IlgpuDecoderClass.OfCentre(plan)}.Cast<Float4>(), {IsCentred(plan.Channels)}, " : "";
            Code.Line(Run(sum, Config(sum, kernels.SumGroups, tokens), $"{ChannelSums}, {centre}{y}"));
        });

        DeviceKernel Rows(Tensor matrix, WeightType type) => kernels.Rows(matrix, type, 4 * QuadsOf(from));
    }

    /// <summary>A matrix with a row for each channel, as kernels take it.</summary>
    public static string WordsOfChannels(Tensor matrix, WeightType type) =>
        Format.HasBlocks(type) ? $"w.{matrix.Field}.Words, w.{matrix.Field}.Scales.Cast<Words4>()" : $"w.{matrix.Field}.Words";

    /// <summary>Whether an input is its distance from a centre, as C#: 1 or 0.</summary>
    private static string IsCentred(InputChannels channels) =>
        $"Mode == SparsityMode.Predicted && {ThresholdTable.Centres(channels)}[layer] != 0f ? 1 : 0";

    /// <summary>Query, key and value by channels, rotated and cached.</summary>
    private Step HeadsByChannel(ChannelPlan plan, IReadOnlyList<Operation> group)
    {
        Project[] projects = [.. group.OfType<Project>()];
        return Together(ByChannel(plan, projects, projects[0].From, "_products", HeadsStride), Rotation(group));
    }

    /// <summary>What becomes of the products of query, key and value.</summary>
    /// <param name="heads">What is done to them.</param>
    protected abstract Step Rotation(IReadOnlyList<Operation> heads);

    /// <summary>The output projection by channels; its bias follows.</summary>
    private Step OutputByChannel(ChannelPlan plan, Project project, AddBias? bias)
    {
        Step product = ByChannel(plan, [project], Slot.Attended, Row(project.To), $"4 * {Quads(project.To)}");
        return bias is null ? product : Together(product, AddBias(bias));
    }
}
