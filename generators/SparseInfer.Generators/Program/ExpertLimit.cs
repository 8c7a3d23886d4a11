using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>What no program computes of experts: anything between a token's neurons and what leads out of them.</summary>
internal static class ExpertLimit
{
    /// <summary>In words; null: experts have all of it, or there are none.</summary>
    public static string? Of(ModelSpec model) => model.Experts is not null && ModelProgram.Of(model).Layer.Any(operation => operation is NormNeurons)
        ? "the experts' neurons have no norm before down, which [SubNorms] declares; remove [SubNorms] or [Experts]"
        : null;
}
