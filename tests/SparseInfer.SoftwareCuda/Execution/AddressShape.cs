using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SparseInfer.SoftwareCuda.Execution.Operations;

namespace SparseInfer.SoftwareCuda.Execution;

/// <summary>How the addresses of one access lie to each other.</summary>
internal enum AddressPattern : byte
{
    Scattered,

    /// <summary>All lanes of the mask have one address.</summary>
    Uniform,

    /// <summary>The mask has lanes side by side, and so are their pieces of memory.</summary>
    Contiguous,
}

/// <summary>The pattern of a warp's addresses, with the first lane and the number of lanes.</summary>
internal readonly unsafe struct AddressShape(AddressPattern pattern, int first, int lanes)
{
    public AddressPattern Pattern { get; } = pattern;

    public int First { get; } = first;

    public int Lanes { get; } = lanes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static AddressShape Of(ulong* addresses, uint mask, int bytes)
    {
        int first = BitOperations.TrailingZeroCount(mask);
        int lanes = BitOperations.PopCount(mask);
        Vector256<ulong> one = Vector256.Create(addresses[first]);
        Vector256<ulong> step = Vector256.Create((ulong)bytes * 4);
        Vector256<ulong> expected = Vector256.Create(addresses[first] - ((ulong)first * (ulong)bytes))
            + Vector256.Create(0UL, (ulong)bytes, (ulong)bytes * 2, (ulong)bytes * 3);
        Vector256<ulong> notUniform = default;
        Vector256<ulong> notContiguous = default;
        for (int lane = 0; lane < 32; lane += 4)
        {
            Vector256<ulong> address = Vector256.Load(addresses + lane);
            Vector256<ulong> taking = mask == uint.MaxValue ? Vector256<ulong>.AllBitsSet : LaneLoops.Lanes<ulong>(mask >> lane);
            notUniform |= (address ^ one) & taking;
            notContiguous |= (address ^ expected) & taking;
            expected += step;
        }

        if (notUniform == default)
        {
            return new(AddressPattern.Uniform, first, lanes);
        }

        bool run = ((ulong)mask >> first) + 1 == 1UL << lanes;
        return new(run && notContiguous == default ? AddressPattern.Contiguous : AddressPattern.Scattered, first, lanes);
    }
}
