namespace SparseInfer.Generators.Formats;

/// <summary>
/// A block type of four, five or six bits. On a GPU, 16 bytes have four bits of 32 columns; what is above follows at the end of a row, and scales lie
/// apart, as integers and halves where the file has those.
/// </summary>
internal abstract class QuantFormat : Format
{
    public sealed override int ColumnsPerLoad => 32;

    /// <summary>Whether 16 weights have a scale of their own; else 32 have.</summary>
    protected virtual bool IsSplit => false;

    /// <summary>Whether a minimum is taken off.</summary>
    protected virtual bool HasMinimum => false;

    public sealed override BlockArithmetic Blocks => field ??= new QuantArithmetic(Type.ToString(), IsSplit, HasMinimum);
}
