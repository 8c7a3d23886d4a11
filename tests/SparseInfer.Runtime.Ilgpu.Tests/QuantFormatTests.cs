using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>Types of four, five and six bits: what the device widens has the bits of what the file's blocks mean.</summary>
public sealed class QuantFormatTests
{
    /// <summary>Columns that fill no 16 bytes of fifth bits, and several blocks.</summary>
    [Theory]
    [InlineData(WeightType.Q5_0, 96)]
    [InlineData(WeightType.Q5_1, 160)]
    [InlineData(WeightType.Q4_K, 512)]
    [InlineData(WeightType.Q5_K, 512)]
    [InlineData(WeightType.Q6_K, 768)]
    public void A_row_keeps_every_bit(WeightType type, int columns)
    {
        const int Count = 3;
        float[] values = Values(Count * columns, 1);
        byte[] source = [.. values.Chunk(columns).SelectMany(row => Numbers.Encode(type, row))];
        DeclaredMatrix wanted = UploadProgram.Matrix("m.weight", Count, columns, type);
        DeviceMatrix matrix = default;
        using TinyModel model = UploadProgram.Load(
            TestDevice.Shared,
            [wanted],
            (bind, upload) => matrix = upload.Matrix(bind.Matrix(wanted), Count, columns),
            UploadProgram.Tensor("m.weight", type, source, Count, columns));

        float[] widened = type switch
        {
            WeightType.Q5_0 => Rows<Q5_0.Facts>(matrix),
            WeightType.Q5_1 => Rows<Q5_1.Facts>(matrix),
            WeightType.Q4_K => Rows<Q4_K.Facts>(matrix),
            WeightType.Q5_K => Rows<Q5_K.Facts>(matrix),
            _ => Rows<Q6_K.Facts>(matrix),
        };
        widened.ShouldBe(Numbers.Decode(type, source, Count * columns));
    }

    [Theory]
    [InlineData(WeightType.Q5_0, 96, 64)]
    [InlineData(WeightType.Q5_1, 32, 96)]
    [InlineData(WeightType.Q4_K, 256, 512)]
    [InlineData(WeightType.Q5_K, 512, 256)]
    [InlineData(WeightType.Q6_K, 256, 512)]
    public void A_down_matrix_keeps_every_bit(WeightType type, int hidden, int neurons)
    {
        byte[][] source = [.. Values(hidden * neurons, 2).Chunk(neurons).Select(row => Numbers.Encode(type, row))];
        var wanted = new DeclaredDown(new("m.weight", ""), hidden, neurons, [type]);
        DeviceMatrix down = default;
        using TinyModel model = UploadProgram.Load(
            TestDevice.Shared,
            [wanted],
            (bind, upload) => down = upload.Down(bind.Down(wanted, layer: 0), type, hidden, neurons),
            UploadProgram.Tensor("m.weight", type, [.. source.SelectMany(row => row)], hidden, neurons));

        float[] widened = type switch
        {
            WeightType.Q5_0 => Down<Q5_0.Facts>(down),
            WeightType.Q5_1 => Down<Q5_1.Facts>(down),
            WeightType.Q4_K => Down<Q4_K.Facts>(down),
            WeightType.Q5_K => Down<Q5_K.Facts>(down),
            _ => Down<Q6_K.Facts>(down),
        };
        float[][] rows = [.. source.Select(row => Numbers.Decode(type, row, neurons))];
        widened.ShouldBe(Enumerable.Range(0, neurons).SelectMany(neuron => rows.Select(row => row[neuron])));
    }

    private static float[] Rows<T>(DeviceMatrix matrix)
        where T : struct, IQuantFacts
    {
        int blocks = matrix.Columns / 32;
        IlgpuDevice device = TestDevice.Shared;
        using DeviceBuffer<Float4> widened = device.Allocate<Float4>(matrix.Rows * blocks * 8, "test");
        device.Accelerator.LoadStreamKernel<ArrayView<Words4>, ArrayView<ushort>, int, int, int, ArrayView<Float4>>(QuantKernels.Rows<T>)(
            new KernelConfig(matrix.Rows, blocks), matrix.Words, matrix.Scales, matrix.RowWords, (int)(matrix.Scales.Length / matrix.Rows), blocks, widened.View);
        return Floats(device, widened);
    }

    private static float[] Down<T>(DeviceMatrix matrix)
        where T : struct, IQuantFacts
    {
        int blocks = matrix.Columns / 32;
        IlgpuDevice device = TestDevice.Shared;
        using DeviceBuffer<Float4> widened = device.Allocate<Float4>(matrix.Rows * blocks * 8, "test");
        using DeviceBuffer<Float4> unscaled = device.Allocate<Float4>(matrix.Rows * blocks * 8, "test");
        using DeviceBuffer<uint> quants = device.Allocate<uint>(matrix.Rows * blocks * 8, "test");
        var config = new KernelConfig(matrix.Rows, blocks);
        device.Accelerator.LoadStreamKernel<ArrayView<Words4>, ArrayView<Words4>, int, int, int, ArrayView<Float4>, ArrayView<Float4>>(QuantKernels.Down<T>)(
            config, matrix.Words, matrix.Scales.Cast<Words4>(), matrix.RowWords, T.IsSplit ? 16 : 32, blocks, unscaled.View, widened.View);
        device.Accelerator.LoadStreamKernel<ArrayView<Words4>, int, int, ArrayView<uint>>(QuantKernels.DownWords<T>)(
            config, matrix.Words, matrix.RowWords, blocks, quants.View);
        float[] values = Floats(device, widened);
        uint[] words = new uint[quants.Count];
        quants.CopyTo(words);
        float[] plain = Floats(device, unscaled);
        MemoryMarshal.AsBytes<uint>(words).ToArray().Select(quant => (float)(quant - T.Excess)).ShouldBe(plain);
        return values;
    }

    private static float[] Floats(IlgpuDevice device, DeviceBuffer<Float4> buffer)
    {
        device.Synchronize();
        Float4[] values = new Float4[buffer.Count];
        buffer.CopyTo(values);
        return MemoryMarshal.Cast<Float4, float>(values).ToArray();
    }

    /// <summary>Of different sizes, so that blocks have scales, and minima, of their own.</summary>
    private static float[] Values(int count, int seed)
    {
        float[] values = Numbers.Random(count, seed);
        for (int i = 0; i < count; i++)
        {
            values[i] *= 1 + (i / 16 % 7);
        }

        return values;
    }
}
