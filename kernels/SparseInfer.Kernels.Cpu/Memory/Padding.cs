namespace SparseInfer.Kernels.Cpu;

/// <summary>The width to which rows, inputs and outputs are padded with zeros.</summary>
public static class Padding
{
    /// <summary>Columns a kernel takes at once: two vectors of 16, or one block of a block format.</summary>
    public const int Columns = 32;

    /// <summary>A width rounded up to a multiple of <see cref="Columns"/>.</summary>
    /// <exception cref="OverflowException">The padded width exceeds <see cref="int.MaxValue"/>.</exception>
    public static int Pad(int columns) => checked(columns + (Columns - 1)) & ~(Columns - 1);
}
