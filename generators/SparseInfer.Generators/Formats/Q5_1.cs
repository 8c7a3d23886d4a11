namespace SparseInfer.Generators.Formats;

/// <summary>ggml's Q5_1: a half scale, a half minimum and 32 times five bits.</summary>
internal sealed class Q5_1 : QuantFormat
{
    public override WeightType Type => WeightType.Q5_1;

    public override int BlockColumns => 32;

    public override int BlockBytes => 24;

    public override int ScaleHalves => 2;

    public override int HighBytes => 4;

    protected override bool HasMinimum => true;

    public override double InstructionsPerLoad => 45;

    public override KernelRegisters Registers { get; } = new(
        Fused: [102, 102, 102, 115],
        FusedDense: [96, 96, 96, 102],
        Heads: [33, 40, 46, 92],
        Rows: [28, 38, 44, 44]);
}
