using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>Something that a policy derives from a layer's weights at load, and keeps beside them.</summary>
/// <param name="Type">C# type of the field.</param>
/// <param name="Name">The field's name; two policies that ask for the same thing share it.</param>
/// <param name="Expression">How it is made from the layer's matrices; <c>memory</c> collects what has to be freed.</param>
/// <param name="Summary">What it is, for its comment.</param>
internal sealed record PreparedField(string Type, string Name, string Expression, string Summary)
{
    /// <summary>The signs of a matrix.</summary>
    public static PreparedField Signs(FeedForwardPlan plan, string matrix)
    {
        int words = (plan.Hidden + 63) / 64;
        return new(
            "SignPlane",
            $"{matrix}Signs",
            $"SignPlane.Pack<{plan.Weights}>(in {matrix}, memory)",
            $"Sign bits of {matrix}, {(words == 1 ? "1 64-bit word" : $"{words} 64-bit words")} a row.");
    }
}

/// <summary>What a CPU's backend asks of a <see cref="PolicySpec"/>.</summary>
internal interface ICpuPolicy
{
    CpuKernelEmitter Cpu { get; }
}

/// <summary>
/// What one policy emits for the CPU: the kernel that computes a worker's neurons and lists the active ones, for a token or for several together.
/// </summary>
internal abstract class CpuKernelEmitter(string name, params PolicyParameter[] parameters) : PolicyKernel(name, parameters)
{
    /// <summary>All that there are.</summary>
    public static KernelSet<CpuKernelEmitter> Set { get; } = new(new DenseCpuKernel(), new ExactCpuKernel(), spec => ((ICpuPolicy)spec).Cpu);

    /// <summary>Namespaces that the kernel uses beyond those that every kernel does.</summary>
    public virtual IEnumerable<string> Namespaces => [];

    /// <summary>What has to be prepared from the weights at load.</summary>
    public virtual IEnumerable<PreparedField> Prepared(FeedForwardPlan plan) => [];

    /// <summary>64-bit words that a worker keeps for what the policy derives from the input.</summary>
    public virtual int SideWords(FeedForwardPlan plan) => 0;

    /// <summary>How the kernel goes about it in this shape, for the plan in the head comment; empty: there is nothing to say.</summary>
    public virtual string PlanText(FeedForwardPlan plan) => "";

    /// <summary>Writes the kernel.</summary>
    public abstract void EmitKernel(CodeWriter code, FeedForwardPlan plan);

    /// <summary>The kernel's signature, the same for every policy but for its slots and parameters.</summary>
    public string Signature(FeedForwardPlan plan)
    {
        IEnumerable<string> own = Slots(plan.Shape).Select(slot => $"ref float {slot.Variable}")
            .Concat(Vectors(plan.Shape).Select(vector => $"ref float {vector.Variable}"))
            .Concat(Parameters.Select(parameter => $"{parameter.Type} {parameter.Name}"));
        return $"internal static void {Name}<TMeter>("
            + $"Weights w, ReadOnlySpan<FeedForwardSlot> slots, int from, int to, ref LayerTally tally{string.Concat(own.Select(parameter => ", " + parameter))})\n"
            + "    where TMeter : struct, IMeter";
    }
}

/// <summary>
/// The kernel of every policy that skips: select candidates (a predictor does), read their gate rows, keep what the activation
/// leaves, read only those up rows.
/// </summary>
internal abstract class SkippingKernelEmitter(string name, params PolicyParameter[] parameters) : CpuKernelEmitter(name, parameters)
{
    /// <summary>Whether a predictor picks candidates before any weight is read.</summary>
    public virtual bool Predicts => false;

    /// <summary>The kernel's doc comment, as XML.</summary>
    public abstract string Summary(FeedForwardPlan plan);

    /// <summary>Condition under which a neuron with this activation is kept.</summary>
    public abstract string Keep(string activation);

    /// <summary>The same, where it is another one for each neuron.</summary>
    /// <param name="neuron">Its number, as C#; past the end it is that of the last.</param>
    public virtual string Keep(string activation, string neuron) => Keep(activation);

    /// <summary>What a predictor reads to predict, in a word for comments: <c>signs</c>.</summary>
    public virtual string PredictorData => "predictor";

    /// <summary>Bytes of predictor data read for one neuron.</summary>
    public virtual long PredictorBytes(FeedForwardPlan plan) => 0;

    /// <summary>Writes what is done with the input <c>x</c> of a token's <c>slot</c> once, before the first block.</summary>
    public virtual void EmitInput(CodeWriter code, FeedForwardPlan plan)
    {
    }

    /// <summary>Writes what a block has at hand of that.</summary>
    public virtual void EmitBlockInput(CodeWriter code, FeedForwardPlan plan)
    {
    }

    /// <summary>Writes how the neurons from <c>block</c> to <c>end</c> become <c>candidates</c> entries of <c>candidate</c>.</summary>
    public virtual void EmitSelect(CodeWriter code, FeedForwardPlan plan)
    {
    }

    public sealed override void EmitKernel(CodeWriter code, FeedForwardPlan plan) => new SkippingKernel(code, plan, this).Emit();

    /// <summary>Writes the time now, taken from the tally where predicting begins and added where it ends.</summary>
    protected static void EmitStamp(CodeWriter code, string add)
    {
        using (code.Block("if (TMeter.IsTimed)"))
        {
            code.Line($"tally.PredictorTicks {add} Stopwatch.GetTimestamp();");
        }
    }
}
