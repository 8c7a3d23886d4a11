namespace SparseInfer.Generators.Formats;

/// <summary>ggml's Q5_0: a half scale and 32 times five bits, each with an excess of 16.</summary>
internal sealed class Q5_0 : QuantFormat
{
    public override WeightType Type => WeightType.Q5_0;

    public override int BlockColumns => 32;

    public override int BlockBytes => 22;

    public override int ScaleHalves => 1;

    public override int HighBytes => 4;

    public override double InstructionsPerLoad => 45;

    public override KernelRegisters Registers { get; } = new(
        Fused: [102, 102, 102, 115],
        FusedDense: [96, 96, 96, 102],
        Heads: [33, 40, 46, 92],
        Rows: [28, 38, 44, 44]);
}
