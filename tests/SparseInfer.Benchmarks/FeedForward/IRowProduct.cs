using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>Who dots four rows with an input.</summary>
internal interface IRowProduct
{
    /// <summary><see cref="RowDot.Four"/>.</summary>
    static abstract Vector128<float> Four(ref float x, in FourRows rows, in FourRows next, int paddedColumns);
}

/// <summary>What generated kernels call: one method for all widths.</summary>
internal readonly struct AnyWidth<T> : IRowProduct
    where T : IWeightArithmetic
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Four(ref float x, in FourRows rows, in FourRows next, int paddedColumns) =>
        RowDot.Four<T>(ref x, in rows, in next, paddedColumns);
}

/// <summary>A width that the compiler is told.</summary>
internal interface IWidth
{
    static abstract int Columns { get; }
}

internal readonly struct Wide64 : IWidth
{
    public static int Columns => 64;
}

internal readonly struct Wide256 : IWidth
{
    public static int Columns => 256;
}

internal readonly struct Wide288 : IWidth
{
    public static int Columns => 288;
}

/// <summary>A method for one width, which is a constant in its loop.</summary>
internal readonly struct OneWidth<T, TWidth> : IRowProduct
    where T : IWeightArithmetic
    where TWidth : struct, IWidth
{
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector128<float> Four(ref float x, in FourRows rows, in FourRows next, int paddedColumns) =>
        T.DotFour(ref x, in rows, in next, TWidth.Columns);
}

/// <summary>The same, in the kernel's own loop: no call.</summary>
internal readonly struct Inlined<T, TWidth> : IRowProduct
    where T : IWeightArithmetic
    where TWidth : struct, IWidth
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Four(ref float x, in FourRows rows, in FourRows next, int paddedColumns) =>
        T.DotFour(ref x, in rows, in next, TWidth.Columns);
}
