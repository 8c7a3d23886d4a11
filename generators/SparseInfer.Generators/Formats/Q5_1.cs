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

    public override double InstructionsPerLoad => 45.2;

    public override KernelRegisters Registers { get; } = new(
        Fused: [128, 128, 128, 128],
        FusedDense: [96, 128, 96, 128],
        Heads: [34, 43, 45, 64],
        Rows: [28, 39, 44, 54]);
}
