namespace SparseInfer.Generators.Formats;

/// <summary>ggml's Q4_0: a half scale and 32 times four bits, each with an excess of 8.</summary>
internal sealed class Q4_0 : Format
{
    public override WeightType Type => WeightType.Q4_0;

    public override int BlockColumns => 32;

    public override int BlockBytes => 18;

    public override int ColumnsPerLoad => 32;

    public override double InstructionsPerLoad => 36.5;

    public override KernelRegisters Registers { get; } = new(
        Fused: [102, 102, 102, 115],
        FusedDense: [96, 96, 96, 102],
        Heads: [33, 40, 46, 92],
        Rows: [28, 38, 44, 44]);

    public override BlockArithmetic Blocks { get; } = new NibbleArithmetic(nameof(Q4_0), excess: 8);
}
