using ILGPU;

namespace SparseInfer.SoftwareCuda.Tests.Driver;

/// <summary>Kernels that each break one rule, and two that break none.</summary>
public static class FaultyKernels
{
    public static void Fill(ArrayView<int> output, int value) => output[Grid.GlobalIndex.X] = value;

    /// <summary>Turns what a group has around, by shared memory that the launch brings.</summary>
    public static void Reverse(ArrayView<int> output)
    {
        ArrayView<int> shared = SharedMemory.GetDynamic<int>();
        shared[Group.IdxX] = output[Group.IdxX];
        Group.Barrier();
        output[Group.IdxX] = shared[Group.DimX - 1 - Group.IdxX];
    }

    public static void Overruns(ArrayView<int> input, ArrayView<int> output) => output[Group.IdxX] = input[Group.IdxX + 40];

    public static void ReadsBesideIntegers(ArrayView<int> input, ArrayView<int> output) =>
        output[Group.IdxX] = input.Cast<byte>().SubView(2, 200).Cast<int>()[Group.IdxX];

    public static void ReadsUnwrittenShared(ArrayView<int> input, ArrayView<int> output)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(64);
        shared[Group.IdxX] = input[Group.IdxX];
        Group.Barrier();
        output[Group.IdxX] = shared[Group.IdxX + 7];
    }

    public static void RacesInShared(ArrayView<int> input, ArrayView<int> output)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(32);
        shared[Group.IdxX] = input[Group.IdxX];
        output[Group.IdxX] = shared[Group.IdxX ^ 1];
    }

    public static void RacesBetweenGroups(ArrayView<int> input, ArrayView<int> output) => output[Group.IdxX] = input[Group.IdxX] + Grid.IdxX;

    public static void WaitsAtTwoBarriers(ArrayView<int> input, ArrayView<int> output)
    {
        if (Group.IdxX < 16)
        {
            output[Group.IdxX] = input[0];
            Group.Barrier();
            output[Group.IdxX] = input[1];
        }
        else
        {
            output[Group.IdxX] = input[2];
            Group.Barrier();
            output[Group.IdxX] = input[3];
        }
    }

    public static void ShufflesInHalfAWarp(ArrayView<int> input, ArrayView<int> output)
    {
        if (Group.IdxX < 16)
        {
            output[Group.IdxX] = Warp.ShuffleXor(input[Group.IdxX], 1);
        }

        Group.Barrier(); // where the other half waits
        output[Group.IdxX + 32] = input[Group.IdxX];
    }

    public static void Copies(ArrayView<int> input, ArrayView<int> output) => output[Group.IdxX] = input[Group.IdxX];
}
