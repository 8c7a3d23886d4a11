using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Kernels.Ilgpu;
using SparseInfer.Runtime;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>Instructions of PTX against the plain code in their place, which other devices execute, and this process too.</summary>
public sealed class BytesTests
{
    private const int Results = BytesKernel.Results;
    private const int Threads = BytesKernel.Threads;

    [Fact]
    public void Instructions_give_the_integers_of_plain_code()
    {
        var random = new Random(11);
        uint[] a = [0, uint.MaxValue, 0x80808080, 0x7f7f7f7f, 0x80808080, .. Enumerable.Range(0, 1019).Select(_ => (uint)random.NextInt64(1L << 32))];
        uint[] b = [0, uint.MaxValue, 0x80808080, 0x80808080, 0x7f7f7f7f, .. Enumerable.Range(0, 1019).Select(_ => (uint)random.NextInt64(1L << 32))];
        using IlgpuDevice device = TestDevice.Open();
        using DeviceBuffer<uint> left = device.Allocate<uint>(a.Length, "a");
        using DeviceBuffer<uint> right = device.Allocate<uint>(b.Length, "b");
        using DeviceBuffer<uint> results = device.Allocate<uint>(a.Length * Results, "results");
        left.CopyFrom(a);
        right.CopyFrom(b);
        uint[] actual = new uint[a.Length * Results];

        device.Accelerator.LoadStreamKernel<ArrayView<uint>, ArrayView<uint>, ArrayView<uint>>(BytesKernel.Combine)(
            new KernelConfig(a.Length / Threads, Threads), left.View, right.View, results.View);
        device.Synchronize();
        results.CopyTo(actual);

        for (int i = 0; i < a.Length; i++)
        {
            uint[] expected =
            [
                (uint)Bytes.Dot(a[i], b[i], (int)a[i]),
                (uint)Bytes.DotUnsigned(a[i], b[i], (int)b[i]),
                Bytes.InterleaveLower(a[i], b[i]),
                Bytes.InterleaveUpper(a[i], b[i]),
            ];
            actual[(i * Results)..((i + 1) * Results)].ShouldBe(expected, $"{a[i]:x8}, {b[i]:x8}");

            // And the plain code against the definition.
            int[] signed = [.. BitConverter.GetBytes(b[i]).Select(value => (int)(sbyte)value)];
            expected[0].ShouldBe((uint)((int)a[i] + BitConverter.GetBytes(a[i]).Zip(signed, (x, y) => (sbyte)x * y).Sum()));
            expected[1].ShouldBe((uint)((int)b[i] + BitConverter.GetBytes(a[i]).Zip(signed, (x, y) => x * y).Sum()));
        }
    }
}

/// <summary>A kernel that is all of <see cref="Bytes"/>' instructions; public, for ILGPU calls it from an assembly of its own.</summary>
public static class BytesKernel
{
    public const int Results = 4;
    public const int Threads = 32;

    public static void Combine(ArrayView<uint> a, ArrayView<uint> b, ArrayView<uint> results)
    {
        int i = (Grid.IdxX * Threads) + Group.IdxX;
        results[i * Results] = (uint)Bytes.Dot(a[i], b[i], (int)a[i]);
        results[(i * Results) + 1] = (uint)Bytes.DotUnsigned(a[i], b[i], (int)b[i]);
        results[(i * Results) + 2] = Bytes.InterleaveLower(a[i], b[i]);
        results[(i * Results) + 3] = Bytes.InterleaveUpper(a[i], b[i]);
    }
}
