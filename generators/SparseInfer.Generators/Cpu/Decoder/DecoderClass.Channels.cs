using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>
/// Projections that leave out small channels of their input. Their matrices have a row for each channel, in every layer and mode, and are summed as down
/// is: slices of the channels, which belong to the shape, then the slices in order. So every mode has the same bits where it reads the same channels.
/// </summary>
internal sealed partial class DecoderClass
{
    /// <summary>Most slices, and the channels that are worth one, as down has them.</summary>
    private const int MaxChannelSlices = 24;

    private const int MinChannelSlice = 64;

    private IEnumerable<InputChannels> ChannelUses => _byChannels.Select(project => project.Channels!).Distinct();

    private InputChannels? ChannelsOf(Stage stage) => ChannelUses.FirstOrDefault(channels => channels.Stage == stage);

    private bool IsByChannels(Tensor tensor) => _byChannels.Any(project => project.Matrix == tensor);

    /// <summary>Elements between two tokens' keys, as C#: whole vectors, where a product with rows for channels writes them.</summary>
    private string KeyValueStride => ChannelsOf(Stage.Heads) is null ? "KeyValueWidth" : "PaddedKeyValueWidth";

    private string ChannelConstants => ChannelsOf(Stage.Heads) is null ? ""
        : $"\nprivate const int PaddedKeyValueWidth = {WeightLayout.Pad(_plan.Shape.KeyValueWidth)};";

    private static string Scratch(InputChannels channels) => channels.Stage == Stage.Heads ? "_headChannels" : "_outputChannels";

    private IReadOnlyList<Project> ProjectionsOf(InputChannels channels) => [.. _byChannels.Where(project => project.Channels == channels)];

    /// <summary>The channels of a use, as C#.</summary>
    private string Width(InputChannels channels) => ProjectionsOf(channels)[0].Matrix.Columns!.Name == "Hidden" ? "Hidden" : "Heads * HeadDimension";

    private int Slices(InputChannels channels) =>
        Math.Min(MaxChannelSlices, (ProjectionsOf(channels)[0].Matrix.Columns!.Size + MinChannelSlice - 1) / MinChannelSlice);

    /// <summary>Where a projection's outputs begin in the partial sums of its stage, as C#.</summary>
    private static string Place(Project project) => project.To == Slot.Keys ? "PaddedQueryWidth"
        : project.To == Slot.Values ? "PaddedQueryWidth + PaddedKeyValueWidth"
        : "0";

    private IEnumerable<string> DescribeChannels() => ChannelUses.Select((channels, i) =>
        $"  {(i == 0 ? "by channel" : ""),-12} {string.Join(", ", ProjectionsOf(channels).Select(project => project.Matrix.Variable))}: "
        + $"a row for each input, summed in {Slices(channels)} slices; prompts and batches read every row");

    private void EmitThresholds()
    {
        foreach (InputChannels channels in ChannelUses)
        {
            ThresholdTable.Emit(_code, channels);
        }
    }

    private void EmitChannelFields()
    {
        foreach (InputChannels channels in ChannelUses)
        {
            _code.Line($"private readonly ChannelScratch {Scratch(channels)};");
        }
    }

    private void EmitChannelScratch()
    {
        foreach (InputChannels channels in ChannelUses)
        {
            string outputs = channels.Stage == Stage.Heads ? "PaddedQueryWidth + (2 * PaddedKeyValueWidth)" : "PaddedHidden";
            _code.Line($"{Scratch(channels)} = new ChannelScratch(Workers.Count, new NeuronSlices({Width(channels)}, {Slices(channels)}), {outputs});");
        }
    }

    /// <summary>Writes what both passes ask of the channels.</summary>
    private void EmitChannels()
    {
        foreach (InputChannels channels in ChannelUses)
        {
            _code.Line();
            _code.Summary($"Channels of {ThresholdTable.InputOf(channels)} are skipped where they are not larger.");
            _code.Line($"private float {channels.Stage}Threshold(int layer) => Mode == SparsityMode.Predicted ? {ThresholdTable.Name(channels)}[layer] : ChannelScratch.EveryChannel;");
            _code.Line();
            _code.Summary($"Sets those of a batch's token to zero: its tokens differ in their channels, and share every row.");
            using (_code.Block($"private void Skip{channels.Stage}Channels<TMeter>(int worker, int layer, Layer w, ref float x, int channels)\n    where TMeter : struct, IMeter"))
            {
                using (_code.Block("if (IsDenseBatch)"))
                {
                    _code.Line("return;");
                }

                _code.Line();
                _code.Line($"int kept = ChannelScratch.Mask(ref x, channels, {channels.Stage}Threshold(layer));");
                EmitCount(channels, "channels");
            }
        }
    }

    private void EmitCount(InputChannels channels, string all, string kept = "kept")
    {
        using (_code.Block("if (TMeter.IsOn)"))
        {
            string bytes = string.Join(" + ", ProjectionsOf(channels).Select(project =>
                $"{Field(project.Matrix)}{(_calls.Of(project.Matrix).Single ? "" : ".Weights")}.NeuronBytes"));
            _code.Line($"Tally(worker, layer).CountChannels({all}, {kept}, {bytes});");
        }
    }

    private abstract partial class Pass
    {
        /// <summary>The operations, where projections by channels have only the slices to add up, which are summed before them.</summary>
        /// <param name="isSliced">Whether a use of channels is done so.</param>
        protected static IReadOnlyList<Operation> Sliced(IReadOnlyList<Operation> operations, Func<InputChannels, bool> isSliced)
        {
            var begun = new HashSet<InputChannels>();
            return
            [
                .. operations.SelectMany(operation => operation is Project { Channels: { } channels } project && isSliced(channels)
                    ? (Operation[])
                    [
                        .. begun.Add(channels)
                            ? [new SumChannels(channels, [.. operations.OfType<Project>().Where(other => other.Channels == channels)])]
                            : Array.Empty<Operation>(),
                        project with { Reads = new[] { channels.Sums }.ToEquatableArray() },
                    ]
                    : [operation]),
            ];
        }

        protected abstract void EmitSumChannels(SumChannels sum);
    }

    private sealed partial class TokenPass
    {
        protected override void EmitSumChannels(SumChannels sum)
        {
            string scratch = Scratch(sum.Channels);
            string kept = sum.Stage == Stage.Heads ? "keptForHeads" : "keptForOutput";
            string x = sum.Projections[0].From == Slot.Attended ? "attended" : "input";
            if (sum.Stage == Stage.Heads)
            {
                Code.Line();
            }

            Code.Line("// The channels that are kept, in this worker's slices of them: what their rows add to the outputs.");
            Code.Line($"int {kept} = {scratch}.Select(worker, ref {x}, {sum.Stage}Threshold(layer));");
            foreach (Project project in sum.Projections)
            {
                Code.Line(Calls(project.Matrix).AccumulateChannels(Field(project.Matrix), scratch, Place(project)));
            }

            Decoder.EmitCount(sum.Channels, $"{scratch}.Channels(worker)", kept);
            Code.Line();
        }
    }

    private sealed partial class PromptPass
    {
        protected override void EmitSumChannels(SumChannels sum)
        {
            Code.Line("// Every row, times channels of which some are zero: this worker's outputs.");
            Code.Line("(int fromQuery, int toQuery) = WorkerGroup.Slice(PaddedQueryWidth, Workers.Count, worker, 32);");
            Code.Line("(int fromKey, int toKey) = WorkerGroup.Slice(PaddedKeyValueWidth, Workers.Count, worker, 32);");
            foreach (Project project in sum.Projections)
            {
                string unit = project.To == Slot.Queries ? "Query" : "Key";
                Code.Line(Calls(project.Matrix).MultiplyChannels(
                    Field(project.Matrix),
                    $"{Scratch(sum.Channels)}.Slices",
                    Input("Normed(0)", "InputWidth"),
                    $"ref {project.To}(0), {(project.To == Slot.Queries ? "PaddedQueryWidth" : "PaddedKeyValueWidth")}",
                    $"from{unit}",
                    $"to{unit}"));
            }
        }

        /// <summary>Writes that channels of a token are set to zero, where projections choose among them.</summary>
        /// <param name="x">The first of them.</param>
        /// <param name="channels">How many.</param>
        private void EmitSkip(Stage stage, string x, string channels)
        {
            if (Decoder.ChannelsOf(stage) is not null)
            {
                Code.Line($"Skip{stage}Channels<TMeter>(worker, layer, w, ref {x}, {channels});");
            }
        }
    }
}
