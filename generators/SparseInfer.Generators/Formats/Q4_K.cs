namespace SparseInfer.Generators.Formats;

/// <summary>ggml's Q4_K: a half for scales, one for minima, both of six bits for every 32 columns, and 256 times four bits.</summary>
internal sealed class Q4_K : QuantFormat
{
    public override WeightType Type => WeightType.Q4_K;

    public override int BlockColumns => 256;

    public override int BlockBytes => 144;

    public override int ScaleHalves => 10;

    protected override bool HasMinimum => true;

    public override double InstructionsPerLoad => 53.6;

    public override KernelRegisters Registers { get; } = new(
        Fused: [110, 110, 110, 108],
        FusedDense: [110, 110, 100, 110],
        Heads: [32, 40, 43, 64],
        Rows: [28, 37, 40, 60]);
}
