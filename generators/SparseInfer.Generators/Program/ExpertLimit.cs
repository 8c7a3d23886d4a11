using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>What no program computes of experts: anything between a token's neurons and what leads out of them.</summary>
internal static class ExpertLimit
{
    /// <summary>In words; null: experts have all of it, or there are none.</summary>
    public static string? Of(ModelSpec model)
    {
        if (model.Experts is null)
        {
            return null;
        }

        var program = ModelProgram.Of(model);
        return program.Memories is [var memory, ..]
            ? $"a policy remembers '{memory.Memory.Summary}' of prompts, which experts do not have; remove the policy or [Experts]"
            : program.Layer.Any(operation => operation is NormNeurons)
                ? "the experts' neurons have no norm before down, which [SubNorms] declares; remove [SubNorms] or [Experts]"
                : null;
    }
}
