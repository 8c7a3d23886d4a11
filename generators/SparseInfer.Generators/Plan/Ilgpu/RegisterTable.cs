namespace SparseInfer.Generators.Plan.Ilgpu;

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
/// not modelled: what ptxas 11.8 reports for sm_87 (docs/gpu-kernels.md), with no spill and no stack in any. Kernels of the widths between
/// take no more than the wider entry.
/// </summary>
internal static class RegisterTable
{
    /// <summary>Widths that were measured: each stands for those up to it, from the one before.</summary>
    private static readonly int[] Widths = [2048, 4096, 16384];

    /// <summary>Registers of a thread.</summary>
    /// <param name="columns">Weights of a row.</param>
    public static int Registers(KernelKind kind, WeightType type, int columns)
    {
        int[] measured = Measured(kind, type);
        int index = Array.FindIndex(Widths, width => columns <= width);
        return measured[index < 0 ? measured.Length - 1 : index];
    }

    private static int[] Measured(KernelKind kind, WeightType type) => (kind, type) switch
    {
        (KernelKind.Fused, WeightType.F32) => [44, 44, 56],
        (KernelKind.Fused, WeightType.F16 or WeightType.BF16) => [42, 42, 64],
        (KernelKind.Fused, WeightType.Q8_0) => [55, 55, 128],
        (KernelKind.Fused, _) => [85, 85, 255],
        (KernelKind.FusedDense, WeightType.F32) => [44, 44, 56],
        (KernelKind.FusedDense, WeightType.F16 or WeightType.BF16) => [61, 61, 64],
        (KernelKind.FusedDense, WeightType.Q8_0) => [76, 76, 128],
        (KernelKind.FusedDense, _) => [85, 85, 255],
        (KernelKind.Heads, WeightType.F32) => [43, 43, 43],
        (KernelKind.Heads, WeightType.F16 or WeightType.BF16) => [63, 63, 63],
        (KernelKind.Heads, WeightType.Q8_0) => [59, 59, 59],
        (KernelKind.Heads, _) => [72, 72, 72],
        (_, WeightType.F32) => [43, 43, 43],
        (_, WeightType.F16 or WeightType.BF16) => [41, 41, 41],
        (_, WeightType.Q8_0) => [44, 44, 44],
        _ => [40, 40, 40],
    };
}
