namespace SparseInfer.Generators.Ilgpu;

/// <summary>Kernels that go through rows of weights; each has registers of its own.</summary>
internal enum KernelKind
{
    /// <summary>The fused feed-forward of a policy that skips neurons.</summary>
    Fused,

    /// <summary>The fused feed-forward that skips none.</summary>
    FusedDense,

    /// <summary>Query, key and value: two rows at a time.</summary>
    Heads,

    /// <summary>Output projection and head: one row at a time.</summary>
    Rows,
}

/// <summary>
/// Registers of a thread, by kind of kernel, weight type and width: they bound how many groups a multiprocessor holds at a time. Measured,
/// not modelled: what ptxas 11.8 reports for sm_87, gated ReLU with the sign-bit predictor (Fused) and without (FusedDense), with no spill and
/// no stack in any. docs/gpu-instructions.md shows them and says how they were measured.
/// </summary>
internal static class RegisterTable
{
    /// <summary>Widths that were measured.</summary>
    public static IReadOnlyList<int> Widths { get; } = [1024, 2080, 4096, 14336];

    /// <summary>Registers of a thread. Between two widths that were measured the more of both, beyond them the nearest.</summary>
    /// <param name="columns">Weights of a row.</param>
    public static int Registers(KernelKind kind, WeightType type, int columns)
    {
        int[] measured = Measured(kind, type);
        int above = 0;
        while (above < Widths.Count && Widths[above] < columns)
        {
            above++;
        }

        return above == Widths.Count ? measured[above - 1]
            : above == 0 || Widths[above] == columns ? measured[above]
            : Math.Max(measured[above - 1], measured[above]);
    }

    private static int[] Measured(KernelKind kind, WeightType type) => (kind, type) switch
    {
        (KernelKind.Fused, WeightType.F32) => [43, 66, 44, 124],
        (KernelKind.Fused, WeightType.F16 or WeightType.BF16) => [41, 61, 41, 85],
        (KernelKind.Fused, WeightType.Q8_0) => [80, 80, 85, 96],
        (KernelKind.Fused, _) => [102, 102, 102, 115],
        (KernelKind.FusedDense, WeightType.F32) => [46, 65, 44, 76],
        (KernelKind.FusedDense, WeightType.F16 or WeightType.BF16) => [45, 56, 61, 75],
        (KernelKind.FusedDense, WeightType.Q8_0) => [80, 80, 86, 92],
        (KernelKind.FusedDense, _) => [96, 96, 96, 102],
        (KernelKind.Heads, WeightType.F32) => [47, 44, 43, 40],
        (KernelKind.Heads, WeightType.F16 or WeightType.BF16) => [47, 40, 63, 42],
        (KernelKind.Heads, WeightType.Q8_0) => [40, 43, 47, 74],
        (KernelKind.Heads, _) => [33, 40, 46, 92],
        (_, WeightType.F32) => [41, 41, 43, 40],
        (_, WeightType.F16 or WeightType.BF16) => [36, 41, 41, 44],
        (_, WeightType.Q8_0) => [35, 42, 47, 68],
        _ => [28, 38, 44, 44],
    };
}
