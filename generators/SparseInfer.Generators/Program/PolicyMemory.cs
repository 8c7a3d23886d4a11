using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Program;

/// <summary>What a program asks of a <see cref="PolicySpec"/> that remembers the prompts of a sequence, and chooses by them.</summary>
internal interface IMemoryPolicy
{
    /// <summary>What it remembers in the layers that it acts in.</summary>
    /// <param name="site">The operation in which it chooses.</param>
    /// <param name="sizes">The model's.</param>
    PolicyMemory Remember(Operation site, Dimensions sizes);
}

/// <summary>
/// What a policy remembers of a sequence's prompts. A session owns it: an element of each slot for each of the layers that the policy acts in. It grows with the
/// tokens of prompts, in every mode; a session that takes one of these back forgets all, and computes the tokens that are left again. What is chosen of it holds from
/// the end of a prompt on, in Predicted mode.
/// </summary>
/// <param name="Summary">What it is, for a comment of generated code.</param>
/// <param name="Counting">Operations after the site, on a batch of a prompt's tokens.</param>
/// <param name="Choosing">Operations once a prompt has come to its end.</param>
internal sealed record PolicyMemory(string Summary, EquatableArray<Operation> Counting, EquatableArray<Operation> Choosing)
{
    /// <summary>How many elements its <see cref="ChooseLargest"/> chooses: layers whose policies differ in this alone have one memory.</summary>
    public int Kept { get; init; }

    /// <summary>What a session has of it.</summary>
    public IEnumerable<Slot> Slots => Counting.Concat(Choosing).Select(operation => operation.Writes).Where(slot => slot.Element is SlotElement.Sum or SlotElement.Bit);
}

/// <summary>A memory, and whose it is.</summary>
/// <param name="Use">How many elements are chosen, and where the policies act that have it.</param>
internal sealed record MemoryUse(PolicyMemory Memory, PolicyUse Use);

/// <summary>A batch's tokens are counted by policies that remember them: those of prompts, where they are computed densely.</summary>
internal sealed record CountTokens() : Operation(Stage.FeedForward, WorkUnit.Neuron, Slot.Memory, Slot.Activated);

/// <summary>The sum of the squares of each token's elements.</summary>
internal sealed record SumOfSquares(Slot From, Slot To) : Operation(Stage.FeedForward, WorkUnit.Token, To, From);

/// <summary>Adds each token's shares in its sum of squares to those of the tokens before it.</summary>
internal sealed record AddShares(Slot From, Slot Squares, Slot To) : Operation(Stage.FeedForward, WorkUnit.Neuron, To, From, Squares);

/// <summary>Chooses the largest elements. Of equals the first. How many, the memory says.</summary>
internal sealed record ChooseLargest(Slot From, Slot To) : Operation(Stage.FeedForward, WorkUnit.Neuron, To, From);

/// <summary>Gathers what policies remember.</summary>
internal static class PolicyMemories
{
    public static IReadOnlyList<MemoryUse> Of(ModelSpec spec, IEnumerable<Operation> layer, Dimensions sizes) =>
        [.. layer.Where(operation => operation.Site is not null).SelectMany(site => Of(spec, site, sizes))];

    private static IEnumerable<MemoryUse> Of(ModelSpec spec, Operation site, Dimensions sizes)
    {
        PolicyMemory? Of(PolicySpec policy) => policy.Site == site.Site ? (policy as IMemoryPolicy)?.Remember(site, sizes) : null;
        PolicyMemory? Common(PolicySpec policy) => Of(policy) is { } memory ? memory with { Kept = 0 } : null;
        return spec.Policies.Select(run => Common(run.Policy)).OfType<PolicyMemory>().Distinct().Select(memory => new MemoryUse(
            memory,
            new PolicyUse(
                memory.Summary,
                new LayerSet(spec, policy => memory.Equals(Common(policy))),
                PolicyPhases.Kept(spec.Policies.Where(run => memory.Equals(Common(run.Policy))), policy => Of(policy)!.Kept))));
    }
}

/// <summary>Each token gets what its sequence has chosen: where a pass's tokens have rows of it.</summary>
internal sealed record BringChosen(Slot Chosen) : Operation(Stage.FeedForward, WorkUnit.Row, Chosen);
