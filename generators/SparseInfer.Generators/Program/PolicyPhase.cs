using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Program;

/// <summary>What a program asks of a <see cref="PolicySpec"/> that wants tensors of the file, and computes something of its own before its site.</summary>
internal interface IPhasePolicy
{
    /// <summary>What it computes in the layers that it acts in.</summary>
    /// <param name="site">The operation in which it chooses: what that reads is there.</param>
    /// <param name="sizes">The model's.</param>
    PolicyPhase Before(Operation site, Dimensions sizes);
}

/// <summary>
/// What a policy computes before its site, in Predicted mode: once, by all workers together. Tensors come with the operations, and slots of
/// its own with what these write.
/// </summary>
/// <param name="Summary">What it is, for a comment of generated code.</param>
/// <param name="Operations">In order.</param>
/// <param name="Results">What the policy's kernels read of it.</param>
internal sealed record PolicyPhase(string Summary, EquatableArray<Operation> Operations, EquatableArray<Slot> Results);

/// <summary>Which policy an operation is for.</summary>
/// <param name="Summary">Of its phase.</param>
/// <param name="Layers">Where the policy acts.</param>
internal sealed record PolicyUse(string Summary, LayerSet Layers);

/// <summary>Puts what policies compute before the operations that they choose in.</summary>
internal static class PolicyPhases
{
    /// <summary>A layer's operations with those of all its policies; in one layer, a site has one policy's.</summary>
    public static IReadOnlyList<Operation> Insert(ModelSpec spec, IEnumerable<Operation> layer, Dimensions sizes) =>
        [.. layer.SelectMany(operation => Before(spec, operation, sizes))];

    private static IEnumerable<Operation> Before(ModelSpec spec, Operation site, Dimensions sizes)
    {
        PolicyPhase? Of(PolicySpec policy) => policy.Site == site.Site ? (policy as IPhasePolicy)?.Before(site, sizes) : null;

        // Policies that compute the same and differ in what they make of it have one phase.
        PolicyPhase[] phases = [.. spec.Policies.Select(policy => Of(policy.Policy)).OfType<PolicyPhase>().Distinct()];
        foreach (PolicyPhase phase in phases)
        {
            var use = new PolicyUse(phase.Summary, new LayerSet(spec, policy => phase.Equals(Of(policy))));
            foreach (Operation operation in phase.Operations)
            {
                yield return operation with { Policy = use };
            }
        }

        yield return phases.Length == 0
            ? site
            : site with { Reads = site.Reads.Concat(phases.SelectMany(phase => phase.Results)).Distinct().ToEquatableArray() };
    }
}
