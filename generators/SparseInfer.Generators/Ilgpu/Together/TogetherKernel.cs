using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Writes a policy's kernel for several tokens together, up to their activations: a group predicts its neurons for every token, and reads gate
/// and up once for the neurons that any token wants.
/// </summary>
/// <remarks>
/// Each token's sums have the order that they have in <see cref="FusedKernel"/>. They end in two lanes of each token, which compute
/// its activations: all tokens side by side, two of a warp's four rows a lane.
/// </remarks>
internal sealed class TogetherKernel(CodeWriter code, IlgpuFeedForwardPlan single, IlgpuKernelEmitter policy)
{
    private readonly TogetherPlan _plan = new(single);
    private readonly RowPlan _row = single.Row;
    private readonly bool _predicts = policy.Predicts;
    private readonly bool _hasGates = single.Shape.NeedsAllGates;

    /// <summary>Rows of a warp.</summary>
    private const int Four = 4;

    private static readonly string[] Pairs = ["AB", "CD"];

    /// <summary>The kernel's name.</summary>
    public static string Name(IlgpuKernelEmitter policy) => policy.Name + "Together";

    /// <summary>The kernel's parameters: type and name.</summary>
    public static IEnumerable<(string Type, string Name)> Parameters(IlgpuFeedForwardPlan plan, IlgpuKernelEmitter policy)
    {
        foreach ((string type, string name) in FusedKernel.Parameters(plan, policy))
        {
            switch (name)
            {
                case "partial":
                    yield return ("int", "tokens");
                    yield return ("ArrayView<float>", "activated");
                    break;
                case "counts" or "squares" or "gates": // gates lie where activations will
                    break;
                default:
                    yield return (type, name);
                    break;
            }
        }
    }

    /// <summary>The kernel of the gates, where all of them are there before any is activated.</summary>
    public const string GatesName = "GatesTogether";

    public static IEnumerable<(string Type, string Name)> GatesParameters =>
        [("Weights", "w"), ("ArrayView<Float4>", "x"), ("int", "tokens"), (CutKernels.GatesParameter.Type, CutKernels.GatesParameter.Name)];

    /// <summary>Writes it.</summary>
    public void EmitGates()
    {
        code.Summary($"{single.Shape.First} of all neurons, of up to {TogetherPlan.Tokens} tokens: its rows are read once.");
        string parameters = string.Join(", ", GatesParameters.Select(parameter => $"{parameter.Type} {parameter.Name}"));
        using (code.Block($"internal static void {GatesName}({parameters})"))
        {
            EmitStart(readsRows: true);
            code.Line("// Four rows for a warp. All warps go on together, for they share what is staged.");
            using (ForNeurons())
            {
                EmitDots("gate", single.Shape.First, Exists);
                foreach (string pair in Pairs)
                {
                    code.Line($"int neuron{pair} = own == 0 ? neuron{pair[0]} : neuron{pair[1]};");
                    EmitStore(pair, "gates", $"gate{pair}");
                }
            }
        }
    }

    public void Emit()
    {
        code.Summary($"{policy.Summary(single)} Up to {TogetherPlan.Tokens} tokens: what any of them wants is read once.");
        string parameters = string.Join(", ", Parameters(single, policy).Select(parameter => $"{parameter.Type} {parameter.Name}"));
        using (code.Block($"internal static void {Name(policy)}({parameters})"))
        {
            EmitStart(readsRows: single.Spec.Gated || !_hasGates);
            EmitNeurons();
        }
    }

    /// <param name="readsRows">Whether rows are dotted with the inputs.</param>
    private void EmitStart(bool readsRows)
    {
        if (readsRows)
        {
            WarpCode.EmitInput(code, TogetherCode.Staged(_row));
        }

        if (readsRows && _row.IsBlock)
        {
            code.Line("ArrayView<uint> inputWords = input.Cast<uint>();");
        }

        if (_predicts)
        {
            code.Line("ArrayView<uint> bits = SharedMemory.Allocate<uint>(TogetherWarps);");
            code.Line("ArrayView<int> neurons = SharedMemory.Allocate<int>(TogetherNeurons);");
            code.Line("ArrayView<uint> wanted = SharedMemory.Allocate<uint>(TogetherNeurons);");
        }

        code.Lines(WarpCode.Place);
        code.Line("int token = lane / 2; // whose sums the lane has, of two rows out of four");
        code.Line("int own = lane & 1;");
        if (readsRows)
        {
            code.Line($"int inputs = {TogetherCode.Inputs(_row)}; // staged at a time");
        }

        code.Line("int first = Grid.IdxX * TogetherNeurons;");
        code.Line();
        if (_predicts)
        {
            EmitPrediction();
        }
        else if (!_plan.IsExact)
        {
            code.Line("int count = first + TogetherNeurons < Intermediate ? TogetherNeurons : Intermediate - first;");
        }

        if (readsRows && _row.Steps == 1)
        {
            TogetherCode.EmitStage(code, _row, TogetherPlan.Threads, "HiddenQuads");
            code.Line();
            code.Line("Group.Barrier();");
            code.Line();
        }
    }

    private void EmitPrediction()
    {
        code.Line($"int firstOfWarp = first + (warp * {_plan.WarpNeurons});");
        code.Line("uint listed = 0u;");
        code.Line("uint mine = 0u; // which tokens want the lane's neuron");
        code.Line($"// Predict: {policy.PredictionText}, four neurons and all tokens at a time.");
        using (code.Block($"for (int n = 0; n < {_plan.WarpNeurons}; n += {Four})"))
        {
            policy.EmitSelectTogether(code, _plan);
            for (int k = 0; k < Four; k++)
            {
                string pair = Pairs[k / 2];
                string n = k == 0 ? "n" : $"n + {k}";
                if (k % 2 == 0)
                {
                    code.Line($"uint wanted{pair} = Lanes.Bits(wants{pair}, lane);");
                }

                code.Line($"uint wants{TogetherCode.Rows[k]} = {(k % 2 == 0 ? $"wanted{pair}" : $"(wanted{pair} >> 1)")} & {TogetherCode.EvenLanes};");
                code.Line($"listed |= wants{TogetherCode.Rows[k]} != 0u ? 1u << {(k == 0 ? n : $"({n})")} : 0u;");
                code.Line($"mine = lane == {n} ? wants{TogetherCode.Rows[k]} : mine;");
            }
        }

        code.Line();
        NeuronCode.EmitInside(code, _plan.IsExact, _plan.WarpNeurons, $"{_plan.WarpNeurons}");
        if (!_plan.IsExact)
        {
            code.Line("listed &= inside;");
        }

        code.Line();
        code.Line("// What any token wants becomes a list, in ascending order.");
        NeuronCode.EmitCompaction(code, "listed", "count", "place", "TogetherWarps");
        using (code.Block("if (((listed >> lane) & 1u) != 0u)"))
        {
            code.Line($"int entryOfLane = place + {NeuronCode.Before("listed")};");
            code.Line("neurons[entryOfLane] = firstOfWarp + lane;");
            code.Line("wanted[entryOfLane] = mine;");
        }

        code.Line();
        using (code.Block("if ((((inside & ~listed) >> lane) & 1u) != 0u)"))
        {
            using (code.Block("for (int unread = 0; unread < tokens; unread++)"))
            {
                code.Line("activated[(unread * ActivatedStride) + firstOfWarp + lane] = 0f;");
            }
        }

        code.Line();
        code.Line("Group.Barrier();");
        code.Line();
    }

    /// <summary>Whether each group goes through all its neurons, and no group has fewer: then every row of a warp exists.</summary>
    private bool IsWhole => !_predicts && _plan.IsExact;

    private string Count => _predicts || !_plan.IsExact ? "count" : "TogetherNeurons";

    private void EmitNeurons()
    {
        string first = single.Shape.First;
        string gate = first.ToLowerInvariant();
        string phases = NeuronCode.Phases(single);
        code.Line($"// {phases}: four rows for a warp. All warps go on together, for they share what is staged.");
        using (ForNeurons())
        {
            if (!_hasGates)
            {
                EmitDots(gate, first, Exists);
            }

            foreach (string pair in Pairs)
            {
                EmitActivation(pair, gate, first);
            }

            if (single.Spec.Gated)
            {
                EmitDots("up", "Up", k => policy.Skips
                    ? $"(kept{Pairs[k / 2]} & {(k % 2 == 0 ? TogetherCode.EvenLanes : $"~{TogetherCode.EvenLanes}")}) != 0u"
                    : Exists(k));
            }

            foreach (string pair in Pairs)
            {
                code.Line($"float value{pair} = {Value(pair)};");
                EmitStore(pair, "activated", $"value{pair}");
            }
        }
    }

    /// <summary>Begins what a warp does with four neurons at a time.</summary>
    private CodeWriter.Scope ForNeurons()
    {
        CodeWriter.Scope scope = code.Block($"for (int next = 0; next < {Count}; next += {TogetherPlan.Warps * Four})");
        code.Line($"int entry = next + (warp * {Four});");
        for (int k = 0; k < Four; k++)
        {
            EmitRow(k);
        }

        return scope;
    }

    /// <summary>Condition under which a lane has a token's neuron, of two rows.</summary>
    private string Has(string pair) => $"token < tokens{(IsWhole ? "" : $" && {Own(pair)} < {Count}")}";

    private void EmitStore(string pair, string place, string value)
    {
        using (code.Block($"if ({Has(pair)})"))
        {
            code.Line($"{place}[(token * ActivatedStride) + neuron{pair}] = {value};");
        }

        if (pair != Pairs[Pairs.Length - 1])
        {
            code.Line();
        }
    }

    private static string Entry(int k) => k == 0 ? "entry" : $"entry + {k}";

    /// <summary>Condition under which a row exists; null: always.</summary>
    private string? Exists(int k) => IsWhole ? null : $"{Entry(k)} < {Count}";

    /// <summary>Which of the list's entries a lane has, of two rows.</summary>
    private static string Own(string pair) => pair == "AB" ? "entry + own" : "entry + own + 2";

    /// <summary>Writes which neuron a row is of; a row too many is the last one's again, and not read.</summary>
    private void EmitRow(int k)
    {
        if (IsWhole)
        {
            code.Line($"int neuron{TogetherCode.Rows[k]} = first + {Entry(k)};");
            return;
        }

        string inside = $"{Entry(k)} < {Count} ? {Entry(k)} : {Count} - 1";
        code.Line($"int neuron{TogetherCode.Rows[k]} = {(_predicts ? $"neurons[{inside}]" : $"first + ({inside})")};");
    }

    private void EmitActivation(string pair, string gate, string first)
    {
        code.Line($"int neuron{pair} = own == 0 ? neuron{pair[0]} : neuron{pair[1]};");
        if (_hasGates)
        {
            code.Line($"float above{pair} = 0f;");
            using (code.Block($"if ({Has(pair)})"))
            {
                code.Line($"above{pair} = {CutKernels.Above(single, $"activated[(token * ActivatedStride) + neuron{pair}]", "token", $"neuron{pair}")};");
            }

            code.Line();
        }

        code.Line($"float activation{pair} = Activate({(_hasGates ? $"above{pair}" : $"{gate}{pair}{NeuronCode.Bias(single, first, $"neuron{pair}")}")});");
        if (!policy.Skips)
        {
            return;
        }

        code.Line($"uint keeps{pair} = 0u;");
        string wants = _predicts ? $"((wanted[{Own(pair)}] >> (2 * token)) & 1u) != 0u" : "token < tokens";
        using (code.Block($"if ({(IsWhole ? "" : $"{Own(pair)} < {Count} && ")}{wants} && {policy.Keep($"activation{pair}", $"neuron{pair}")})"))
        {
            code.Line($"keeps{pair} = 1u;");
        }

        code.Line();
        if (single.Spec.Gated)
        {
            code.Line($"uint kept{pair} = Lanes.Bits(keeps{pair}, lane);");
        }
    }

    private string Value(string pair)
    {
        string value = single.Spec.Gated ? $"activation{pair} * {NeuronCode.UpFactor(single, $"up{pair}", $"neuron{pair}")}" : $"activation{pair}";
        return policy.Skips ? $"keeps{pair} != 0u ? {value} : 0f"
            : single.Spec.Gated ? $"activation{pair} == 0f ? 0f : {value}"
            : value;
    }

    /// <summary>Writes the dot products of four rows with every token's input.</summary>
    /// <param name="sum">What is left in lanes, with the rows' letters behind it: their tokens' sums.</param>
    /// <param name="reads">Condition under which a row is read; null: always.</param>
    private void EmitDots(string sum, string matrix, Func<int, string?> reads)
    {
        TogetherCode.EmitStart(code, "Float4", sum);
        bool isOnce = _row.Steps == 1;
        string word = isOnce ? "lane" : "word";
        using (isOnce ? default(CodeWriter.Scope?) : code.Block($"for (int step = 0; step < {_row.Steps}; step++)"))
        {
            if (!isOnce)
            {
                code.Line("Group.Barrier();");
                TogetherCode.EmitStage(code, _row, TogetherPlan.Threads, "HiddenQuads");
                code.Line();
                code.Line("Group.Barrier();");
                code.Line("int word = (step * 32) + lane;");
            }

            EmitLoads(sum, matrix, word, reads);
            TogetherCode.EmitProducts(code, _row, sum);
        }

        code.Line();
        TogetherCode.EmitSums(code, "float", sum, sum);
    }

    private void EmitLoads(string sum, string matrix, string word, Func<int, string?> reads)
    {
        BlockArithmetic? blocks = _row.Format.Blocks;
        bool isAlways = reads(0) is null && _row.RestLanes == 0;
        for (int k = 0; k < Four && !isAlways; k++)
        {
            string letter = TogetherCode.Rows[k];
            code.Line($"{_row.LoadType} {sum}Load{letter} = default;");
            if (blocks is not null)
            {
                code.Line($"{blocks.ScaleType} {sum}Scale{letter} = {(blocks.Unpacks ? "default" : "0")};");
            }
        }

        for (int k = 0; k < Four; k++)
        {
            string letter = TogetherCode.Rows[k];
            IEnumerable<string?> conditions = [reads(k), _row.RestLanes > 0 ? $"{word} < RowWords" : null];
            using (isAlways ? default(CodeWriter.Scope?) : code.Block($"if ({string.Join(" && ", conditions.Where(condition => condition is not null))})"))
            {
                string first = $"neuron{letter} * {_row.StrideName}";
                string load = blocks is { Unpacks: true } ? blocks.Load($"w.{matrix}", first, word, _row.Words) : $"w.{matrix}[({first}) + {word}]";
                code.Line($"{(isAlways ? _row.LoadType + " " : "")}{sum}Load{letter} = {load};");
                if (blocks is not null)
                {
                    string ofBlock = _row.Quads == 8 ? word : $"({word} / 2)";
                    string scales = $"neuron{letter} * {_row.Scales}";
                    string scale = blocks.Scale($"w.{matrix}Scales", blocks.Unpacks ? scales : $"({scales})", ofBlock);
                    code.Line($"{(isAlways ? blocks.ScaleType + " " : "")}{sum}Scale{letter} = {scale};");
                }
            }

            if (!isAlways)
            {
                code.Line();
            }
        }
    }
}
