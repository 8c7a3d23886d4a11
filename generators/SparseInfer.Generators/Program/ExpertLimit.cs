using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>What no program computes of experts: anything between a token's neurons and what leads out of them, and before these are chosen.</summary>
internal static class ExpertLimit
{
    /// <summary>In words; null: experts have all of it, or there are none.</summary>
    public static string? Of(ModelSpec model)
    {
        if (model.Experts is null)
        {
            return null;
        }

        IReadOnlyList<Operation> layer = ModelProgram.Of(model).Layer;
        return layer.FirstOrDefault(operation => operation.Policy is not null && !HeadChoice.IsOfHeads(operation)) is { Policy: { } policy }
            ? $"a policy computes '{policy.Summary}' before neurons are chosen, which experts do not have; remove the policy or [Experts]"
            : layer.Any(operation => operation.Vectors.Count > 0)
                ? "a policy has a number of its own for each neuron, which experts do not have; remove the policy or [Experts]"
            : layer.Any(operation => operation is NormNeurons)
                ? "the experts' neurons have no norm before down, which [SubNorms] declares; remove [SubNorms] or [Experts]"
                : null;
    }
}
