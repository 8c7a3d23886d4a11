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

    public override double InstructionsPerLoad => 51.0;

    public override KernelRegisters Registers { get; } = new(
        Fused: [128, 128, 128, 128],
        FusedDense: [128, 128, 128, 128],
        Heads: [36, 42, 56, 74],
        Rows: [32, 40, 44, 66]);
}
