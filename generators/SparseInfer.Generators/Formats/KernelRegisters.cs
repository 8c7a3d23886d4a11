namespace SparseInfer.Generators.Formats;

/// <summary>
/// Registers of a thread that reads rows of a weight type on a GPU, a number for each width of <see cref="Widths"/>. Measured, not modelled: what
/// ptxas 11.8 reports for sm_87, gated ReLU with the sign-bit predictor (<paramref name="Fused"/>) and without (<paramref name="FusedDense"/>), with
/// no spill and no stack in any. docs/gpu-instructions.md shows them and says how they were measured.
/// </summary>
/// <param name="Fused">Of the fused feed-forward of a policy that skips neurons.</param>
/// <param name="FusedDense">Of the fused feed-forward that skips none.</param>
/// <param name="Heads">Of query, key and value: two rows at a time.</param>
/// <param name="Rows">Of the output projection and head: one row at a time.</param>
internal sealed record KernelRegisters(int[] Fused, int[] FusedDense, int[] Heads, int[] Rows)
{
    /// <summary>Weights of a row, where it was measured.</summary>
    public static IReadOnlyList<int> Widths { get; } = [1024, 2080, 4096, 14336];

    /// <summary>Of types of 16 bits: widening either takes as many.</summary>
    public static KernelRegisters OfHalves { get; } = new(
        Fused: [41, 61, 41, 85],
        FusedDense: [45, 56, 61, 75],
        Heads: [47, 40, 63, 42],
        Rows: [36, 41, 41, 44]);
}
