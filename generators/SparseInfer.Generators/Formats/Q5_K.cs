namespace SparseInfer.Generators.Formats;

/// <summary>ggml's Q5_K: a half for scales, one for minima, both of six bits for every 32 columns, and 256 times five bits.</summary>
internal sealed class Q5_K : QuantFormat
{
    public override WeightType Type => WeightType.Q5_K;

    public override int BlockColumns => 256;

    public override int BlockBytes => 176;

    public override int ScaleHalves => 10;

    public override int HighBytes => 4;

    protected override bool HasMinimum => true;

    public override double InstructionsPerLoad => 57.4;

    public override KernelRegisters Registers { get; } = new(
        Fused: [128, 128, 128, 128],
        FusedDense: [104, 128, 96, 128],
        Heads: [34, 40, 44, 64],
        Rows: [28, 39, 42, 64]);
}
