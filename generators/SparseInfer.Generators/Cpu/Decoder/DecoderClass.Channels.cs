using SparseInfer.Generators.Declare;
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
    /// <summary>Uses whose matrices have a row for each channel.</summary>
    private IEnumerable<InputChannels> InputUses => _byChannels.Select(matrix => matrix.Channels).Distinct();

    /// <summary>All uses.</summary>
    private IEnumerable<InputChannels> ChannelUses =>
        InputUses.Concat(_program.Layer.OfType<Down>().Select(down => down.Channels).OfType<InputChannels>());

    private InputChannels? ChannelsOf(ChannelUse use) => ChannelUses.FirstOrDefault(channels => channels.Use == use);

    private bool IsByChannels(Tensor tensor) => _byChannels.Any(matrix => matrix.Matrix == tensor);

    /// <summary>Elements between two tokens' keys, as C#: whole vectors, where a product with rows for channels writes them.</summary>
    private string KeyValueStride => ChannelsOf(ChannelUse.Heads) is null ? "KeyValueWidth" : "PaddedKeyValueWidth";

    private string ChannelConstants => ChannelsOf(ChannelUse.Heads) is null ? ""
        : $"\nprivate const int PaddedKeyValueWidth = {WeightLayout.Pad(_plan.Shape.KeyValueWidth)};";

    private static string Scratch(InputChannels channels) => channels.Use switch
    {
        ChannelUse.Heads => "_headChannels",
        ChannelUse.Output => "_outputChannels",
        _ => "_feedForwardChannels",
    };

    private IReadOnlyList<Tensor> MatricesOf(InputChannels channels) => [.. _byChannels.Where(matrix => matrix.Channels == channels).Select(matrix => matrix.Matrix)];

    /// <summary>The channels of a use, as C#.</summary>
    private string Width(InputChannels channels) => MatricesOf(channels)[0].Columns!.Name == "Hidden" ? "Hidden" : "Heads * HeadDimension";

    private int Slices(InputChannels channels) => FeedForwardPlan.SlicesOf(MatricesOf(channels)[0].Columns!.Size);

    /// <summary>Where a matrix's outputs begin in the partial sums of its use, as C#.</summary>
    private string Place(Tensor matrix) => matrix.Field switch
    {
        "Key" => "PaddedQueryWidth",
        "Value" => "PaddedQueryWidth + PaddedKeyValueWidth",
        "Up" when _spec.FeedForward.Gated => "PaddedIntermediate",
        _ => "0",
    };

    private IEnumerable<string> DescribeChannels() => InputUses.Select((channels, i) =>
        $"  {(i == 0 ? "by channel" : ""),-12} {string.Join(", ", MatricesOf(channels).Select(matrix => matrix.Variable))}: "
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
        foreach (InputChannels channels in InputUses)
        {
            _code.Line($"private readonly ChannelScratch {Scratch(channels)};");
        }
    }

    private void EmitChannelScratch()
    {
        foreach (InputChannels channels in InputUses)
        {
            string outputs = channels.Use switch
            {
                ChannelUse.Heads => "PaddedQueryWidth + (2 * PaddedKeyValueWidth)",
                ChannelUse.Output => "PaddedHidden",
                _ => _spec.FeedForward.Gated ? "2 * PaddedIntermediate" : "PaddedIntermediate",
            };
            _code.Line($"{Scratch(channels)} = new ChannelScratch(Workers.Count, new NeuronSlices({Width(channels)}, {Slices(channels)}), {outputs});");
        }
    }

    /// <summary>Where a layer has the norms of channels' weights, where any has.</summary>
    private static string Norms(InputChannels channels) => $"{channels.Use}Norms";

    /// <summary>Where a layer has what the centre of a matrix's input adds to its outputs, where any has a centre.</summary>
    private static string OfCentre(Tensor matrix) => $"{matrix.Field}OfCentre";

    /// <summary>Matrices whose inputs have centres.</summary>
    private IEnumerable<(Tensor Matrix, InputChannels Channels)> Centred => _byChannels
        .Concat(_program.Layer.OfType<Down>().Where(down => down.Channels is not null).Select(down => (Matrix: down.Matrix, Channels: down.Channels!)))
        .Where(matrix => matrix.Channels.HasCentres);

    /// <summary>Vectors of a layer that are made of matrices, as fields.</summary>
    private IEnumerable<string> ChannelVectors =>
        InputUses.Where(channels => channels.NormLayers is not null).Select(Norms).Concat(Centred.Select(matrix => OfCentre(matrix.Matrix)));

    /// <summary>Writes how they are made.</summary>
    private void EmitBindChannels()
    {
        foreach (var (matrix, channels) in Centred.Where(matrix => matrix.Channels.Use != ChannelUse.Down))
        {
            EmitBindCentre(matrix, channels, $"w.{matrix.Field}{(_calls.Of(matrix).Single ? "" : ".Weights")}");
        }

        foreach (InputChannels channels in InputUses.Where(channels => channels.NormLayers is not null))
        {
            string matrices = string.Concat(MatricesOf(channels).Select(matrix => $", ({TensorCalls.Reference(matrix)}, w.{matrix.Field}{(_calls.Of(matrix).Single ? "" : ".Weights")})"));
            using (channels.NormLayers!.Length == 0 ? default(CodeWriter.Scope?) : _code.Block($"if ({channels.NormLayers})"))
            {
                _code.Line($"w.{Norms(channels)} = bind.ColumnNorms(layer{matrices});");
            }
        }
    }

    /// <summary>Writes the same for down, where its input has centres.</summary>
    private void EmitBindDownCentre(Tensor down)
    {
        if (ChannelsOf(ChannelUse.Down) is { HasCentres: true } channels)
        {
            EmitBindCentre(down, channels, $"feedForward.{down.Field}");
        }
    }

    private void EmitBindCentre(Tensor matrix, InputChannels channels, string weights) =>
        _code.Line($"w.{OfCentre(matrix)} = bind.OfCentre({TensorCalls.Reference(matrix)}, layer, {weights}, {ThresholdTable.Centres(channels)}[layer]);");

    /// <summary>What choosing channels takes beside the threshold, as C#: nothing where magnitudes are those of the input.</summary>
    private static string Measure(InputChannels channels) => !channels.HasCentres && channels.NormLayers is null ? ""
        : $", {(channels.HasCentres ? $"{channels.Use}Centre(layer)" : "0f")}, {(channels.NormLayers is null ? "default" : $"w.{Norms(channels)}")}";

    /// <summary>What the centre of a matrix's input adds to its outputs, as C#.</summary>
    /// <param name="batch">What else has to be true, where tokens are a batch's.</param>
    private static string AddCentre(Tensor matrix, InputChannels channels, string batch, string y, string from, string to) => $$"""
        if ({{batch}}{{channels.Use}}Centre(layer) != 0f)
        {
            {{Bias(y, $"w.{OfCentre(matrix)}", from, to)}}
        }
        """;

    /// <summary>Writes what both passes ask of the channels.</summary>
    private void EmitChannels()
    {
        foreach (InputChannels channels in ChannelUses)
        {
            _code.Line();
            _code.Summary($"Channels of {ThresholdTable.InputOf(channels)} are skipped where they are not larger.");
            _code.Line($"private float {channels.Use}Threshold(int layer) => Mode == SparsityMode.Predicted ? {ThresholdTable.Name(channels)}[layer] : ChannelScratch.EveryChannel;");
            _code.Line();
            if (channels.HasCentres)
            {
                _code.Summary("What they are measured from.");
                _code.Line($"private float {channels.Use}Centre(int layer) => Mode == SparsityMode.Predicted ? {ThresholdTable.Centres(channels)}[layer] : 0f;");
                _code.Line();
            }

            if (channels.Use == ChannelUse.Down)
            {
                EmitKeepLarger(channels.HasCentres ? ", DownCentre(layer)" : "", Measure(channels));
                continue;
            }

            _code.Summary("Sets those of a batch's token to zero: its tokens differ in their channels, and share every row.");
            using (_code.Block($"private void Skip{channels.Use}Channels<TMeter>(int worker, int layer, Layer w, ref float x, int channels)\n    where TMeter : struct, IMeter"))
            {
                EmitUnlessDense();
                _code.Line($"int kept = ChannelScratch.Mask(ref x, channels, {channels.Use}Threshold(layer){Measure(channels)});");
                EmitCount(channels, "channels");
            }

            if (channels.Use == ChannelUse.FeedForward)
            {
                EmitActivateSums(channels);
            }
        }
    }

    private void EmitUnlessDense()
    {
        using (_code.Block("if (IsDenseBatch)"))
        {
            _code.Line("return;");
        }

        _code.Line();
    }

    private void EmitCount(InputChannels channels, string all, string kept = "kept")
    {
        using (_code.Block("if (TMeter.IsOn)"))
        {
            _code.Line("ref LayerTally tally = ref Tally(worker, layer);");
            string bytes = string.Join(" + ", MatricesOf(channels).Select(matrix => $"{Field(matrix)}{(_calls.Of(matrix).Single ? "" : ".Weights")}.NeuronBytes"));
            if (channels.Use == ChannelUse.FeedForward)
            {
                _code.Line($"tally.CountChannels({channels.Use}Threshold(layer), {all}, {kept}, 0);");
                _code.Line($"tally.Bytes += {kept} * ({bytes});");
            }
            else
            {
                _code.Line($"tally.CountChannels({channels.Use}Threshold(layer), {all}, {kept}, {bytes});");
            }
        }
    }

    /// <summary>Writes how neurons are left out that down does not read, of a token's list and of a batch.</summary>
    /// <param name="centre">What a token's list takes beside the threshold, as C#.</param>
    /// <param name="measure">And a batch.</param>
    private void EmitKeepLarger(string centre, string measure)
    {
        _code.Summary("Takes them off a worker's list of neurons.");
        using (_code.Block("private void KeepLarger<TMeter>(int worker, int layer, FeedForwardSlot slot, nint bytes)\n    where TMeter : struct, IMeter"))
        {
            _code.Line("int count = slot.Count;");
            _code.Line($"int kept = slot.KeepLarger(DownThreshold(layer){centre});");
            _code.Lines("""
                if (TMeter.IsOn)
                {
                    Tally(worker, layer).CountChannels(DownThreshold(layer), count, kept, 0);
                    Tally(worker, layer).Bytes -= (count - kept) * bytes;
                }
                """);
        }

        _code.Line();
        _code.Summary("Sets them to zero in this worker's neurons of a batch.");
        using (_code.Block("private void SkipDownChannels<TMeter>(int worker, int layer, nint bytes, int tokens, int fromNeuron, int toNeuron)\n    where TMeter : struct, IMeter"))
        {
            EmitUnlessDense();
            _code.Lines($$"""
                int neurons = Math.Max(0, Math.Min(toNeuron, Intermediate) - fromNeuron);
                for (int i = 0; i < tokens; i++)
                {
                    ref float h = ref Unsafe.Add(ref _activated.Ref<float>(), (i * (nint)PaddedIntermediate) + fromNeuron);
                    int kept = ChannelScratch.Mask(ref h, neurons, DownThreshold(layer){{measure}});
                    if (TMeter.IsOn)
                    {
                        Tally(worker, layer).CountChannels(DownThreshold(layer), neurons, kept, 0);
                        Tally(worker, layer).Bytes -= (neurons - kept) * bytes;
                    }
                }
                """);
        }
    }

    /// <summary>Writes what becomes of the sums of gate and up: of a token's, and of a batch's products.</summary>
    private void EmitActivateSums(InputChannels channels)
    {
        Neurons neurons = _program.Layer.OfType<Neurons>().Single();
        bool gated = neurons.Spec.Gated;
        _code.Line();
        _code.Line(GeneratedAttributes.Inline);
        _code.Line(ActivationCode.Method(neurons.Spec));
        _code.Line();
        _code.Summary("This worker's neurons: the slices' sums, activated. All of them go on its list.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block("private void ActivateSums<TMeter>(int worker, int layer, Layer w, nint bytes)\n    where TMeter : struct, IMeter"))
        {
            _code.Line("FeedForwardSlot slot = _scratch[worker];");
            _code.Line("(int from, int to) = _scratch.Neurons(worker);");
            EmitRows(neurons, "0");
            foreach (Tensor matrix in neurons.Matrices)
            {
                _code.Line($"OrderedDown.SumChannels(_feedForwardChannels, {Place(matrix)}, ref {matrix.Variable}, from, to);");
            }

            EmitNeuronCentres(neurons, channels, "");
            EmitNeuronBiases(neurons, "from", "to");
            using (_code.Block("for (int i = from; i < to; i++)"))
            {
                _code.Line("Unsafe.Add(ref slot.Active, i - from) = i;");
                _code.Line($"Unsafe.Add(ref slot.Values, i - from) = {Neuron(neurons.Spec)};");
            }

            _code.Line();
            _code.Line("slot.Count = to - from;");
            using (_code.Block("if (TMeter.IsOn)"))
            {
                _code.Line("CountNeurons(ref Tally(worker, layer), ref slot.Values, to - from, bytes);");
            }
        }

        _code.Line();
        _code.Summary("The same of a batch, whose products are there.");
        _code.Line(GeneratedAttributes.Hot);
        using (_code.Block("private void ActivateProducts<TMeter>(int worker, int layer, Layer w, nint bytes, int tokens, int from, int to)\n    where TMeter : struct, IMeter"))
        {
            _code.Line("to = Math.Min(to, Intermediate);");
            using (_code.Block("for (int token = 0; token < tokens; token++)"))
            {
                EmitRows(neurons, "token");
                EmitNeuronCentres(neurons, channels, "!IsDenseBatch && ");
                EmitNeuronBiases(neurons, "from", "to");
                using (_code.Block("for (int i = from; i < to; i++)"))
                {
                    _code.Line($"Unsafe.Add(ref {neurons.Matrices[0].Variable}, i) = {Neuron(neurons.Spec)};");
                }

                _code.Line();
                using (_code.Block("if (TMeter.IsOn && !IsDenseBatch && from < to)"))
                {
                    _code.Line($"CountNeurons(ref Tally(worker, layer), ref Unsafe.Add(ref {neurons.Matrices[0].Variable}, from), to - from, bytes);");
                }
            }
        }

        _code.Line();
        using (_code.Block("private static void CountNeurons(ref LayerTally tally, ref float values, int neurons, nint bytes)"))
        {
            _code.Lines("""
                tally.Neurons += neurons;
                tally.Inactive += MemoryMarshal.CreateReadOnlySpan(ref values, neurons).Count(0f);
                tally.Bytes += neurons * bytes;
                """);
        }
    }

    private void EmitRows(Neurons neurons, string token)
    {
        for (int i = 0; i < neurons.Matrices.Count; i++)
        {
            string buffer = i == 0 ? "_activated" : "_other";
            _code.Line($"ref float {neurons.Matrices[i].Variable} = ref {(token == "0" ? $"{buffer}.Ref<float>()" : $"Unsafe.Add(ref {buffer}.Ref<float>(), {token} * (nint)PaddedIntermediate)")};");
        }
    }

    private void EmitNeuronCentres(Neurons neurons, InputChannels channels, string batch)
    {
        foreach (Tensor matrix in neurons.Matrices.Where(_ => channels.HasCentres))
        {
            _code.Lines(AddCentre(matrix, channels, batch, matrix.Variable, "from", "to"));
        }
    }

    private void EmitNeuronBiases(Neurons neurons, string from, string to)
    {
        for (int i = 0; i < neurons.Biases.Count; i++)
        {
            _code.Line(Bias(neurons.Matrices[i].Variable, Field(neurons.Biases[i]), from, to));
        }
    }

    private static string Neuron(FeedForwardSpec spec) => spec switch
    {
        { Gated: false } => "Activate(Unsafe.Add(ref up, i))",
        { Activation: Activation.DRelu } => "Activate(Unsafe.Add(ref gate, i)) * Activate(Unsafe.Add(ref up, i))",
        _ => "Activate(Unsafe.Add(ref gate, i)) * Unsafe.Add(ref up, i)",
    };

    private abstract partial class Pass
    {
        /// <summary>The operations, where projections by channels have only the slices to add up, which are summed before them.</summary>
        /// <param name="isSliced">Whether a use of channels is done so.</param>
        protected static IReadOnlyList<Operation> Sliced(IReadOnlyList<Operation> operations, Func<InputChannels, bool> isSliced)
        {
            var begun = new HashSet<InputChannels>();
            return
            [
                .. operations.SelectMany(operation => operation switch
                {
                    Project { Channels: { } channels } project when isSliced(channels) => (Operation[])
                    [
                        .. begun.Add(channels)
                            ? [new SumChannels(channels, [.. operations.OfType<Project>().Where(other => other.Channels == channels).Select(other => other.Matrix)], project.From)]
                            : Array.Empty<Operation>(),
                        project with { Reads = new[] { channels.Sums }.ToEquatableArray() },
                    ],
                    Neurons { Channels: { } channels } neurons when isSliced(channels) =>
                        [new SumChannels(channels, neurons.Matrices, Slot.Normed), neurons with { Reads = new[] { channels.Sums }.ToEquatableArray() }],
                    _ => [operation],
                }),
            ];
        }

        /// <summary>Down, after neurons that it leaves out.</summary>
        protected static IEnumerable<Operation> WithKept(Operation operation) =>
            operation is Down { Channels: { } channels } ? [new KeepLarger(channels), operation] : [operation];

        protected abstract void EmitSumChannels(SumChannels sum);
    }

    private sealed partial class TokenPass
    {
        protected override void EmitSumChannels(SumChannels sum)
        {
            string scratch = Scratch(sum.Channels);
            string kept = $"keptFor{sum.Channels.Use}";
            string x = sum.Channels.Use == ChannelUse.FeedForward ? Decoder.FeedForwardInput : sum.From == Slot.Attended ? "attended" : "input";
            if (sum.From != Slot.Attended)
            {
                Code.Line();
            }

            Code.Line("// The channels that are kept, in this worker's slices of them: what their rows add to the outputs.");
            Code.Line($"int {kept} = {scratch}.Select(worker, ref {x}, {sum.Channels.Use}Threshold(layer){Measure(sum.Channels)});");
            foreach (Tensor matrix in sum.Matrices)
            {
                Code.Line(Calls(matrix).AccumulateChannels(Field(matrix), scratch, Decoder.Place(matrix)));
            }

            Decoder.EmitCount(sum.Channels, $"{scratch}.Channels(worker)", kept);
            Code.Line();
        }
    }

    private sealed partial class PromptPass
    {
        protected override void EmitSumChannels(SumChannels sum)
        {
            Code.Line();
            Code.Line("// Every row, times channels of which some are zero: this worker's outputs.");
            Code.Line("(int fromQuery, int toQuery) = WorkerGroup.Slice(PaddedQueryWidth, Workers.Count, worker, 32);");
            Code.Line("(int fromKey, int toKey) = WorkerGroup.Slice(PaddedKeyValueWidth, Workers.Count, worker, 32);");
            foreach (Tensor matrix in sum.Matrices)
            {
                (string to, string stride, string columns) = matrix.Field switch
                {
                    "Query" => ("Queries", "PaddedQueryWidth", "Query"),
                    "Key" => ("Keys", "PaddedKeyValueWidth", "Key"),
                    _ => ("Values", "PaddedKeyValueWidth", "Key"),
                };
                Code.Line(Calls(matrix).MultiplyChannels(
                    Field(matrix), $"{Scratch(sum.Channels)}.Slices", Input("Normed(0)", "InputWidth"), $"ref {to}(0), {stride}", $"from{columns}", $"to{columns}"));
            }
        }

        /// <summary>The products of gate and up with every channel, activated: this worker's neurons.</summary>
        private string ByChannels(Neurons neurons, string bytes) => string.Join("\n",
        [
            .. neurons.Matrices.Select((matrix, i) => Calls(matrix).MultiplyChannels(
                Field(matrix),
                "_feedForwardChannels.Slices",
                Input("Normed(0)", "InputWidth"),
                $"ref {(i == 0 ? "_activated" : "_other")}.Ref<float>(), PaddedIntermediate",
                "fromNeuron",
                "toNeuron")),
            $"ActivateProducts<TMeter>(worker, layer, w, {bytes}, tokens, fromNeuron, toNeuron);",
        ]);

        /// <summary>Writes that channels of a token are set to zero, where projections choose among them.</summary>
        /// <param name="x">The first of them.</param>
        /// <param name="channels">How many.</param>
        private void EmitSkip(ChannelUse? use, string x, string channels)
        {
            if (use is { } chosen && Decoder.ChannelsOf(chosen) is not null)
            {
                Code.Line($"Skip{use}Channels<TMeter>(worker, layer, w, ref {x}, {channels});");
            }
        }
    }
}
