using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Models.Tests;

/// <summary>Prepares a model file by the kernels' own packing, tensor by tensor in memory: what a prepared file should hold.</summary>
internal static class PreparedCopy
{
    public static string Write(string source, string target)
    {
        using ModelFile file = ModelFile.Open(source);
        var copy = new GgufCopy().Add(writer => writer.Add(PreparedTensors.LayoutKey, PreparedTensors.Layout));
        foreach (TensorInfo tensor in file.Tensors)
        {
            if (tensor.Name.Contains("ffn_down"))
            {
                copy.Tensor(tensor.Name, AddDown);
            }
            else if (tensor.Name.Contains("ffn_gate"))
            {
                copy.Tensor(tensor.Name, (writer, gate) =>
                {
                    writer.AddTensor(gate);
                    AddSigns(writer, gate);
                });
            }
        }

        return copy.Write(source, target);
    }

    private static void AddDown(GgufWriter writer, TensorInfo tensor)
    {
        WeightType type = tensor.Weight!.Value;
        using NativeBuffer bytes = type switch
        {
            WeightType.F32 => Down<F32>(tensor),
            WeightType.F16 => Down<F16>(tensor),
            WeightType.BF16 => Down<BF16>(tensor),
            WeightType.Q8_0 => Down<Q8_0>(tensor),
            _ => Down<Q4_0>(tensor),
        };
        PreparedTensors.TryGetDownName(tensor.Name, out string? name).ShouldBeTrue();
        long[] shape = PreparedTensors.DownShape(type, intermediate: (int)tensor.Shape[1], hidden: (int)tensor.Shape[0]);
        writer.AddTensor(name, PreparedTensors.DownType(type), shape, bytes.AsSpan<byte>().ToArray());
    }

    private static NativeBuffer Down<T>(TensorInfo tensor)
        where T : IWeightFormat
    {
        WeightPacking.PackDown<T>(tensor.Address, (int)tensor.Shape[0], (int)tensor.Shape[1], degreeOfParallelism: 1, out NativeBuffer owner);
        return owner;
    }

    private static void AddSigns(GgufWriter writer, TensorInfo tensor)
    {
        using var memory = new NativeMemoryPool();
        SignPlane plane = tensor.Weight switch
        {
            WeightType.F32 => Signs<F32>(tensor, memory),
            WeightType.F16 => Signs<F16>(tensor, memory),
            WeightType.BF16 => Signs<BF16>(tensor, memory),
            WeightType.Q8_0 => Signs<Q8_0>(tensor, memory),
            _ => Signs<Q4_0>(tensor, memory),
        };
        byte[] bytes = new byte[SignPlane.ByteCount(plane.Rows, plane.Columns)];
        for (int row = 0; row < plane.Rows; row++)
        {
            for (int word = 0; word < plane.WordsPerRow; word++)
            {
                ulong signs = System.Runtime.CompilerServices.Unsafe.Add(ref plane.Row(row), word);
                BitConverter.TryWriteBytes(bytes.AsSpan(((row * plane.WordsPerRow) + word) * sizeof(ulong)), signs).ShouldBeTrue();
            }
        }

        long[] shape = PreparedTensors.SignsShape(plane.Rows, plane.Columns);
        writer.AddTensor(PreparedTensors.SignsName(tensor.Name), PreparedTensors.SignsType, shape, bytes);
    }

    private static SignPlane Signs<T>(TensorInfo tensor, NativeMemoryPool memory)
        where T : IWeightFormat
    {
        WeightMatrix matrix = WeightPacking.Pack<T>(tensor.Address, (int)tensor.Shape[0], (int)tensor.Shape[1], out NativeBuffer? owner);
        memory.Own(owner);
        return SignPlane.Pack<T>(in matrix, memory);
    }
}
