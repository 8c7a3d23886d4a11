using System.Buffers.Binary;
using System.Text;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Models.Tests;

/// <summary>Files of <c>Models.Tiny</c>, made of pseudo-random weights.</summary>
internal static class TinyFiles
{
    private const int Hidden = 64;
    private const int Intermediate = 96;
    private const int Vocabulary = 272;

    /// <summary>The texts of the tokens: three special ones, the bytes, and a few words.</summary>
    private static readonly string[] Pieces =
    [
        "<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"),
        "▁", "a", "b", "c", "▁a", "ab", "bc", "▁ab", "abc", "▁abc", "é", "<|end|>", "▁c",
    ];

    /// <summary>A GGUF file as a converter writes it.</summary>
    /// <param name="type">The type of all matrices.</param>
    /// <param name="change">Told of the writer before the tensors; returns the name that a tensor is to have.</param>
    public static byte[] Gguf(WeightType type, Func<GgufWriter, Func<string, string>>? change = null)
    {
        var writer = new GgufWriter();
        AddKeys(writer);
        Func<string, string> rename = change?.Invoke(writer) ?? (name => name);
        var random = new Random(7);
        Matrix("token_embd.weight", Vocabulary, Hidden);
        for (int layer = 0; layer < 2; layer++)
        {
            Vector($"blk.{layer}.attn_norm.weight");
            Matrix($"blk.{layer}.attn_q.weight", Hidden, Hidden);
            Matrix($"blk.{layer}.attn_k.weight", Hidden / 2, Hidden);
            Matrix($"blk.{layer}.attn_v.weight", Hidden / 2, Hidden);
            Matrix($"blk.{layer}.attn_output.weight", Hidden, Hidden);
            Vector($"blk.{layer}.ffn_norm.weight");
            Matrix($"blk.{layer}.ffn_gate.weight", Intermediate, Hidden);
            Matrix($"blk.{layer}.ffn_down.weight", Hidden, Intermediate);
            Matrix($"blk.{layer}.ffn_up.weight", Intermediate, Hidden);
        }

        Vector("output_norm.weight");
        using var stream = new MemoryStream();
        writer.WriteTo(stream);
        return stream.ToArray();

        void Matrix(string name, int rows, int columns) =>
            writer.AddTensor(rename(name), TensorType.Of(type), [rows, columns], Encode(type, Values(random, rows * columns, 0.2f)));

        void Vector(string name) =>
            writer.AddTensor(rename(name), TensorType.Of(WeightType.F32), [Hidden], Encode(WeightType.F32, Values(random, Hidden, 0.1f, 1f)));
    }

    /// <summary>The same model as safetensors.</summary>
    public static byte[] Safetensors(WeightType type)
    {
        var random = new Random(7);
        var entries = new List<string>();
        using var data = new MemoryStream();
        Matrix("model.embed_tokens.weight", Vocabulary, Hidden);
        for (int layer = 0; layer < 2; layer++)
        {
            string prefix = $"model.layers.{layer}";
            Vector($"{prefix}.input_layernorm.weight");
            Matrix($"{prefix}.self_attn.q_proj.weight", Hidden, Hidden);
            Matrix($"{prefix}.self_attn.k_proj.weight", Hidden / 2, Hidden);
            Matrix($"{prefix}.self_attn.v_proj.weight", Hidden / 2, Hidden);
            Matrix($"{prefix}.self_attn.o_proj.weight", Hidden, Hidden);
            Vector($"{prefix}.post_attention_layernorm.weight");
            Matrix($"{prefix}.mlp.gate_proj.weight", Intermediate, Hidden);
            Matrix($"{prefix}.mlp.down_proj.weight", Hidden, Intermediate);
            Matrix($"{prefix}.mlp.up_proj.weight", Intermediate, Hidden);
        }

        Vector("model.norm.weight");
        byte[] header = Encoding.UTF8.GetBytes($"{{{string.Join(", ", entries)}}}");
        return [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. data.ToArray()];

        void Matrix(string name, int rows, int columns) =>
            Add(name, type, $"[{rows}, {columns}]", Encode(type, Values(random, rows * columns, 0.2f)));

        void Vector(string name) => Add(name, WeightType.F32, $"[{Hidden}]", Encode(WeightType.F32, Values(random, Hidden, 0.1f, 1f)));

        void Add(string name, WeightType stored, string shape, byte[] bytes)
        {
            long begin = data.Length;
            data.Write(bytes);
            entries.Add($"\"{name}\": {{\"dtype\": \"{stored}\", \"shape\": {shape}, \"data_offsets\": [{begin}, {data.Length}]}}");
        }
    }

    private static void AddKeys(GgufWriter writer)
    {
        writer.Add("general.architecture", "llama");
        writer.Add("general.name", "tiny");
        writer.Add("llama.block_count", 2u);
        writer.Add("llama.context_length", 16u);
        writer.Add("llama.embedding_length", (uint)Hidden);
        writer.Add("llama.feed_forward_length", (uint)Intermediate);
        writer.Add("llama.attention.head_count", 2u);
        writer.Add("llama.attention.head_count_kv", 1u);
        writer.Add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        writer.Add("llama.rope.freq_base", 10000f);
        writer.Add("llama.rope.dimension_count", (uint)Hidden / 2);
        writer.Add("llama.feed_forward.activation", "relu");
        writer.Add("tokenizer.ggml.model", "llama");
        writer.Add("tokenizer.ggml.tokens", Pieces);
        writer.Add("tokenizer.ggml.scores", [.. Enumerable.Range(0, Pieces.Length).Select(token => -(float)token)]);
        writer.Add("tokenizer.ggml.token_type", [.. Enumerable.Range(0, Pieces.Length).Select(token => token switch { 0 => 2, 1 or 2 or 270 => 3, < 259 => 6, _ => 1 })]);
        writer.Add("tokenizer.ggml.bos_token_id", 1u);
        writer.Add("tokenizer.ggml.eos_token_id", 2u);
    }

    private static float[] Values(Random random, int count, float spread, float mean = 0) =>
        [.. Enumerable.Range(0, count).Select(_ => mean + (spread * ((2 * random.NextSingle()) - 1)))];

    internal static byte[] Encode(WeightType type, float[] values)
    {
        (int elements, int size) = (TensorType.Of(type).ElementsPerBlock, TensorType.Of(type).BytesPerBlock);
        byte[] bytes = new byte[values.Length / elements * size];
        switch (type)
        {
            case WeightType.F32:
                for (int i = 0; i < values.Length; i++)
                {
                    BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * i), values[i]);
                }

                break;
            case WeightType.F16:
                WeightConversion.Encode<F16>(values, bytes);
                break;
            case WeightType.BF16:
                WeightConversion.Encode<BF16>(values, bytes);
                break;
            case WeightType.Q8_0:
                WeightConversion.Encode<Q8_0>(values, bytes);
                break;
            case WeightType.Q4_0:
                WeightConversion.Encode<Q4_0>(values, bytes);
                break;
            case WeightType.Q5_0:
                WeightConversion.Encode<Q5_0>(values, bytes);
                break;
            case WeightType.Q5_1:
                WeightConversion.Encode<Q5_1>(values, bytes);
                break;
            case WeightType.Q4_K:
                WeightConversion.Encode<Q4_K>(values, bytes);
                break;
            case WeightType.Q5_K:
                WeightConversion.Encode<Q5_K>(values, bytes);
                break;
            default:
                WeightConversion.Encode<Q6_K>(values, bytes);
                break;
        }

        return bytes;
    }

    internal static float[] Decode(WeightType type, byte[] bytes)
    {
        float[] values = new float[bytes.Length / TensorType.Of(type).BytesPerBlock * TensorType.Of(type).ElementsPerBlock];
        switch (type)
        {
            case WeightType.F32:
                WeightConversion.Decode<F32>(bytes, values);
                break;
            case WeightType.F16:
                WeightConversion.Decode<F16>(bytes, values);
                break;
            case WeightType.Q8_0:
                WeightConversion.Decode<Q8_0>(bytes, values);
                break;
            case WeightType.Q4_0:
                WeightConversion.Decode<Q4_0>(bytes, values);
                break;
            case WeightType.Q5_0:
                WeightConversion.Decode<Q5_0>(bytes, values);
                break;
            case WeightType.Q5_1:
                WeightConversion.Decode<Q5_1>(bytes, values);
                break;
            case WeightType.Q4_K:
                WeightConversion.Decode<Q4_K>(bytes, values);
                break;
            case WeightType.Q6_K:
                WeightConversion.Decode<Q6_K>(bytes, values);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type));
        }

        return values;
    }

    /// <summary>A neuron of a prepared down matrix.</summary>
    internal static float[] DecodeDown(WeightType type, nint address, int neurons, int columns, int neuron) => type switch
    {
        WeightType.Q5_1 => DecodeDown<Q5_1>(address, neurons, columns, neuron),
        WeightType.Q4_K => DecodeDown<Q4_K>(address, neurons, columns, neuron),
        WeightType.Q6_K => DecodeDown<Q6_K>(address, neurons, columns, neuron),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private static float[] DecodeDown<T>(nint address, int neurons, int columns, int neuron)
        where T : IWeightFormat
    {
        float[] values = new float[Padding.Pad(columns)];
        WeightConversion.DecodeDown<T>(DownMatrix.FromMemory<T>(address, neurons, columns), neuron, values);
        return values[..columns];
    }
}
