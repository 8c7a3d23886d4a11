using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>The layout of weights on a device, read back.</summary>
public sealed class UploadTests
{
    public static TheoryData<WeightType, int, int> Shapes => new()
    {
        { WeightType.F32, 5, 40 },
        { WeightType.F32, 3, 768 },
        { WeightType.F16, 7, 40 },
        { WeightType.F16, 4, 64 },
        { WeightType.BF16, 1, 33 },
        { WeightType.BF16, 6, 96 },
        { WeightType.Q8_0, 5, 96 },
        { WeightType.Q8_0, 33, 32 },
        { WeightType.Q4_0, 5, 96 },
        { WeightType.Q4_0, 2, 32 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_matrix_has_its_rows_padded_and_its_scales_apart(WeightType type, int rows, int columns)
    {
        byte[][] source = [.. Enumerable.Range(0, rows).Select(row => Numbers.Encode(type, Numbers.Random(columns, row)))];
        DeclaredMatrix wanted = UploadProgram.Matrix("m.weight", rows, columns, type);
        DeviceMatrix matrix = default;
        using TinyModel model = Load(
            [wanted],
            (bind, upload) => matrix = upload.Matrix(bind.Matrix(wanted), rows, columns),
            UploadProgram.Tensor("m.weight", type, [.. source.SelectMany(row => row)], rows, columns));

        int rowBytes = (columns + 31) / 32 * 32 / DeviceMatrix.ColumnsPerWords(type) * 16;
        (matrix.Type, matrix.Rows, matrix.Columns, matrix.FirstRow, matrix.RowWords * 16).ShouldBe((type, rows, columns, 0, rowBytes));
        byte[] words = Bytes(matrix.Words);
        words.Length.ShouldBe(rows * rowBytes);
        ushort[] scales = Back(matrix.Scales);
        for (int row = 0; row < rows; row++)
        {
            (byte[] expected, ushort[] expectedScales) = Layout.Split(type, source[row]);
            words.AsSpan(row * rowBytes, expected.Length).ToArray().ShouldBe(expected);
            words.AsSpan((row * rowBytes) + expected.Length, rowBytes - expected.Length).ToArray().ShouldAllBe(value => value == 0);
            scales.AsSpan(row * expectedScales.Length, expectedScales.Length).ToArray().ShouldBe(expectedScales);
        }
    }

    [Theory]
    [InlineData(WeightType.F32, 40, 5)]
    [InlineData(WeightType.F16, 33, 40)]
    [InlineData(WeightType.BF16, 96, 7)]
    [InlineData(WeightType.Q8_0, 40, 96)]
    [InlineData(WeightType.Q8_0, 32, 64)]
    [InlineData(WeightType.Q4_0, 40, 96)]
    [InlineData(WeightType.Q4_0, 64, 32)]
    public void A_down_matrix_is_neuron_major_and_keeps_every_bit(WeightType type, int hidden, int neurons)
    {
        byte[][] source = [.. Enumerable.Range(0, hidden).Select(row => Numbers.Encode(type, Numbers.Random(neurons, row)))];
        var wanted = new DeclaredDown(new("m.weight", ""), hidden, neurons, [type]);
        DeviceMatrix down = default;
        using TinyModel model = Load(
            [wanted],
            (bind, upload) => down = upload.Down(bind.Down(wanted, layer: 0), type, hidden, neurons),
            UploadProgram.Tensor("m.weight", type, [.. source.SelectMany(row => row)], hidden, neurons));

        (down.Rows, down.Columns).ShouldBe((neurons, hidden));
        int padded = (hidden + 31) / 32 * 32;
        byte[] words = Bytes(down.Words);
        ushort[] scales = Back(down.Scales);
        int rowBytes = words.Length / neurons;
        for (int neuron = 0; neuron < neurons; neuron++)
        {
            byte[] row = words.AsSpan(neuron * rowBytes, rowBytes).ToArray();
            float[] values = scales.Length == 0 ? Numbers.Decode(type, row, padded) : Layout.Quants(type, row);
            for (int column = 0; column < padded; column++)
            {
                float scale = scales.Length == 0 ? 1 : (float)BitConverter.UInt16BitsToHalf(scales[(neuron / 32 * padded) + column]);
                float expected = column < hidden ? Numbers.Decode(type, source[column], neurons)[neuron] : 0;
                (scale * values[column]).ShouldBe(expected, $"neuron {neuron}, column {column}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Signs_are_packed_32_to_a_word_and_padded_to_wide_loads(WeightType type, int rows, int columns)
    {
        float[] values = Numbers.Random(rows * columns, 21);
        values[0] = -0f;
        byte[] source = [.. values.Chunk(columns).SelectMany(row => Numbers.Encode(type, row))];
        DeclaredMatrix wanted = UploadProgram.Matrix("m.weight", rows, columns, type);
        ArrayView<Words4> signs = default;
        using TinyModel model = Load(
            [wanted],
            (bind, upload) => upload.Matrix(bind.Matrix(wanted), rows, columns, packsSigns: true, out signs),
            UploadProgram.Tensor("m.weight", type, source, rows, columns));

        float[] decoded = Numbers.Decode(type, source, rows * columns);
        uint[] words = MemoryMarshal.Cast<byte, uint>(Bytes(signs)).ToArray();
        int rowWords = (((columns + 31) / 32) + 3) / 4 * 4;
        words.Length.ShouldBe(rows * rowWords);
        for (int i = 0; i < words.Length * 32; i++)
        {
            int row = i / (rowWords * 32);
            int column = i % (rowWords * 32);
            bool expected = column < columns && float.IsNegative(decoded[(row * columns) + column]);
            ((words[i / 32] >> (i % 32)) & 1).ShouldBe(expected ? 1u : 0u, $"row {row}, column {column}");
        }
    }

    [Fact]
    public void Stacked_matrices_of_one_type_are_one_and_those_of_another_begin_a_part()
    {
        float[] query = Numbers.Random(4 * 40, 1);
        float[] key = Numbers.Random(2 * 40, 2);
        float[] value = Numbers.Random(2 * 40, 3);
        DeclaredMatrix q = UploadProgram.Matrix("q.weight", 4, 40, WeightType.F32, WeightType.F16);
        DeclaredMatrix k = UploadProgram.Matrix("k.weight", 2, 40, WeightType.F32, WeightType.F16);
        DeclaredMatrix v = UploadProgram.Matrix("v.weight", 2, 40, WeightType.F32, WeightType.F16);
        DeviceMatrix[] parts = [];
        using TinyModel model = Load(
            [q, k, v],
            (bind, upload) => parts = upload.Stack(
                [(bind.Matrix(q), 4), (bind.Matrix(k), 2), (bind.Matrix(v), 2)],
                columns: 40),
            UploadProgram.Tensor("q.weight", WeightType.F32, Numbers.Encode(WeightType.F32, query), 4, 40),
            UploadProgram.Tensor("k.weight", WeightType.F32, Numbers.Encode(WeightType.F32, key), 2, 40),
            UploadProgram.Tensor("v.weight", WeightType.F16, Numbers.Encode(WeightType.F16, value), 2, 40));

        parts.Select(part => (part.Type, part.FirstRow, part.Rows)).ShouldBe([(WeightType.F32, 0, 6), (WeightType.F16, 6, 2)]);
        float[] rows = MemoryMarshal.Cast<byte, float>(Bytes(parts[0].Words)).ToArray();
        rows.Chunk(64).SelectMany(row => row.Take(40)).ShouldBe([.. query, .. key]);
    }

    [Fact]
    public void Vectors_are_padded_with_zeros_and_stacked_without_gaps()
    {
        float[] norm = Numbers.Random(40, 1);
        float[] bias = Numbers.Random(40, 2);
        var normWanted = new DeclaredVector(new("norm", ""), 40);
        var biasWanted = new DeclaredVector(new("bias", ""), 40);
        DeviceNorm both = default;
        ArrayView<float> stacked = default;
        using TinyModel model = Load(
            [normWanted, biasWanted],
            (bind, upload) =>
            {
                float[] weight = bind.Vector(normWanted);
                float[] offset = bind.Vector(biasWanted);
                both = upload.Norm(weight, offset);
                stacked = upload.Stack([(weight, 40), (offset, 40)]);
            },
            UploadProgram.Tensor("norm", WeightType.F32, Numbers.Encode(WeightType.F32, norm), 40),
            UploadProgram.Tensor("bias", WeightType.F32, Numbers.Encode(WeightType.F32, bias), 40));

        MemoryMarshal.Cast<byte, float>(Bytes(both.Weight)).ToArray().ShouldBe([.. norm, .. new float[216]]);
        MemoryMarshal.Cast<byte, float>(Bytes(both.Bias)).ToArray().ShouldBe([.. bias, .. new float[216]]);
        Back(stacked).ShouldBe([.. norm, .. bias, .. new float[176]]);
    }

    [Fact]
    public void What_the_host_had_of_a_matrix_is_given_back_once_it_is_uploaded()
    {
        byte[] bytes = Numbers.Encode(WeightType.F16, Numbers.Random(4 * 40, 1));
        DeclaredMatrix wanted = UploadProgram.Matrix("a.weight", 4, 40, WeightType.F16);
        bool wasOwned = true;
        using TinyModel model = Load(
            [wanted],
            (bind, upload) =>
            {
                StoredMatrix matrix = bind.Matrix(wanted);
                upload.Matrix(matrix, 4, 40, packsSigns: true, out _);
                wasOwned = bind.Memory.Free(matrix.Weights.Address);
            },
            UploadProgram.Tensor("a.weight", WeightType.F16, bytes, 4, 40));
        wasOwned.ShouldBeFalse("the copy that padding made was freed by the upload");
    }

    [Fact]
    public void A_prepared_files_signs_are_used_once_compared_and_refused_where_they_are_anothers()
    {
        float[] weights = Numbers.Random(4 * 64, 3);
        var plane = SignPlane.Allocate(4, 64, out NativeBuffer packed);
        using (packed)
        {
            WeightMatrix matrix = WeightMatrix.FromMemory(Marshal.UnsafeAddrOfPinnedArrayElement(Pinned(weights), 0), 4, 64, 256);
            plane.Pack<Kernels.Cpu.F32>(in matrix, 0, 4);
            uint[] expected = packed.AsSpan<uint>().ToArray();
            foreach (bool damaged in (bool[])[false, true])
            {
                byte[] signs = packed.AsSpan<byte>().ToArray();
                signs[9] ^= (byte)(damaged ? 1 : 0);
                ArrayView<Words4> uploaded = default;
                DeclaredMatrix wanted = UploadProgram.Matrix("blk.{layer}.ffn_gate.weight", 4, 64, WeightType.F32);
                TinyModel Load() => UploadProgram.Load(
                    TestDevice.Shared,
                    [wanted],
                    (bind, upload) => upload.Matrix(bind.Matrix(wanted), 4, 64, packsSigns: true, out uploaded),
                    Prepared(weights, signs));
                if (damaged)
                {
                    Should.Throw<ModelFormatException>(Load).Message.ShouldContain("does not hold the signs of its matrix, in row 1");
                }
                else
                {
                    using TinyModel model = Load();
                    uint[] words = MemoryMarshal.Cast<byte, uint>(Bytes(uploaded)).ToArray();
                    words.Chunk(4).SelectMany(row => row.Take(2)).ShouldBe(expected);
                }
            }
        }
    }

    [Fact]
    public void Loading_that_fails_on_the_way_leaves_nothing_on_the_device()
    {
        using IlgpuDevice device = TestDevice.Open();
        byte[] bytes = Numbers.Encode(WeightType.F16, Numbers.Random(4 * 40, 1));
        byte[] damaged = [.. bytes];
        damaged.AsSpan(20, 2).Fill(0x7f); // NaN
        DeclaredMatrix a = UploadProgram.Matrix("a.weight", 4, 40, WeightType.F16);
        DeclaredMatrix b = UploadProgram.Matrix("b.weight", 4, 40, WeightType.F16);
        Should.Throw<ModelFormatException>(() => UploadProgram.Load(
            device,
            [a, b],
            (bind, upload) =>
            {
                upload.Matrix(bind.Matrix(a), 4, 40);
                upload.Matrix(bind.Matrix(b), 4, 40);
            },
            UploadProgram.Tensor("a.weight", WeightType.F16, bytes, 4, 40),
            UploadProgram.Tensor("b.weight", WeightType.F16, damaged, 4, 40)));
        device.AllocatedBytes.ShouldBe(0);
    }

    private static float[] Pinned(float[] values)
    {
        float[] pinned = GC.AllocateArray<float>(values.Length, pinned: true);
        values.CopyTo(pinned, 0);
        return pinned;
    }

    private static ModelFile Prepared(float[] weights, byte[] signs)
    {
        var keys = new GgufWriter();
        keys.Add(PreparedTensors.LayoutKey, PreparedTensors.Layout);
        const string Name = "blk.0.ffn_gate.weight";
        return ModelFile.FromMemory(
            "prepared",
            keys.ToMetadata("prepared"),
            [
                UploadProgram.Tensor(Name, WeightType.F32, Numbers.Encode(WeightType.F32, weights), 4, 64),
                new TensorInMemory(PreparedTensors.SignsName(Name), PreparedTensors.SignsType, PreparedTensors.SignsShape(4, 64), Numbers.Native(signs)),
            ]);
    }

    private static TinyModel Load(DeclaredTensor[] wanted, Action<WeightBinder, IlgpuUpload> bind, params TensorInMemory[] tensors) =>
        UploadProgram.Load(TestDevice.Shared, wanted, bind, tensors);

    private static byte[] Bytes<T>(ArrayView<T> view)
        where T : unmanaged => MemoryMarshal.AsBytes<T>(Back(view)).ToArray();

    private static T[] Back<T>(ArrayView<T> view)
        where T : unmanaged
    {
        var values = new T[view.Length];
        if (values.Length > 0)
        {
            view.CopyToCPU(values);
        }

        return values;
    }
}
