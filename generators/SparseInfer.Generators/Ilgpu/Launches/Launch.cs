using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>A launch of a pass.</summary>
/// <param name="Operation">What it computes; of several operations, the one that it is named after.</param>
/// <param name="What">What head comments call it.</param>
/// <param name="Kernels">Kernels of which it runs one: as the mode, a weight type, a width or a type of cache decides.</param>
internal sealed record Launch(Operation Operation, string What, IReadOnlyList<LaunchedKernel> Kernels)
{
    /// <summary>Whether each layer has it.</summary>
    public bool IsOfLayer => Operation.Stage is not (Stage.Embedding or Stage.Logits);

    /// <summary>Whether it is a policy's own: in its layers, and in Predicted mode.</summary>
    public bool IsOfPolicy { get; init; } = Operation.Policy is not null;

    /// <summary>How often a token has it, in all layers.</summary>
    public int Times(SparsityMode mode) => Kernels.Sum(kernel => kernel.Times(mode));
}

/// <summary>A kernel that a launch may run, and how often a token's launches do, in all layers.</summary>
internal sealed record LaunchedKernel(KernelName Kernel, int Dense, int Exact, int Predicted)
{
    public int Times(SparsityMode mode) => mode switch
    {
        SparsityMode.Dense => Dense,
        SparsityMode.Exact => Exact,
        _ => Predicted,
    };
}

/// <summary>Statements of a pass, and what they launch.</summary>
internal sealed record Step(IReadOnlyList<Launch> Launches, Action Emit);
