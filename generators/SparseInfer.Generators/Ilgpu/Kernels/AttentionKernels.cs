using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Attention: each head's cached positions in splits of fixed length, then the splits together. Both for one token, a batch, or tokens of several sequences.</summary>
internal sealed class AttentionKernels(CodeWriter code, IlgpuDecoderPlan plan)
{
    private const int Split = IlgpuDecoderPlan.SplitPositions;
    private const int Threads = IlgpuDecoderPlan.AttentionThreads;

    private readonly AttentionSpec _attention = plan.Spec.Attention;

    /// <summary>What both kernels are told of a layer's window, where layers have any.</summary>
    private KernelParameter[] Window => WindowCode.Has(plan.Spec) ? [KernelParameter.Int("window")] : [];

    private readonly bool _choosesHeads = ModelProgram.Of(plan.Spec).ChoosesHeads();

    /// <summary>What both kernels are told of the heads that a token keeps, where policies choose among them.</summary>
    private KernelParameter[] Chosen => _choosesHeads ? [KernelParameter.Floats("headMarks"), KernelParameter.Int("choosesHeads")] : [];

    private int Sharing => _attention.Heads / _attention.KeyValueHeads;

    /// <summary>The key-value head that a head shares, as C#.</summary>
    private string KeyHead => Sharing == 1 ? "head" : $"(head / {Sharing})";

    /// <summary>The mark of a token's head, as C#: negative, where it is left out.</summary>
    private string Mark => $"headMarks[(token * {WeightLayout.Pad(_attention.KeyValueHeads)}) + {KeyHead}]";

    /// <summary>A head in fours, as queries and partial results lie.</summary>
    private int HeadQuads => plan.CachedHead / 4;

    /// <summary>For one token or a prompt's: consecutive positions of one cache.</summary>
    public DeviceKernel Part(WeightType type) => Part(
        new CachePlan(type, _attention.HeadDimension), "", "", [KernelParameter.Words("cache"), KernelParameter.Int("start")], "start + token", () => { });

    /// <summary>For the tokens of several sequences: each has a cache and a position of its own.</summary>
    public DeviceKernel PartTogether(WeightType type) => Part(
        new CachePlan(type, _attention.HeadDimension),
        "Together",
        " of its own sequence",
        [KernelParameter.Caches("caches"), KernelParameter.Ints("positionOf")],
        "positionOf[token]",
        () => code.Line("ArrayView<Words4> cache = caches.Of(token);"));

    public DeviceKernel Join() => Join("", [KernelParameter.Int("start")], "start + token");

    public DeviceKernel JoinTogether() => Join("Together", [KernelParameter.Ints("positionOf")], "positionOf[token]");

    /// <param name="where">What says where a token is, and what came before it.</param>
    /// <param name="position">A token's position.</param>
    /// <param name="emitCache">Writes how <c>cache</c> is found.</param>
    private DeviceKernel Part(
        CachePlan cache, string suffix, string ofWhat, KernelParameter[] where, string position, Action emitCache) => new(
        $"AttendPart{suffix}{cache.Type}",
        Threads,
        $"One head, one token, up to {Split} positions of a cache{ofWhat} in {cache.Type}: softmax within them, and the values so weighted.",
        [
            KernelParameter.Quads("queries"), .. where,
            KernelParameter.Quads("parts"), KernelParameter.Floats("most"), KernelParameter.Floats("weight"), .. Window, .. Chosen,
        ],
        () =>
        {
            code.Lines($"""
                ArrayView<float> scores = SharedMemory.Allocate<float>({Split});
                ArrayView<float> shares = SharedMemory.Allocate<float>({Split});
                ArrayView<Float4> sums = SharedMemory.Allocate<Float4>({cache.Positions * HeadQuads});
                int thread = Group.IdxX;
                int lane = thread & 31;
                """);
            if (cache.Lanes == 1)
            {
                code.Line("int row = thread;");
            }
            else
            {
                code.Line($"int word = thread & {cache.Lanes - 1};");
                code.Line($"int row = thread / {cache.Lanes};");
            }

            code.Lines($"""
                int head = Grid.IdxX;
                int token = Grid.IdxZ;
                """);
            string end = EmitBegin(position);
            using (code.Block($"if (begin < {end}{(_choosesHeads ? $" && (choosesHeads == 0 || {Mark} >= 0f)" : "")})"))
            {
                emitCache();
                code.Line(Window.Length > 0 ? "int count = end - begin;" : $"int count = positions - begin < {Split} ? positions - begin : {Split};");
                code.Line("int last = count - 1;");
                code.Line($"long keys = ((long)begin * {RowWords(cache)}) + {WarpCode.Times(KeyHead, cache.Words)}{(cache.Lanes == 1 ? "" : " + word")};");
                EmitScores(cache);
                EmitShares();
                EmitValues(cache);
            }
        });

    /// <summary>Writes which positions a group begins with; those that a window hides are no one's.</summary>
    /// <returns>What its first position lies before, if it has any.</returns>
    private string EmitBegin(string position)
    {
        if (Window.Length == 0)
        {
            code.Lines($"""
                int begin = Grid.IdxY * {Split};
                int positions = {position} + 1;
                """);
            return "positions";
        }

        code.Lines($"""
            int split = Grid.IdxY * {Split};
            int positions = {position} + 1;
            int begin = split > positions - window ? split : positions - window;
            int end = split + {Split} < positions ? split + {Split} : positions;
            """);
        return "end";
    }

    private DeviceKernel Join(string suffix, KernelParameter[] where, string position) => new(
        $"AttendJoin{suffix}",
        Threads,
        "Puts the splits of one head and token together.",
        [
            KernelParameter.Floats("parts"), KernelParameter.Floats("most"), KernelParameter.Floats("weight"), .. where,
            KernelParameter.Int("splits"), KernelParameter.Floats("attended"), .. Window, .. Chosen,
        ],
        () =>
        {
            code.Lines("""
                int head = Grid.IdxX;
                int token = Grid.IdxY;
                """);
            if (!_choosesHeads)
            {
                EmitJoin(position);
                return;
            }

            using (code.Block($"if (choosesHeads != 0 && {Mark} < 0f)"))
            {
                using (WarpCode.ForEach(code, "d", "Group.IdxX", _attention.HeadDimension, Threads))
                {
                    code.Line($"{Attended} = 0f;");
                }
            }

            using (code.Block("else"))
            {
                EmitJoin(position);
            }
        });

    private string Attended => $"attended[(token * {plan.Shape.PaddedQueryWidth}) + (head * {_attention.HeadDimension}) + d]";

    private void EmitJoin(string position)
    {
        code.Lines($"""
            int first = ({WarpCode.Times("token", _attention.Heads)} + head) * splits;
            int used = ({position} + {Split}) / {Split};
            """);
        string from = "0";
        if (Window.Length > 0)
        {
            from = "from";
            code.Line($"int hidden = {position} + 1 - window;");
            code.Line($"int from = hidden > 0 ? hidden / {Split} : 0;");
        }

        code.Line($"float highest = most[first{(from == "0" ? "" : " + from")}];");
        using (code.Block($"for (int split = {(from == "0" ? "1" : "from + 1")}; split < used; split++)"))
        {
            code.Line("highest = MathF.Max(highest, most[first + split]);");
        }

        code.Line();
        code.Line("float total = 0f;");
        using (code.Block($"for (int split = {from}; split < used; split++)"))
        {
            code.Line("total += weight[first + split] * Portable.Exp(most[first + split] - highest);");
        }

        code.Line();
        int size = _attention.HeadDimension;
        using (WarpCode.ForEach(code, "d", "Group.IdxX", size, Threads))
        {
            code.Line("float sum = 0f;");
            using (code.Block($"for (int split = {from}; split < used; split++)"))
            {
                code.Line($"sum += parts[((first + split) * {plan.CachedHead}) + d] * Portable.Exp(most[first + split] - highest);");
            }

            code.Line();
            code.Line($"{Attended} = sum / total;");
        }
    }

    /// <summary>16-byte words of a position in the cache.</summary>
    private int RowWords(CachePlan cache) => 2 * _attention.KeyValueHeads * cache.Words;

    private void EmitScores(CachePlan cache)
    {
        code.Line();
        code.Line($"// Scores: a position for {Lanes(cache)}.");
        string scale = Literal.Of((float)(1 / Math.Sqrt(_attention.HeadDimension)));
        ForSteps(cache, step =>
        {
            for (int q = 0; q < cache.Quads; q++)
            {
                string place = $"{WarpCode.Times("token", _attention.Heads * HeadQuads)} + (head * {HeadQuads}){PlusQuad(cache, step, q)}";
                string quad = $"Quad.Scale(queries[{place}], {scale})";
                code.Line($"{(cache.IsWhole(step) ? "Float4 " : "")}query{step}_{q} = {quad};");
            }
        }, declare: step => string.Join("\n", Enumerable.Range(0, cache.Quads).Select(q => $"Float4 query{step}_{q} = default;")));

        string[] scores = [.. Enumerable.Range(0, cache.AtOnce).Select(k => $"score{k}")];
        string next = Next(cache);
        using (ForPositions(cache))
        {
            EmitPlaces(cache, "key", "keys");
            foreach (string score in scores)
            {
                code.Line($"float {score} = 0f;");
            }

            ForSteps(cache, step =>
            {
                string queries = string.Join(", ", Enumerable.Range(0, cache.Quads).Select(q => $"query{step}_{q}"));
                for (int k = 0; k < cache.AtOnce; k++)
                {
                    code.Line($"score{k} = {cache.Type}.Dot(cache[key{k}{WarpCode.Plus(step * cache.Lanes)}], {queries}, score{k});");
                }
            });
            if (cache.Lanes > 1)
            {
                foreach (string score in scores)
                {
                    code.Line(cache.Lanes == RowPlan.Lanes ? $"{score} = Lanes.Sum({score});" : $"{score} = Lanes.Sum({score}, {cache.Lanes});");
                }
            }

            using (cache.Lanes == 1 ? default(CodeWriter.Scope?) : code.Block("if (word == 0)"))
            {
                for (int k = 0; k < cache.AtOnce; k++)
                {
                    code.Line($"scores[{next}{WarpCode.Plus(k * cache.Positions)}] = score{k};");
                }
            }
        }

        code.Line();
        code.Line("Group.Barrier();");
    }

    /// <summary>Every warp works out the same maximum and sum: cheaper than to tell each other.</summary>
    private void EmitShares()
    {
        code.Line();
        code.Line("// Softmax: every warp works out the same maximum and the same sum.");
        code.Line("float highest = scores[lane < count ? lane : 0];");
        using (code.Block("for (int p = lane + 32; p < count; p += 32)"))
        {
            code.Line("highest = MathF.Max(highest, scores[p]);");
        }

        code.Line();
        code.Line("highest = Lanes.Max(highest);");
        using (code.Block($"for (int p = thread; p < {Split}; p += {Threads})"))
        {
            code.Line("float share = 0f;");
            using (code.Block("if (p < count)"))
            {
                code.Line("share = Portable.Exp(scores[p] - highest);");
            }

            code.Line();
            code.Line("shares[p] = share;");
        }

        code.Line();
        code.Line("Group.Barrier();");
        code.Line("float total = 0f;");
        using (code.Block("for (int p = lane; p < count; p += 32)"))
        {
            code.Line("total += shares[p];");
        }

        code.Line();
        code.Line("total = Lanes.Sum(total);");
    }

    private void EmitValues(CachePlan cache)
    {
        code.Line();
        code.Line($"// Values: a position for {Lanes(cache)}, then their sums in order. Beyond the last position shares are zero.");
        code.Line($"long values = keys + {_attention.KeyValueHeads * cache.Words};");
        for (int step = 0; step < cache.Steps; step++)
        {
            for (int q = 0; q < cache.Quads; q++)
            {
                code.Line($"Float4 sum{step}_{q} = default;");
            }
        }

        string next = Next(cache);
        using (ForPositions(cache))
        {
            EmitPlaces(cache, "value", "values");
            ForSteps(cache, step =>
            {
                string sums = string.Join(", ", Enumerable.Range(0, cache.Quads).Select(q => $"ref sum{step}_{q}"));
                for (int k = 0; k < cache.AtOnce; k++)
                {
                    code.Line($"{cache.Type}.AddScaled(cache[value{k}{WarpCode.Plus(step * cache.Lanes)}], shares[{next}{WarpCode.Plus(k * cache.Positions)}], {sums});");
                }
            });
        }

        code.Line();
        ForSteps(cache, step =>
        {
            for (int q = 0; q < cache.Quads; q++)
            {
                code.Line($"sums[(row * {HeadQuads}){PlusQuad(cache, step, q)}] = sum{step}_{q};");
            }
        });
        code.Line("Group.Barrier();");
        code.Line($"int slot = (({WarpCode.Times("token", _attention.Heads)} + head) * Grid.DimY) + Grid.IdxY;");
        using (WarpCode.ForEach(code, "quad", "thread", HeadQuads, Threads))
        {
            code.Line("Float4 sum = sums[quad];");
            using (code.Block($"for (int other = 1; other < {cache.Positions}; other++)"))
            {
                code.Line($"sum = Quad.Add(sum, sums[(other * {HeadQuads}) + quad]);");
            }

            code.Line();
            code.Line($"parts[(slot * {HeadQuads}) + quad] = sum;");
        }

        code.Line();
        using (code.Block("if (thread == 0)"))
        {
            code.Line("most[slot] = highest;");
            code.Line("weight[slot] = total;");
        }
    }

    /// <summary>Begins what goes through a split's positions; a loop only where a group does not take them all at once.</summary>
    private CodeWriter.Scope? ForPositions(CachePlan cache)
    {
        int together = cache.Positions * cache.AtOnce;
        if (together >= Split)
        {
            return null;
        }

        CodeWriter.Scope loop = code.Block($"for (int first = 0; first < count; first += {together})");
        code.Line("int next = first + row;");
        return loop;
    }

    /// <summary>The first position of a row's that <see cref="ForPositions"/> comes to.</summary>
    private static string Next(CachePlan cache) => cache.Positions * cache.AtOnce >= Split ? "row" : "next";

    /// <summary>Writes where a lane's next positions lie: the last one again where there are no more, so that no load needs a guard.</summary>
    private void EmitPlaces(CachePlan cache, string name, string start)
    {
        for (int k = 0; k < cache.AtOnce; k++)
        {
            string next = $"{Next(cache)}{WarpCode.Plus(k * cache.Positions)}";
            code.Line($"long {name}{k} = {start} + (({next} < count ? {next} : last) * {RowWords(cache)});");
        }
    }

    private static string Lanes(CachePlan cache) => cache.Lanes switch { 1 => "a lane", RowPlan.Lanes => "a warp", _ => $"{cache.Lanes} lanes" };

    /// <summary>Which quad of a head meets a step's load.</summary>
    private static string PlusQuad(CachePlan cache, int step, int q) =>
        (cache.Lanes == 1 ? "" : cache.Quads == 1 ? " + word" : $" + (word * {cache.Quads})") + WarpCode.Plus((step * cache.Lanes * cache.Quads) + q);

    /// <summary>Writes something for each load that a lane makes for a position, inside a guard where not all lanes make it.</summary>
    /// <param name="declare">What comes before such a guard.</param>
    private void ForSteps(CachePlan cache, Action<int> emit, Func<int, string>? declare = null)
    {
        for (int step = 0; step < cache.Steps; step++)
        {
            if (cache.IsWhole(step))
            {
                emit(step);
                continue;
            }

            if (declare is not null)
            {
                code.Lines(declare(step));
            }

            using (code.Block($"if (word < {cache.Words - (step * cache.Lanes)})"))
            {
                emit(step);
            }

            code.Line();
        }
    }
}
