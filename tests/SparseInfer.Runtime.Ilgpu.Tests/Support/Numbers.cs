using SparseInfer.Kernels.Cpu;
using SparseInfer.Loading;

namespace SparseInfer.Runtime.Ilgpu.Tests;

/// <summary>Numbers from a seed, and weights as a file has them.</summary>
internal static class Numbers
{
    public static float[] Random(int count, int seed)
    {
        var random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = (float)((random.NextDouble() * 2) - 1);
        }

        return values;
    }

    /// <summary>Rows in a weight type, without padding.</summary>
    public static byte[] Encode(WeightType type, float[] values)
    {
        byte[] bytes = new byte[WeightFormat.For(type).SourceRowBytes(values.Length)];
        WeightFormat.For(type).Encode(values, bytes);
        return bytes;
    }

    public static float[] Decode(WeightType type, byte[] bytes, int count)
    {
        float[] values = new float[count];
        WeightFormat.For(type).Decode(bytes, values);
        return values;
    }

    public static NativeBuffer Native(byte[] bytes)
    {
        NativeBuffer buffer = NativeBuffer.Allocate(bytes.Length);
        bytes.CopyTo(buffer.AsSpan<byte>());
        return buffer;
    }
}
