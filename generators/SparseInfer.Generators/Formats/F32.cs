namespace SparseInfer.Generators.Formats;

/// <summary>Singles.</summary>
internal sealed class F32 : Format
{
    public override WeightType Type => WeightType.F32;

    public override int BlockBytes => 4;

    public override int ColumnsPerLoad => 4;

    public override double InstructionsPerLoad => 16;

    public override KernelRegisters Registers { get; } = new(
        Fused: [43, 66, 44, 124],
        FusedDense: [46, 65, 44, 76],
        Heads: [47, 44, 43, 40],
        Rows: [41, 41, 43, 40]);
}
