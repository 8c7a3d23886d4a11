using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Four rows of a matrix, which kernels take together: as many as it takes to keep the multiply-add units busy. Unmanaged memory only.</summary>
public readonly unsafe struct FourRows
{
    /// <summary>Names four rows; the same may be named more than once.</summary>
    /// <param name="first">First byte of a row.</param>
    /// <param name="second">First byte of a row.</param>
    /// <param name="third">First byte of a row.</param>
    /// <param name="fourth">First byte of a row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal FourRows(byte* first, byte* second, byte* third, byte* fourth)
    {
        First = first;
        Second = second;
        Third = third;
        Fourth = fourth;
    }

    internal byte* First { get; }

    internal byte* Second { get; }

    internal byte* Third { get; }

    internal byte* Fourth { get; }
}
