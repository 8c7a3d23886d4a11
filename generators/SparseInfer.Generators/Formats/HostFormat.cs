namespace SparseInfer.Generators.Formats;

/// <summary>A block type that has kernels for CPUs alone.</summary>
internal abstract class HostFormat : Format
{
    public override KernelTuning Tuning => new(GroupsAhead: 1, BlockNeurons: 512, PromptBatch: 64);

    public sealed override bool HasDeviceKernels => false;

    public sealed override int ColumnsPerLoad => throw None();

    public sealed override double InstructionsPerLoad => throw None();

    public sealed override KernelRegisters Registers => throw None();

    private NotSupportedException None() => new($"{Type} has no kernels for GPUs.");
}
