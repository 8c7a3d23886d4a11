using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Models.Tests;

/// <summary>
/// stories-relu in three types: attention Q8_0, embedding F32, feed-forwards F16, Q8_0 and F32 in turn; in the second half of the layers down
/// has another type than gate and up.
/// </summary>
internal static class MixedFile
{
    public static string Write(string path)
    {
        var copy = new GgufCopy();
        copy.Tensor("token_embd.weight", AsF32);
        for (int layer = 0; layer < 6; layer++)
        {
            foreach (string name in new[] { "attn_q", "attn_k", "attn_v", "attn_output" })
            {
                copy.Tensor($"blk.{layer}.{name}.weight", AsQ8);
            }

            foreach (string name in new[] { "ffn_gate", "ffn_up", "ffn_down" })
            {
                int type = name == "ffn_down" && layer >= 3 ? layer + 1 : layer;
                copy.Tensor($"blk.{layer}.{name}.weight", (type % 3) switch { 0 => AsStored, 1 => AsQ8, _ => AsF32 });
            }
        }

        return copy.Write(BundledFiles.ReluGguf, path);
    }

    public static void AsStored(GgufWriter writer, TensorInfo tensor) => writer.AddTensor(tensor);

    public static void AsQ8(GgufWriter writer, TensorInfo tensor) => As<Q8_0>(writer, tensor, WeightType.Q8_0);

    public static void AsF32(GgufWriter writer, TensorInfo tensor) => As<F32>(writer, tensor, WeightType.F32);

    private static void As<T>(GgufWriter writer, TensorInfo tensor, WeightType type)
        where T : IWeightFormat
    {
        float[] values = new float[tensor.ByteLength / sizeof(ushort)];
        WeightConversion.Decode<F16>(tensor.Bytes, values);
        byte[] bytes = new byte[values.Length / T.BlockElements * T.BlockBytes];
        WeightConversion.Encode<T>(values, bytes);
        writer.AddTensor(tensor.Name, TensorType.Of(type), [.. tensor.Shape], bytes);
    }
}
