using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Emit;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Cpu;

/// <summary>
/// The feed-forward in a CPU's program, for whichever declared weight type it has: a decoder's, one a layer, or a layer's that stands alone.
/// </summary>
/// <param name="owner">Where its weights are found: <c>w.FeedForward</c> of a decoder's layer, <c>_weights</c> of one alone.</param>
/// <param name="ofLayer">Whether there are several layers, each with a number.</param>
/// <param name="ofExperts">Whether a layer has several, and room for each that is chosen.</param>
internal sealed class FeedForwardCalls(
    CodeWriter code, IReadOnlyList<FeedForwardPlan> plans, IReadOnlyList<LayerPolicy> policies, string owner, bool ofLayer, bool ofExperts = false)
{
    private bool Single => plans.Count == 1;

    private string Layer(string argument) => ofLayer ? argument : "";

    /// <summary>Where the weights are: of each type in a place of its own, where there are several.</summary>
    public string Place(FeedForwardPlan plan) => Single ? owner : owner + plan.Weights;

    /// <summary>Writes their places.</summary>
    /// <param name="modifier">Who sees them.</param>
    public void EmitPlaces(string modifier)
    {
        foreach (FeedForwardPlan plan in plans)
        {
            string name = Place(plan).Substring(owner.IndexOf('.') + 1);
            code.Line((Single, ofExperts) switch
            {
                (true, false) => $"{modifier} {plan.ClassName}.Weights {name} = new();",
                (true, true) => $"{modifier} {plan.ClassName}.Weights[] {name} = [];",
                (false, false) => $"{modifier} {plan.ClassName}.Weights? {name};",
                (false, true) => $"{modifier} {plan.ClassName}.Weights[]? {name};",
            });
        }
    }

    /// <summary>Writes statements on the weights, for whichever type they have.</summary>
    /// <param name="emit">Gets the plan, and what the weights are called.</param>
    public void ForWeights(Action<FeedForwardPlan, string> emit)
    {
        if (Single)
        {
            emit(plans[0], owner);
            return;
        }

        foreach (FeedForwardPlan plan in plans)
        {
            string variable = plan.Weights.ToString().ToLowerInvariant();
            string otherwise = ReferenceEquals(plan, plans[0]) ? "" : "else ";
            using (code.Block($"{otherwise}if ({Place(plan)} is {{ }} {variable})"))
            {
                emit(plan, variable);
            }
        }
    }

    /// <summary>Writes neurons, down and sum with the barriers between.</summary>
    /// <param name="operations">They, in order.</param>
    /// <param name="ends">Operations that a barrier follows; none is written after the last.</param>
    /// <param name="call">What an operation is, as C#.</param>
    public void EmitOperations(
        IReadOnlyList<Operation> operations, ICollection<Operation> ends, Func<Operation, FeedForwardPlan, string, string> call) =>
        ForWeights((plan, weights) =>
        {
            foreach (Operation operation in operations)
            {
                code.Lines(call(operation, plan, weights));
                if (operation != operations[operations.Count - 1] && ends.Contains(operation))
                {
                    code.Line("Workers.Barrier();");
                }
            }
        });

    /// <summary>An operation on the input in a worker's slot.</summary>
    /// <param name="scratch">All workers' slots and sums.</param>
    /// <param name="y">Where the result goes.</param>
    /// <param name="tokens">How many tokens have slots, as C#; null: one.</param>
    public string Call(Operation operation, FeedForwardPlan plan, string weights, string scratch, string y, string? tokens = null) => operation switch
    {
        Gates => $"{plan.ClassName}.Gates({weights}, {scratch}, worker{(tokens is null ? "" : $", {tokens}")});",
        MeasureGates => $"GaussianCut.Measure({scratch}, worker{(tokens is null ? "" : $", {tokens}")});",
        Neurons => $"Activate<TMeter>(worker, {Layer("layer, ")}{weights}{(tokens is null ? "" : $", {tokens}")});",
        Down => $"{plan.ClassName}.Down({weights}, {scratch}, worker{(tokens is null ? "" : $", {tokens}")});",
        SumSlices => $"{plan.ClassName}.Sum({weights}, {scratch}, ref {y}, fromColumn, toColumn);",
        _ => throw new NotSupportedException($"A feed-forward has no {operation.GetType().Name}."),
    };

    /// <summary>Computes an expert's neurons as <see cref="EmitActivate"/> has them, as a statement.</summary>
    /// <param name="weights">The expert's.</param>
    /// <param name="chosen">Which of the token's experts it is, as C#.</param>
    /// <param name="number">Which of all it is.</param>
    public string ActivateExpert(string weights, string chosen, string number) =>
        $"Activate<TMeter>(worker, layer, {weights}, _scratch[{chosen}]{(HasSlots ? $", {chosen}" : "")}{(HasVectors ? $", {number}" : "")});";

    /// <summary>Whether some policy's kernels read what it computed before.</summary>
    private bool HasSlots => Kernels.Any(kernel => kernel.Slots(plans[0].Shape).Count > 0);

    /// <summary>Whether some policy's kernels read vectors of the file.</summary>
    private bool HasVectors => Kernels.Any(kernel => kernel.Vectors(plans[0].Shape).Count > 0);

    private IEnumerable<CpuKernelEmitter> Kernels => policies.Select(policy => CpuKernelEmitter.Set.Of(policy.Policy));

    /// <summary>Writes the methods that choose a kernel, one for each type.</summary>
    public void EmitActivate(string scratch)
    {
        foreach (FeedForwardPlan plan in plans)
        {
            code.Line();
            bool several = ofLayer && !ofExperts;
            code.Summary($"This worker's neurons for the input in its slot{(several ? ", or in several tokens'," : ",")} as the mode and the {Layer("layer's ")}policy have it.");
            string ofExpert = $", FeedForwardScratch scratch{(HasSlots ? ", int chosen" : "")}{(HasVectors ? ", int number" : "")}";
            string signature = $"private void Activate<TMeter>(int worker, {Layer("int layer, ")}{plan.ClassName}.Weights w{(ofExperts ? ofExpert : several ? ", int tokens = 1" : "")})";
            using (code.Block(signature + "\n    where TMeter : struct, IMeter"))
            {
                code.Line($"ReadOnlySpan<FeedForwardSlot> slots = {scratch}.Slots(worker, {(several ? "tokens" : "1")});");
                code.Line($"(int from, int to) = {scratch}.Neurons(worker);");
                code.Line($"ref LayerTally tally = ref Tally(worker{Layer(", layer")});");
                if (plan.NeedsAllGates)
                {
                    EmitCuts(plan, scratch, several);
                }

                PolicySwitch.Emit(
                    code, plan.Shape, policies, CpuKernelEmitter.Set, (kernel, arguments) => CpuCall.Of(plan, "w", kernel, arguments, ofExperts));
            }
        }
    }

    private void EmitCuts(FeedForwardPlan plan, string scratch, bool several)
    {
        if (!several)
        {
            code.Line($"slots[0].Cut = GaussianCut.Of({scratch}, {plan.ClassName}.CutDeviations);");
            return;
        }

        using (code.Block("for (int token = 0; token < tokens; token++)"))
        {
            code.Line($"slots[token].Cut = GaussianCut.Of({scratch}, {plan.ClassName}.CutDeviations, token);");
        }

        code.Line();
    }
}
