using SparseInfer.Generators.Formats;

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

/// <summary>Registers of a thread: they bound how many groups a multiprocessor holds at a time.</summary>
internal static class RegisterTable
{
    /// <summary>Widths that were measured.</summary>
    public static IReadOnlyList<int> Widths => KernelRegisters.Widths;

    /// <summary>Registers of a thread. Between two widths that were measured the more of both, beyond them the nearest.</summary>
    /// <param name="columns">Weights of a row.</param>
    public static int Registers(KernelKind kind, WeightType type, int columns)
    {
        int[] measured = Measured(kind, Format.Of(type).Registers);
        int above = 0;
        while (above < Widths.Count && Widths[above] < columns)
        {
            above++;
        }

        return above == Widths.Count ? measured[above - 1]
            : above == 0 || Widths[above] == columns ? measured[above]
            : Math.Max(measured[above - 1], measured[above]);
    }

    private static int[] Measured(KernelKind kind, KernelRegisters registers) => kind switch
    {
        KernelKind.Fused => registers.Fused,
        KernelKind.FusedDense => registers.FusedDense,
        KernelKind.Heads => registers.Heads,
        _ => registers.Rows,
    };
}
