using System.Runtime.InteropServices;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests;

/// <summary>What ggml's formats say their bytes mean, written down once more.</summary>
internal static class StoredWeights
{
    public static IEnumerable<float> Decode(TensorInfo tensor)
    {
        byte[] bytes = tensor.Bytes.ToArray();
        return tensor.Weight!.Value switch
        {
            WeightType.F32 => MemoryMarshal.Cast<byte, float>(bytes).ToArray(),
            WeightType.F16 => MemoryMarshal.Cast<byte, Half>(bytes).ToArray().Select(half => (float)half),
            WeightType.BF16 => MemoryMarshal.Cast<byte, ushort>(bytes).ToArray().Select(bits => BitConverter.Int32BitsToSingle(bits << 16)),
            WeightType.Q8_0 => bytes.Chunk(34).SelectMany(block => block[2..].Select(quant => (sbyte)quant * Scale(block))),
            _ => bytes.Chunk(18).SelectMany(block => block[2..]
                .SelectMany(pair => new[] { (pair & 15) - 8, (pair >> 4) - 8 })
                .Select(quant => quant * Scale(block))),
        };
    }

    /// <summary>Every block's scale.</summary>
    public static IEnumerable<Half> Scales(TensorInfo tensor) => tensor.Type.ElementsPerBlock == 1
        ? []
        : tensor.Bytes.ToArray().Chunk(tensor.Type.BytesPerBlock).Select(block => BitConverter.ToHalf(block));

    private static float Scale(byte[] block) => (float)BitConverter.ToHalf(block);
}
