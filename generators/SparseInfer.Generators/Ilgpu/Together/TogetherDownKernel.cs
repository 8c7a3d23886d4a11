using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// Writes down of several tokens together: a group has a slice of the neurons, as with one token, and a strip of the columns; a thread has four of them,
/// of every token, in registers. Rows are read once, those that no token wants not at all.
/// </summary>
/// <remarks>
/// A token that does not want a row adds zero times it: its sum, which starts at zero, keeps its bits.
/// </remarks>
internal sealed class TogetherDownKernel(CodeWriter code, IlgpuFeedForwardPlan single, DownNames names)
{
    public const string Name = "DownTogether";

    /// <summary>Down of a feed-forward, in the class that has its kernels.</summary>
    public TogetherDownKernel(CodeWriter code, IlgpuFeedForwardPlan single)
        : this(code, single, new(
            "neuron", "w.Down", "w.DownScales", "activated", "ActivatedStride", "Intermediate", "SliceNeurons", "Slices", "HiddenQuads", "RowWords", single.Row.StrideName)
        {
            What = "Activations",
            InOrderOfLoads = true,
        })
    {
    }

    /// <summary>Tokens whose values a thread reads together.</summary>
    private const int Four = 4;

    /// <summary>Tokens whose sums stand in one run of statements.</summary>
    private const int Half = TogetherPlan.Tokens / 2;

    private const int Fours = TogetherPlan.Tokens / Four;

    private readonly TogetherPlan _plan = new(single);
    private readonly RowPlan _row = single.Row;

    /// <summary>The kernel, for every policy.</summary>
    public DeviceKernel Kernel => new(
        Name,
        _plan.DownThreads,
        single.OfExperts
            ? $"Down of experts whose matrices have other weight types: a group has a slice of an expert's neurons and {Columns} columns. What is zero is not read."
            : $"Down of up to {TogetherPlan.Tokens} tokens: a group has a slice of the neurons and {Columns} columns. What no token wants is not read.",
        [
            new("Weights", "w"), .. single.OfExperts ? [ExpertCode.Chosen] : Array.Empty<KernelParameter>(), KernelParameter.Floats("activated"), KernelParameter.Int("tokens"), KernelParameter.Quads("partial"),
            .. single.NormsNeurons ? [NeuronNorm.Squares] : Array.Empty<KernelParameter>(),
        ],
        Emit);

    /// <summary>A projection of up to 16 tokens that has a row for each channel of its input: those of channels that are zero for all of them are not read.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="what">What it computes, at the beginning of a sentence.</param>
    public DeviceKernel ByChannel(string name, string what) => new(
        name,
        _plan.DownThreads,
        $"{what} of up to {TogetherPlan.Tokens} tokens, by channels of the input: a group has {names.Slice} of these and {Columns} outputs. Rows of channels that are zero for all tokens are not read.",
        [
            KernelParameter.Words(names.Words), .. _row.IsBlock ? [KernelParameter.Words(names.Scales)] : Array.Empty<KernelParameter>(),
            KernelParameter.Floats(names.Values), KernelParameter.Int("tokens"), KernelParameter.Quads("partial"),
            .. names.FirstQuad.Length == 0 ? Array.Empty<KernelParameter>() : [KernelParameter.Int(names.FirstQuad)],
        ],
        Emit)
    {
        Weights = _row.Weights,
    };

    /// <summary>What is added to a place among a row's sums for that among all, as C#.</summary>
    public static string First(DownNames names) => names.FirstQuad.Length == 0 ? "" : $"{names.FirstQuad} + ";

    private int Columns => _row.IsBlock ? _plan.DownTile * _row.PerLoad / 4 : 4 * _plan.DownTile;

    private void Emit()
    {
        if (single.OfExperts)
        {
            ExpertCode.EmitDownStart(code, single);
        }

        if (_row.IsBlock)
        {
            new TogetherBlockDown(code, _plan, names).Emit();
            return;
        }

        code.Line($"ArrayView<uint> bits = SharedMemory.Allocate<uint>({_plan.SliceChunks});");
        code.Line($"ArrayView<int> {names.Unit}s = SharedMemory.Allocate<int>({names.Slice});");
        code.Line($"ArrayView<Float4> values = SharedMemory.Allocate<Float4>({Fours * single.SliceNeurons}); // four tokens' each");
        code.Lines(WarpCode.Place);
        code.Line($"int first = Grid.IdxX * {names.Slice};");
        code.Line();
        if (single.NormsNeurons)
        {
            NeuronNorm.EmitSquares(code, _plan);
        }

        EmitList();
        code.Line("// Each thread its columns, of all tokens, in registers; four rows are under way together.");
        code.Line($"int quad = (Grid.IdxY * {_plan.DownThreads}) + thread;");
        using (_plan.HiddenQuads % _plan.DownThreads == 0 ? default(CodeWriter.Scope?) : code.Block($"if (quad < {names.Quads})"))
        {
            EmitSum();
        }
    }

    /// <summary>Writes how neurons that any token wants become a list, and their values a table.</summary>
    private void EmitList()
    {
        code.Line($"// Values of the slice's {names.Unit}s, and which of these any token wants. 32 for a warp.");
        bool isAlone = _plan.SliceChunks == 1;
        bool isOnce = _plan.SliceChunks <= _plan.DownWarps;
        string chunk = isOnce ? "warp" : "chunk";
        using (_plan.SliceChunks == _plan.DownWarps ? default(CodeWriter.Scope?)
            : code.Block(isAlone ? "if (warp == 0)" : isOnce ? $"if (warp < {_plan.SliceChunks})"
                : $"for (int chunk = warp; chunk < {_plan.SliceChunks}; chunk += {_plan.DownWarps})"))
        {
            code.Line(isAlone ? "int n = lane;" : $"int n = ({chunk} * 32) + lane;");
            code.Line("uint isWanted = 0u;");
            string[] inside =
            [
                .. single.SliceNeurons % RowPlan.Lanes == 0 ? Array.Empty<string>() : [$"n < {names.Slice}"],
                .. single.IsExact ? Array.Empty<string>() : [$"first + n < {names.Count}"],
            ];
            using (inside.Length == 0 ? default(CodeWriter.Scope?) : code.Block($"if ({string.Join(" && ", inside)})"))
            {
                if (single.NormsNeurons)
                {
                    code.Line($"float norm = w.{NeuronNorm.Weights}[first + n];");
                }

                using (code.Block($"for (int four = 0; four < {Fours}; four++)"))
                {
                    code.Line($"int source = (four * {Four} * {names.Stride}) + first + n;");
                    code.Line("Float4 value = default;");
                    for (int t = 0; t < Four; t++)
                    {
                        string token = t == 0 ? $"four * {Four}" : $"(four * {Four}) + {t}";
                        using (code.Block($"if ({token} < tokens)"))
                        {
                            code.Line($"value.{"XYZW"[t]} = {names.Values}[source{TogetherCode.Plus(t, names.Stride)}]{(single.NormsNeurons ? " * norm" : "")};");
                        }

                        code.Line();
                    }

                    code.Line($"values[(n * {Fours}) + four] = value;");
                    code.Line("isWanted |= value.X != 0f || value.Y != 0f || value.Z != 0f || value.W != 0f ? 1u : 0u;");
                }
            }

            code.Line();
            code.Line("uint wanted = Lanes.Bits(isWanted, lane);");
            using (code.Block("if (lane == 0)"))
            {
                code.Line($"bits[{(isAlone ? "0" : chunk)}] = wanted;");
            }

            if (isAlone)
            {
                code.Line();
                using (code.Block("if (isWanted != 0u)"))
                {
                    code.Line($"{names.Unit}s[{NeuronCode.Before("wanted")}] = lane;");
                }
            }
        }

        code.Line();
        code.Line("Group.Barrier();");
        if (isAlone)
        {
            code.Line("int rows = IntrinsicMath.PopCount(bits[0]);");
            return;
        }

        code.Line("int rows = 0;");
        using (code.Block($"for (int chunk = 0; chunk < {_plan.SliceChunks}; chunk++)"))
        {
            code.Line("uint ofChunk = bits[chunk];");
            using (code.Block($"if ({(isOnce ? "chunk" : $"(chunk & {_plan.DownWarps - 1})")} == warp && ((ofChunk >> lane) & 1u) != 0u)"))
            {
                code.Line($"{names.Unit}s[rows + {NeuronCode.Before("ofChunk")}] = (chunk * 32) + lane;");
            }

            code.Line();
            code.Line("rows += IntrinsicMath.PopCount(ofChunk);");
        }

        code.Line();
        code.Line("Group.Barrier();");
        code.Line();
    }

    private void EmitSum()
    {
        if (_row.Quads > 1)
        {
            code.Line($"ArrayView<Words2> down = {names.Words}.Cast<Words2>();");
        }

        TogetherCode.EmitStart(code, "Float4", "y");

        const int together = IlgpuFeedForwardPlan.DownRowsAtOnce;
        code.Line("int next = 0;");
        using (code.Block($"for (; next + {together} <= rows; next += {together})"))
        {
            EmitRows(together);
        }

        code.Line();
        using (code.Block("for (; next < rows; next++)"))
        {
            EmitRows(1);
        }

        code.Line();
        EmitPartial();
    }

    private void EmitRows(int together)
    {
        for (int k = 0; k < together; k++)
        {
            code.Line($"int {names.Unit}{k} = {names.Unit}s[next{(k == 0 ? "" : $" + {k}")}];");
        }

        for (int k = 0; k < together; k++)
        {
            string place = $"((first + {names.Unit}{k}) * {names.Quads}) + quad";
            code.Line(_row.Quads == 1 ? $"Float4 down{k} = {_row.Weights}.Widen0({names.Words}[{place}]);" : $"Float4 down{k} = {_row.Weights}.Widen(down[{place}]);");
        }

        for (int from = 0; from < TogetherPlan.Tokens; from += Half)
        {
            using (from == 0 ? default(CodeWriter.Scope?) : code.Block($"if (tokens > {from})"))
            {
                for (int k = 0; k < together; k++)
                {
                    for (int t = from; t < from + Half; t++)
                    {
                        int four = t / Four;
                        if (t % Four == 0)
                        {
                            code.Line($"Float4 h{k}_{four} = values[({names.Unit}{k} * {Fours}){(four == 0 ? "" : $" + {four}")}];");
                        }

                        code.Line($"Float4.AddScaled(down{k}, h{k}_{four}.{"XYZW"[t % Four]}, ref y{t});");
                    }
                }
            }
        }
    }

    /// <summary>Writes a thread's sums to where the sum over the slices finds them.</summary>
    private void EmitPartial()
    {
        string ofColumns = _row.Quads == 1 || !names.InOrderOfLoads ? "quad" : $"((quad & {_row.Quads - 1}) * {names.RowWords}) + (quad / {_row.Quads})";
        code.Line($"int place = (Grid.IdxX * {names.SumQuads}) + {First(names)}{ofColumns};");
        TogetherCode.ForTokens(code, t => code.Line($"partial[place{TogetherCode.Plus(t, $"{names.Slices} * {names.SumQuads}")}] = y{t};"));
    }
}
