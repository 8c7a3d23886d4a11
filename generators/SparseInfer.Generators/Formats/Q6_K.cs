namespace SparseInfer.Generators.Formats;

/// <summary>ggml's Q6_K: 256 times six bits, each with an excess of 32, scales of eight bits for every 16 columns, and their half.</summary>
internal sealed class Q6_K : QuantFormat
{
    public override WeightType Type => WeightType.Q6_K;

    public override int BlockColumns => 256;

    public override int BlockBytes => 210;

    public override int ScaleHalves => 10;

    public override int HighBytes => 8;

    protected override bool IsSplit => true;

    public override double InstructionsPerLoad => 45;

    public override KernelRegisters Registers { get; } = new(
        Fused: [102, 102, 102, 115],
        FusedDense: [96, 96, 96, 102],
        Heads: [33, 40, 46, 92],
        Rows: [28, 38, 44, 44]);
}
