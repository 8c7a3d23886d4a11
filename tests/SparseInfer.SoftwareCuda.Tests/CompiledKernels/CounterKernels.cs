using ILGPU;

namespace SparseInfer.SoftwareCuda.Tests.CompiledKernels;

/// <summary>16 bytes, as kernels load them.</summary>
public struct Four
{
    public uint X;
    public uint Y;
    public uint Z;
    public uint W;
}

/// <summary>Kernels whose accesses can be told by hand.</summary>
public static class CounterKernels
{
    public static void Strided(ArrayView<float> input, ArrayView<float> output, int stride) =>
        output[(Grid.IdxX * 32) + Group.IdxX] = input[Group.IdxX * stride];

    public static void WideLoads(Views views, ArrayView<uint> output)
    {
        uint sum = 0;
        for (int i = Group.IdxX; i < 160; i += 32)
        {
            Four four = views.Weights[i];
            sum += four.X + four.Y + four.Z + four.W;
        }

        output[Group.IdxX] = sum;
    }

    public static void Uneven(ArrayView<float> input, ArrayView<float> output)
    {
        float sum = 0;
        for (int i = Group.IdxX; i < 40; i += 32)
        {
            sum += input[i];
        }

        output[Group.IdxX] = sum;
    }

    public static void SharedStride(ArrayView<uint> output, int stride)
    {
        ArrayView<uint> shared = SharedMemory.Allocate<uint>(33 * 32);
        shared[Group.IdxX * stride] = 1;
        Group.Barrier();
        output[Group.IdxX] = shared[Group.IdxX * stride];
    }

    public static void SharedWide(ArrayView<uint> output, int stride)
    {
        ArrayView<Four> shared = SharedMemory.Allocate<Four>(64);
        shared[Group.IdxX * stride] = default;
        Group.Barrier();
        Four four = shared[Group.IdxX * stride];
        output[Group.IdxX] = four.X + four.Y + four.Z + four.W;
    }

    public static void BroadcastWord(ArrayView<int> output)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(1);
        if (Group.IdxX == 0)
        {
            shared[0] = 5;
        }

        Group.Barrier();
        int value = shared[0] + Group.IdxX;
        int sum = value + Warp.ShuffleXor(value, 1) + Warp.ShuffleXor(value, 2);
        if (Grid.IdxX == 0)
        {
            output[Group.IdxX] = sum;
        }
    }

    public struct Views
    {
        public ArrayView<float> Scales;
        public ArrayView<Four> Weights;
    }
}
