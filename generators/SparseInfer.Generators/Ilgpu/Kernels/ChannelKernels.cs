using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Projections of one input that leave out some of its channels: these become zero and are counted; a group adds up the rows of its slice of the channels but
/// those of zeros, which it does not read; then slices are added in order.
/// </summary>
internal sealed class ChannelKernels(CodeWriter code, ChannelPlan plan)
{
    private const int MaxThreads = 1024;

    private readonly InputChannels _channels = plan.Channels;

    /// <summary>Threads of the one group that looks at a token's channels.</summary>
    private int Threads => Math.Min(MaxThreads, (plan.Width + RowPlan.Lanes - 1) / RowPlan.Lanes * RowPlan.Lanes);

    private int Warps => Threads / RowPlan.Lanes;

    /// <summary>Channels that are left out become zero; the others their distance from the centre, where there is one.</summary>
    /// <param name="stride">From a token's channels to the next one's.</param>
    public DeviceKernel Skip(int stride)
    {
        string measure = _channels.NormLayers is null ? "" : ", times the norm of their weights,";
        string what = _channels.HasCentres
            ? $"Channels whose distance from a centre{measure} is not larger than a threshold become zero, the others that distance"
            : $"Channels whose magnitude{measure} is not larger than a threshold become zero";
        return new(
            $"Skip{_channels.Use}Channels",
            Threads,
            $"{what}: rows of zeros are not read. How many are kept is added to the number of the token's place in a batch. A group a token.",
            [
                KernelParameter.Floats("values"), KernelParameter.Float("threshold"), .. _channels.HasCentres ? [KernelParameter.Float("centre")] : Array.Empty<KernelParameter>(),
                .. _channels.NormLayers is null ? [] : new[] { KernelParameter.Floats("norms") }, KernelParameter.Longs("kept"),
            ],
            () => EmitSkip(stride));
    }

    private void EmitSkip(int stride)
    {
        CountKernel.EmitStart(code, Warps);
        code.Line($"int start = Grid.IdxX * {stride};");
        code.Line("int ones = 0;");
        using (WarpCode.ForEach(code, "i", "thread", plan.Width, Threads))
        {
            code.Line("float value = values[start + i];");

            // In double precision, as on the CPU: the product of two floats is exact there, and nearly all differences are.
            string magnitude = _channels.HasCentres ? "Math.Abs((double)value - centre)" : _channels.NormLayers is null ? "MathF.Abs(value)" : "Math.Abs((double)value)";
            code.Line($"bool isSmall = {magnitude}{(_channels.NormLayers is null ? "" : " * norms[i]")} <= threshold;");
            code.Line($"values[start + i] = isSmall ? 0f : value{(_channels.HasCentres ? " - centre" : "")};");
            code.Line("ones += isSmall ? 0 : 1;");
        }

        code.Line();
        CountKernel.EmitEnd(code, Warps, "kept");
    }

    /// <summary>Rows of a slice of the channels, times their inputs.</summary>
    /// <param name="stride">From a token's channels to the next one's: a number.</param>
    public DeviceKernel Rows(Tensor matrix, WeightType type, int stride)
    {
        IlgpuFeedForwardPlan rows = plan.Rows(matrix, type);
        var names = new DownNames(
            "channel", "words", "rowScales", "x", $"{stride}", $"{plan.Width}", $"{plan.Slice}", $"{plan.Slices}", $"{rows.Row.Columns / 4}", $"{rows.Row.Words}", $"{rows.Row.Stride}")
        {
            SumQuads = $"{plan.Quads}",
            FirstQuad = plan.Matrices.Count > 1 ? "firstOfMatrix" : "",
        };
        return new TogetherDownKernel(code, rows, names).ByChannel(
            $"{_channels.Use}By{plan.Width}Channels{type}x{matrix.Rows.Size}",
            plan.Matrices.Count > 1 ? $"A projection with {matrix.Rows.Size} outputs" : "The projection");
    }

    /// <summary>The slices of every projection, added in order; and what the centre adds.</summary>
    public DeviceKernel Sum() => new(
        $"Sum{_channels.Use}Channels",
        ChannelPlan.SumThreads,
        $"Adds what {(plan.Slices == 1 ? "the slice" : $"{plan.Slices} slices")} of the channels made of {string.Join(", ", plan.Matrices.Select(matrix => matrix.Variable))}: in ascending order, four outputs a thread, a row of groups for each token.",
        [KernelParameter.Quads("partial"), .. Centre, HasManyOutputs ? KernelParameter.Floats("y") : KernelParameter.Quads("y")],
        EmitSum);

    private IEnumerable<KernelParameter> Centre => _channels.HasCentres ? OfCentre : [];

    /// <summary>What a centre adds to sums, and whether it does in this layer and mode.</summary>
    public static IReadOnlyList<KernelParameter> OfCentre { get; } = [KernelParameter.Quads("ofCentre"), KernelParameter.Int("isCentred")];

    /// <summary>Writes that it is added to a quad.</summary>
    public static void EmitCentre(CodeWriter code, string sum, string quad)
    {
        using (code.Block("if (isCentred == 1)"))
        {
            code.Line($"{sum} = Quad.Add({sum}, ofCentre[{quad}]);");
        }

        code.Line();
    }

    /// <summary>Whether several matrices' outputs are to lie one behind the other.</summary>
    private bool HasManyOutputs => plan.Matrices.Count > 1;

    /// <summary>Groups of a token's sum.</summary>
    public string SumGroups => $"{(plan.Quads + ChannelPlan.SumThreads - 1) / ChannelPlan.SumThreads}";

    private void EmitSum()
    {
        code.Line($"int quad = (Grid.IdxX * {ChannelPlan.SumThreads}) + Group.IdxX;");
        using (plan.Quads % ChannelPlan.SumThreads == 0 ? default(CodeWriter.Scope?) : code.Block($"if (quad < {plan.Quads})"))
        {
            EmitSlices("sum", "quad");
            if (!HasManyOutputs)
            {
                code.Line($"y[(Grid.IdxY * {plan.Quads}) + quad] = sum;");
                return;
            }

            EmitOutputs();
        }
    }

    /// <summary>Writes a quad's slices, added, and what the centre adds.</summary>
    /// <param name="sum">What that is called.</param>
    /// <param name="quad">The quad among those of all matrices, as C#.</param>
    private void EmitSlices(string sum, string quad)
    {
        string place = sum == "sum" ? "place" : $"placeOf{char.ToUpperInvariant(sum[0])}{sum.Substring(1)}";
        code.Line($"int {place} = (Grid.IdxY * {plan.Slices * plan.Quads}) + {quad};");
        code.Line($"Float4 {sum} = partial[{place}];");
        if (plan.Slices > 1)
        {
            using (code.Block($"for (int slice = 1; slice < {plan.Slices}; slice++)"))
            {
                code.Line($"{sum} = Quad.Add({sum}, partial[{place} + (slice * {plan.Quads})]);");
            }

            code.Line();
        }

        if (_channels.HasCentres)
        {
            EmitCentre(code, sum, quad);
        }
    }

    /// <summary>The slices of gate and up, added in order, and the neurons that they make.</summary>
    public DeviceKernel Activate(Neurons neurons) => new(
        "ActivateChannels",
        ChannelPlan.SumThreads,
        $"Adds what {(plan.Slices == 1 ? "the slice" : $"{plan.Slices} slices")} of the channels made of {string.Join(" and ", plan.Matrices.Select(matrix => matrix.Variable))}, in ascending order, and activates the neurons: four a thread, a row of groups for each token.",
        [
            KernelParameter.Quads("partial"), .. Centre, .. neurons.Biases.Select(bias => KernelParameter.Quads(bias.Variable)), KernelParameter.Quads("activated"),
        ],
        () => EmitActivate(neurons));

    /// <summary>Groups of a token's neurons.</summary>
    public string ActivateGroups => $"{(NeuronQuads + ChannelPlan.SumThreads - 1) / ChannelPlan.SumThreads}";

    private int NeuronQuads => plan.Quads / plan.Matrices.Count;

    private void EmitActivate(Neurons neurons)
    {
        code.Line($"int quad = (Grid.IdxX * {ChannelPlan.SumThreads}) + Group.IdxX;");
        using (NeuronQuads % ChannelPlan.SumThreads == 0 ? default(CodeWriter.Scope?) : code.Block($"if (quad < {NeuronQuads})"))
        {
            for (int i = 0; i < plan.Matrices.Count; i++)
            {
                string sum = plan.Matrices[i].Variable;
                EmitSlices(sum, i == 0 ? "quad" : $"quad + {plan.FirstQuad(i)}");
                if (neurons.Biases.Count > 0)
                {
                    code.Line($"{sum} = Quad.Add({sum}, {neurons.Biases[i].Variable}[quad]);");
                }
            }

            string Of(char element) => plan.Matrices.Count == 1 ? $"Activate({plan.Matrices[0].Variable}.{element})"
                : $"Neuron({string.Join(", ", plan.Matrices.Select(matrix => $"{matrix.Variable}.{element}"))})";
            code.Line($"activated[(Grid.IdxY * {NeuronQuads}) + quad] = new Float4({string.Join(", ", "XYZW".Select(Of))});");
        }
    }

    /// <summary>Writes the methods that <see cref="Activate"/> calls.</summary>
    public static void EmitNeuron(CodeWriter code, FeedForwardSpec spec)
    {
        code.Line(ActivationCode.Method(spec));
        if (!spec.Gated)
        {
            return;
        }

        code.Line();
        using (code.Block("private static float Neuron(float gate, float up)"))
        {
            code.Line("float activation = Activate(gate);");
            code.Line($"return activation == 0f ? 0f : activation * {(spec.Activation == Activation.DRelu ? "Activate(up)" : "up")};");
        }
    }

    /// <summary>Writes where a quad of one of several matrices goes: there is padding between their sums, and none between their outputs.</summary>
    private void EmitOutputs()
    {
        string ByMatrix(Func<int, int> value) => Enumerable.Range(0, plan.Matrices.Count - 1).Reverse()
            .Aggregate($"{value(plan.Matrices.Count - 1)}", (rest, i) => $"quad < {plan.FirstQuad(i + 1)} ? {value(i)} : {rest}");
        if (Enumerable.Range(0, plan.Matrices.Count).All(i => plan.FirstQuad(i) * 4 == plan.FirstOutput(i)))
        {
            code.Line("int output = quad * 4;");
        }
        else
        {
            code.Line("// Outputs of a matrix are padded to whole vectors among the sums.");
            code.Line($"int output = (quad * 4) - ({ByMatrix(i => (plan.FirstQuad(i) * 4) - plan.FirstOutput(i))});");
        }

        code.Line($"int end = {ByMatrix(i => plan.FirstOutput(i + 1))};");
        code.Line($"Quad.Store(y, (Grid.IdxY * {plan.Outputs}) + output, end - output, sum);");
    }
}
