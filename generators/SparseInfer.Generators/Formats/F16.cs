namespace SparseInfer.Generators.Formats;

/// <summary>Halves.</summary>
internal sealed class F16 : Format
{
    public override WeightType Type => WeightType.F16;

    public override int BlockBytes => 2;

    public override int ColumnsPerLoad => 8;

    public override double InstructionsPerLoad => 26.5;

    public override KernelRegisters Registers => KernelRegisters.OfHalves;

    /// <summary>Halves are exact there.</summary>
    public override bool IsTensorCoreOperand => true;
}
