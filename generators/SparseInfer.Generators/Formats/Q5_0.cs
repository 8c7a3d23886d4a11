namespace SparseInfer.Generators.Formats;

/// <summary>ggml's Q5_0: a half scale and 32 times five bits, each with an excess of 16.</summary>
internal sealed class Q5_0 : QuantFormat
{
    public override WeightType Type => WeightType.Q5_0;

    public override int BlockColumns => 32;

    public override int BlockBytes => 22;

    public override int ScaleHalves => 1;

    public override int HighBytes => 4;

    public override double InstructionsPerLoad => 46.5;

    public override KernelRegisters Registers { get; } = new(
        Fused: [127, 127, 127, 128],
        FusedDense: [96, 128, 96, 128],
        Heads: [34, 41, 44, 64],
        Rows: [27, 40, 47, 54]);
}
