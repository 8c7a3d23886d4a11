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
            WeightType.Q5_0 => bytes.Chunk(22).SelectMany(block => Five(block, 2).Select(quant => (quant - 16) * Scale(block))),
            WeightType.Q5_1 => bytes.Chunk(24).SelectMany(block => Five(block, 4).Select(quant => (quant * Scale(block)) + Scale(block[2..]))),
            WeightType.Q4_K => bytes.Chunk(144).SelectMany(block => SixBitScales(block, column => FourOf64(block, 16, column))),
            WeightType.Q5_K => bytes.Chunk(176).SelectMany(block => SixBitScales(
                block, column => FourOf64(block, 48, column) + (((block[16 + (column % 32)] >> (column / 32)) & 1) * 16))),
            WeightType.Q6_K => bytes.Chunk(210).SelectMany(block => Enumerable.Range(0, 256).Select(
                column => Scale(block[208..]) * (sbyte)block[192 + (column / 16)] * (Six(block, column) - 32))),
            _ => bytes.Chunk(18).SelectMany(block => block[2..]
                .SelectMany(pair => new[] { (pair & 15) - 8, (pair >> 4) - 8 })
                .Select(quant => quant * Scale(block))),
        };
    }

    /// <summary>Every block's scale.</summary>
    public static IEnumerable<Half> Scales(TensorInfo tensor) => tensor.Type.ElementsPerBlock == 1
        ? []
        : tensor.Bytes.ToArray().Chunk(tensor.Type.BytesPerBlock).Select(
            block => BitConverter.ToHalf(tensor.Weight == WeightType.Q6_K ? block[208..] : block));

    private static IEnumerable<int> Five(byte[] block, int fifthBits) => Enumerable.Range(0, 32).Select(
        k => ((block[fifthBits + 4 + (k % 16)] >> (k / 16 * 4)) & 15) + (((block[fifthBits + (k / 8)] >> (k % 8)) & 1) * 16));

    private static int FourOf64(byte[] block, int quants, int column) =>
        (block[quants + (column / 64 * 32) + (column % 32)] >> (column % 64 / 32 * 4)) & 15;

    private static int Six(byte[] block, int column)
    {
        (int half, int quarter, int k) = (column / 128, column % 128 / 32, column % 32);
        int four = block[(half * 64) + (quarter % 2 * 32) + k] >> (quarter / 2 * 4);
        return (four & 15) + (((block[128 + (half * 32) + k] >> (quarter * 2)) & 3) * 16);
    }

    private static IEnumerable<float> SixBitScales(byte[] block, Func<int, int> quant)
    {
        for (int column = 0; column < 256; column++)
        {
            byte[] scales = block[4..16];
            int j = column / 32;
            int scale = j < 4 ? scales[j] & 63 : (scales[j + 4] & 15) + (scales[j - 4] / 64 * 16);
            int minimum = j < 4 ? scales[j + 4] & 63 : (scales[j + 4] / 16) + (scales[j] / 64 * 16);
            yield return (Scale(block) * scale * quant(column)) - (Scale(block[2..]) * minimum);
        }
    }

    private static float Scale(byte[] block) => (float)BitConverter.ToHalf(block);
}
