namespace SparseInfer.Generators.Formats;

/// <summary>The upper halves of singles.</summary>
internal sealed class BF16 : Format
{
    public override WeightType Type => WeightType.BF16;

    public override int BlockBytes => 2;

    public override int ColumnsPerLoad => 8;

    public override double InstructionsPerLoad => 26.5;

    public override KernelRegisters Registers => KernelRegisters.OfHalves;
}
