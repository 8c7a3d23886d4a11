using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// What is launched before the neurons where all gates are there before any is activated: the gates, then the cut between those that count and those that
/// do not. Gates are without their bias, as the products of prompts leave them, and lie where activations will.
/// </summary>
/// <param name="several">Whether there may be several tokens.</param>
internal sealed class CutKernels(CodeWriter code, IlgpuFeedForwardPlan plan, bool several)
{
    private const int Threads = 256;

    private const int Warps = Threads / RowPlan.Lanes;

    /// <summary>The gates of all neurons.</summary>
    public static KernelParameter GatesParameter => KernelParameter.Floats("gates");

    /// <summary>Of each token what is cut off its gates.</summary>
    public static KernelParameter CutsParameter => KernelParameter.Floats("cuts");

    /// <summary>How far a neuron's gate lies above the cut, as C#.</summary>
    /// <param name="gate">The gate, as the product left it.</param>
    /// <param name="token">Whose cut it is.</param>
    /// <param name="neuron">The neuron's number.</param>
    public static string Above(IlgpuFeedForwardPlan plan, string gate, string token, string neuron = "neuron") =>
        $"{gate}{NeuronCode.Bias(plan, plan.Shape.First, neuron)} - cuts[{token}]";

    /// <summary>Groups that have the gates.</summary>
    public int GateGroups => (plan.Intermediate + Warps - 1) / Warps;

    public IEnumerable<DeviceKernel> All => [Gates(), Cut()];

    /// <summary>A row for a warp.</summary>
    public DeviceKernel Gates()
    {
        string matrix = plan.Shape.First;
        return new DeviceKernel(
            "Gates",
            Threads,
            $"{matrix} of all neurons: a row for a warp.",
            [new("Weights", "w"), KernelParameter.Quads("x"), GatesParameter],
            () =>
            {
                if (plan.SharesInput)
                {
                    WarpCode.EmitInput(code, plan.Row);
                }

                code.Lines(WarpCode.Place);
                code.Line($"int neuron = (Grid.IdxX * {Warps}) + warp;");
                if (plan.SharesInput)
                {
                    WarpCode.EmitStage(code, plan.Row, Threads);
                    code.Line();
                    code.Line("Group.Barrier();");
                }

                using (plan.Intermediate % Warps == 0 ? default(CodeWriter.Scope?) : code.Block("if (neuron < Intermediate)"))
                {
                    WarpCode.EmitDot(code, plan.Row, "gate", $"w.{matrix}", $"w.{matrix}Scales", "neuron", plan.SharesInput ? "input" : "x", plan.SharesInput);
                    using (code.Block("if (lane == 0)"))
                    {
                        code.Line("gates[neuron] = gate;");
                    }
                }
            });
    }

    /// <summary>A gate of the group's token, as C#.</summary>
    private string Gate(string neuron) => $"gates[{(several ? $"first + {neuron}" : neuron)}]{NeuronCode.Bias(plan, plan.Shape.First, neuron)}";

    /// <summary>What the launch of the cut has before the gates: the weights, where they have biases.</summary>
    public string Weights(string weights) => plan.Spec.Biases ? $"{weights}, " : "";

    /// <summary>One group a token, in two passes: the deviations are of the mean, so that little is lost in F32.</summary>
    public DeviceKernel Cut() => new(
        "Cut",
        Threads,
        $"The cut: the mean of all of a token's gates plus so many standard deviations that {plan.Spec.Sparsity} of a normal distribution lie below. Where a gate left float's range, minus infinity.",
        [.. plan.Spec.Biases ? [new("Weights", "w")] : Array.Empty<KernelParameter>(), GatesParameter, CutsParameter],
        () =>
        {
            if (several)
            {
                code.Line("int first = Grid.IdxX * ActivatedStride;");
            }

            code.Line($"ArrayView<float> sums = SharedMemory.Allocate<float>({Warps});");
            code.Line($"ArrayView<float> squares = SharedMemory.Allocate<float>({Warps});");
            code.Lines(WarpCode.Place);
            code.Line("float sum = 0f;");
            using (WarpCode.ForEach(code, "summed", "thread", plan.Intermediate, Threads))
            {
                code.Line($"sum += {Gate("summed")};");
            }

            code.Line();
            WarpCode.EmitGroupSum(code, Warps, "sum", "sums", "total");
            code.Line("float mean = total / Intermediate;");
            code.Line("float square = 0f;");
            using (WarpCode.ForEach(code, "squared", "thread", plan.Intermediate, Threads))
            {
                code.Line($"float apart = {Gate("squared")} - mean;");
                code.Line("square += apart * apart;");
            }

            code.Line();
            WarpCode.EmitGroupSum(code, Warps, "square", "squares", "deviations");
            using (code.Block("if (thread == 0)"))
            {
                code.Line($"float cut = mean + ({Literal.Of(NormalQuantile.Of(plan.Spec.Sparsity))} * MathF.Sqrt(deviations / Intermediate));");
                code.Line($"cuts[{(several ? "Grid.IdxX" : "0")}] = MathF.Abs(cut) <= float.MaxValue ? cut : float.NegativeInfinity;");
            }
        });
}
