using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>What chooses a token's experts: the rows of the router, a warp each, then a group a token that compares them.</summary>
internal sealed class ExpertKernels(CodeWriter code, IlgpuDecoderPlan plan, Route route)
{
    /// <summary>Where a pass has the router's logits, the chosen experts, and what their outputs are multiplied by.</summary>
    public const string LogitsBuffer = "_routerLogits", ChosenBuffer = "_experts", SharesBuffer = "_shares";

    private readonly int _count = route.Spec.Count;
    private readonly int _active = route.Spec.Active;

    /// <summary>What chosen experts' outputs are multiplied by: of each token as many as compute it.</summary>
    public static KernelParameter Shares => KernelParameter.Floats("shares");

    /// <summary>Groups that have the rows of one token.</summary>
    public int RouterGroups => (_count + IlgpuDecoderPlan.RowWarps - 1) / IlgpuDecoderPlan.RowWarps;

    /// <summary>Rows of the router: the same for one token and for several, so that a token has the experts that it has alone.</summary>
    public DeviceKernel Router()
    {
        RowPlan row = RowPlan.Of(route.Matrix.Types(plan.Spec)[0], plan.Spec.Hidden);
        return new DeviceKernel(
            "Router",
            IlgpuDecoderPlan.RowThreads,
            "The router's logits of tokens: a row for a warp, and a row of groups for each token.",
            [.. KernelParameter.Matrix(row), KernelParameter.Quads("x"), KernelParameter.Floats("logits")],
            () =>
            {
                code.Line("x = x.SubView(Grid.IdxY * HiddenQuads, HiddenQuads);");
                string input = new RowKernels(code, plan).EmitInput(row, IlgpuDecoderPlan.RowThreads);
                code.Line($"int row = (Grid.IdxX * {IlgpuDecoderPlan.RowWarps}) + warp;");
                using (_count % IlgpuDecoderPlan.RowWarps == 0 ? default(CodeWriter.Scope?) : code.Block("if (row < Experts)"))
                {
                    WarpCode.EmitDot(code, row, "logit", "words", "scales", "row", input, plan.SharesInput(row));
                    using (code.Block("if (lane == 0)"))
                    {
                        code.Line("logits[(Grid.IdxY * Experts) + row] = logit;");
                    }
                }
            });
    }

    /// <summary>
    /// A thread an expert, which is chosen if fewer come before it than compute a token: no order of comparisons decides, and as many are chosen
    /// whatever the logits are. Then a thread a chosen one.
    /// </summary>
    public DeviceKernel Choose()
    {
        int threads = (_count + RowPlan.Lanes - 1) / RowPlan.Lanes * RowPlan.Lanes;
        int warps = threads / RowPlan.Lanes;
        string weights = route.Spec.Gating == ExpertGating.Softmax ? "the softmax of their logits" : "their logits' sigmoids, divided by the sum of these";
        return new DeviceKernel(
            "ChooseExperts",
            threads,
            $"The {_active} experts with the largest logits, ascending, of equals those with lower numbers, and their weights: {weights}. NaN is the smallest. A group a token.",
            [KernelParameter.Floats("logits"), ExpertCode.Chosen, Shares],
            () =>
            {
                if (warps > 1)
                {
                    code.Line($"ArrayView<uint> bits = SharedMemory.Allocate<uint>({warps});");
                }

                code.Line("ArrayView<float> chosen = SharedMemory.Allocate<float>(ActiveExperts);");
                code.Lines(warps > 1 ? WarpCode.Place : """
                    int thread = Group.IdxX;
                    int lane = thread;
                    """);
                code.Line("int start = Grid.IdxX * Experts;");
                EmitRank(threads);
                code.Line("uint ofWarp = Lanes.Bits(isChosen, lane);");
                EmitPlace(warps);
                using (code.Block("if (isChosen != 0u)"))
                {
                    code.Line($"int to = {(warps > 1 ? "place + " : "")}{NeuronCode.Before("ofWarp")};");
                    code.Line("chosen[to] = own;");
                    code.Line("experts[(Grid.IdxX * ActiveExperts) + to] = thread;");
                }

                code.Line();
                code.Line("Group.Barrier();");
                using (_active == threads ? default(CodeWriter.Scope?) : code.Block("if (thread < ActiveExperts)"))
                {
                    EmitShare();
                }
            });
    }

    /// <summary>Writes whether a thread's expert is chosen, <c>isChosen</c>, and its logit, <c>own</c>.</summary>
    private void EmitRank(int threads)
    {
        // A comparison with NaN is false.
        static string Number(string logit) => $"{logit} > float.NegativeInfinity ? {logit} : float.NegativeInfinity";
        bool isWhole = _count == threads;
        code.Line("float own = float.NegativeInfinity;");
        using (isWhole ? default(CodeWriter.Scope?) : code.Block("if (thread < Experts)"))
        {
            code.Line("float logitOfThread = logits[start + thread];");
            code.Line($"own = {Number("logitOfThread")};");
        }

        code.Line();
        code.Line("int before = 0;");
        using (_count == 1 ? default(CodeWriter.Scope?) : code.Block("for (int other = 0; other < Experts; other++)"))
        {
            code.Line("float logit = logits[start + other];");
            code.Line($"float compared = {Number("logit")};");
            code.Line("before += compared > own || (compared == own && other < thread) ? 1 : 0;");
        }

        code.Line();
        code.Line($"uint isChosen = {(isWhole ? "" : "thread < Experts && ")}before < ActiveExperts ? 1u : 0u;");
    }

    /// <summary>Writes how many experts of the warps before are chosen, <c>place</c>: experts are in ascending order.</summary>
    private void EmitPlace(int warps)
    {
        if (warps == 1)
        {
            return;
        }

        using (code.Block("if (lane == 0)"))
        {
            code.Line("bits[warp] = ofWarp;");
        }

        code.Line();
        code.Line("Group.Barrier();");
        code.Line("int place = 0;");
        using (code.Block("for (int other = 0; other < warp; other++)"))
        {
            code.Line("place += IntrinsicMath.PopCount(bits[other]);");
        }

        code.Line();
    }

    /// <summary>Writes a chosen expert's weight; sums are in ascending order of the experts.</summary>
    private void EmitShare()
    {
        bool isSoftmax = route.Spec.Gating == ExpertGating.Softmax;
        string Power(string logit) => isSoftmax ? $"Portable.Exp({logit} - largest)" : $"1f / (1f + Portable.Exp(-{logit}))";
        void ForChosen(Action emit)
        {
            using (_active == 1 ? default(CodeWriter.Scope?) : code.Block("for (int i = 0; i < ActiveExperts; i++)"))
            {
                emit();
            }
        }

        string i = _active == 1 ? "thread" : "i";
        if (isSoftmax)
        {
            code.Line("float largest = float.NegativeInfinity;");
            ForChosen(() => code.Line($"largest = MathF.Max(largest, chosen[{i}]);"));
            code.Line();
        }

        code.Line("float sum = 0f;");
        ForChosen(() => code.Line($"sum += {Power($"chosen[{i}]")};"));
        code.Line();
        code.Line($"float power = {Power("chosen[thread]")};");

        // The smallest normal half, as on the CPU and in llama.cpp.
        code.Line($"shares[(Grid.IdxX * ActiveExperts) + thread] = power / {(isSoftmax ? "sum" : $"MathF.Max(sum, {Literal.Of(1f / (1 << 14))})")};");
    }
}
