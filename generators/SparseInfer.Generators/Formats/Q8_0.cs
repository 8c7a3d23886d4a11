namespace SparseInfer.Generators.Formats;

/// <summary>ggml's Q8_0: a half scale and 32 signed bytes.</summary>
internal sealed class Q8_0 : Format
{
    public override WeightType Type => WeightType.Q8_0;

    public override int BlockColumns => 32;

    public override int BlockBytes => 34;

    public override int ColumnsPerLoad => 16;

    public override double InstructionsPerLoad => 29.4;

    public override KernelRegisters Registers { get; } = new(
        Fused: [80, 80, 85, 96],
        FusedDense: [80, 80, 86, 92],
        Heads: [40, 43, 47, 74],
        Rows: [35, 42, 47, 68]);

    public override BlockArithmetic Blocks { get; } = new ByteArithmetic(nameof(Q8_0));
}
