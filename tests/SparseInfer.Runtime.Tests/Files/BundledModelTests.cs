using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using SparseInfer.Files;

namespace SparseInfer.Runtime.Tests.Files;

public sealed class BundledModelTests
{
    private static readonly (string Gguf, string Safetensors, long[] Shape, WeightType Type)[] LayerTensors =
    [
        ("attn_norm", "input_layernorm", [256], WeightType.F32),
        ("attn_q", "self_attn.q_proj", [256, 256], WeightType.F16),
        ("attn_k", "self_attn.k_proj", [128, 256], WeightType.F16),
        ("attn_v", "self_attn.v_proj", [128, 256], WeightType.F16),
        ("attn_output", "self_attn.o_proj", [256, 256], WeightType.F16),
        ("ffn_norm", "post_attention_layernorm", [256], WeightType.F32),
        ("ffn_gate", "mlp.gate_proj", [1024, 256], WeightType.F16),
        ("ffn_up", "mlp.up_proj", [1024, 256], WeightType.F16),
        ("ffn_down", "mlp.down_proj", [256, 1024], WeightType.F16),
    ];

    private static IEnumerable<(string Gguf, string Safetensors, long[] Shape, WeightType Type)> Declared =>
    [
        ("token_embd.weight", "model.embed_tokens.weight", [512, 256], WeightType.F16),
        ("output_norm.weight", "model.norm.weight", [256], WeightType.F32),
        .. from layer in Enumerable.Range(0, 6)
        from part in LayerTensors
        select ($"blk.{layer}.{part.Gguf}.weight", $"model.layers.{layer}.{part.Safetensors}.weight", part.Shape, part.Type),
    ];

    [Theory]
    [InlineData("stories-relu.gguf", ModelFileFormat.Gguf)]
    [InlineData("model.safetensors", ModelFileFormat.Safetensors)]
    public void Both_formats_list_the_tensors_of_the_card_rows_first(string name, ModelFileFormat format)
    {
        using var model = ModelFile.Open(Path.Combine(TestModels.StoriesRelu, name));

        model.Format.ShouldBe(format);
        model.Tensors.Count.ShouldBe(Declared.Count());
        foreach (var (gguf, safetensors, shape, type) in Declared)
        {
            model.TryGetTensor(format == ModelFileFormat.Gguf ? gguf : safetensors, out var tensor).ShouldBeTrue(gguf);
            tensor!.Shape.ShouldBe(shape);
            tensor.Weight.ShouldBe(type);
            tensor.ByteLength.ShouldBe(shape.Aggregate(1L, (a, b) => a * b) * (type == WeightType.F32 ? 4 : 2));
            tensor.File.ShouldBe(model.Path);
        }
    }

    [Fact]
    public void Parameters_add_up_to_the_number_on_the_card()
    {
        string card = File.ReadAllText(Path.Combine(TestModels.StoriesRelu, "CARD.md"));
        long parameters = long.Parse(
            Regex.Match(card, @"parameters \| ([\d,]+)").Groups[1].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);

        foreach (string path in new[] { TestModels.StoriesReluGguf, TestModels.StoriesReluSafetensors })
        {
            using var model = ModelFile.Open(path);
            model.Tensors.Sum(tensor => tensor.Shape.Aggregate(1L, (a, b) => a * b)).ShouldBe(parameters);
        }
    }

    [Fact]
    public void Gguf_metadata_says_what_the_card_says()
    {
        using var model = ModelFile.Open(TestModels.StoriesReluGguf);
        var metadata = model.Metadata;

        metadata.Keys.Count.ShouldBe(25);
        metadata.Keys[0].ShouldBe("general.architecture");
        metadata.GetString("general.architecture").ShouldBe("llama");
        metadata.GetString("llama.feed_forward.activation").ShouldBe("relu");
        metadata.GetInt64("llama.block_count").ShouldBe(6);
        metadata.GetInt64("llama.embedding_length").ShouldBe(256);
        metadata.GetInt64("llama.feed_forward_length").ShouldBe(1024);
        metadata.GetInt64("llama.attention.head_count").ShouldBe(8);
        metadata.GetInt64("llama.attention.head_count_kv").ShouldBe(4);
        metadata.GetInt64("llama.context_length").ShouldBe(512);
        metadata.GetDouble("llama.rope.freq_base").ShouldBe(10000);
        metadata.GetDouble("llama.attention.layer_norm_rms_epsilon").ShouldBe(1e-5f);
        metadata.TryGetBoolean("tokenizer.ggml.add_bos_token", out bool addsBos).ShouldBeTrue();
        addsBos.ShouldBeTrue();
        metadata.TryGetBoolean("tokenizer.ggml.add_eos_token", out bool addsEos).ShouldBeTrue();
        addsEos.ShouldBeFalse();
        metadata.Describe("tokenizer.ggml.tokens").ShouldBe("array of 512 string");
        metadata.TryGetStringArray("tokenizer.ggml.tokens", out string[]? tokens).ShouldBeTrue();
        tokens![..4].ShouldBe(["<unk>", "<s>", "</s>", "<0x00>"]);
        tokens.Length.ShouldBe(512);
        metadata.TryGetSingleArray("tokenizer.ggml.scores", out float[]? scores).ShouldBeTrue();
        scores!.Length.ShouldBe(512);
        metadata.TryGetInt32Array("tokenizer.ggml.token_type", out int[]? kinds).ShouldBeTrue();
        kinds![..5].ShouldBe([2, 3, 3, 6, 6]);
    }

    [Fact]
    public void Safetensors_metadata_is_the_config_beside_the_file()
    {
        using var model = ModelFile.Open(TestModels.StoriesRelu);
        var metadata = model.Metadata;

        metadata.GetInt64("num_hidden_layers").ShouldBe(6);
        metadata.GetInt64("hidden_size").ShouldBe(256);
        metadata.GetDouble("rms_norm_eps").ShouldBe(1e-5);
        metadata.GetDouble("rope_theta").ShouldBe(10000);
        metadata.GetString("hidden_act").ShouldBe("relu");
        metadata.TryGetBoolean("tie_word_embeddings", out bool tied).ShouldBeTrue();
        tied.ShouldBeTrue();
        metadata.TryGetStringArray("architectures", out string[]? architectures).ShouldBeTrue();
        architectures.ShouldBe(["LlamaForCausalLM"]);
    }

    [Fact]
    public void Both_formats_hold_the_same_weights_up_to_the_order_of_the_rows_of_q_and_k()
    {
        using var gguf = ModelFile.Open(TestModels.StoriesReluGguf);
        using var safetensors = ModelFile.Open(TestModels.StoriesReluSafetensors);

        foreach (var (ggufName, safetensorsName, shape, _) in Declared)
        {
            gguf.TryGetTensor(ggufName, out var left);
            safetensors.TryGetTensor(safetensorsName, out var right);
            bool rotated = ggufName.Contains("attn_q") || ggufName.Contains("attn_k");
            int rowBytes = (int)(left!.ByteLength / shape[0]);
            for (int row = 0; row < shape[0]; row++)
            {
                int other = rotated ? HalfSplit(row) : row;
                bool equal = left.Bytes.Slice(row * rowBytes, rowBytes).SequenceEqual(right!.Bytes.Slice(other * rowBytes, rowBytes));
                equal.ShouldBeTrue($"{ggufName} row {row}");
            }
        }

        // Within a head of 32 rows, GGUF pairs neighbours, safetensors pairs the halves.
        static int HalfSplit(int row) => row / 32 * 32 + row % 2 * 16 + row % 32 / 2;
    }

    [Fact]
    public unsafe void Address_points_to_the_bytes_and_gguf_data_is_aligned()
    {
        using var model = ModelFile.Open(TestModels.StoriesReluGguf);
        byte[] file = File.ReadAllBytes(TestModels.StoriesReluGguf);

        foreach (var tensor in model.Tensors)
        {
            (tensor.Address % 32).ShouldBe((nint)0);
            bool same = new ReadOnlySpan<byte>((void*)tensor.Address, (int)tensor.ByteLength)
                .SequenceEqual(file.AsSpan((int)tensor.Offset, (int)tensor.ByteLength));
            same.ShouldBeTrue(tensor.Name);
        }

        model.TryGetTensor("output_norm.weight", out var norm);
        MemoryMarshal.Cast<byte, float>(norm!.Bytes).ToArray().ShouldAllBe(value => float.IsFinite(value) && value != 0);
    }

    [Fact]
    public void The_silu_model_lists_its_shapes()
    {
        using var model = ModelFile.Open(TestModels.Stories260KGguf);

        model.Tensors.Count.ShouldBe(47);
        model.Tensors.ShouldAllBe(tensor => tensor.Weight == WeightType.F32);
        model.TryGetTensor("blk.4.ffn_down.weight", out var down).ShouldBeTrue();
        down!.Shape.ShouldBe([64, 172]);
        model.Metadata.GetString("llama.feed_forward.activation").ShouldBe("silu");
    }

    [Fact]
    public void Golden_logits_open_as_a_safetensors_file_of_their_own()
    {
        using var logits = ModelFile.Open(Path.Combine(TestModels.StoriesRelu, "golden-logits.safetensors"));

        logits.TryGetTensor("case0.logits", out var first).ShouldBeTrue();
        first!.Shape[^1].ShouldBe(512);
    }

    [Fact]
    public void Nothing_can_be_reached_after_dispose()
    {
        var model = ModelFile.Open(TestModels.StoriesReluGguf);
        var tensor = model.Tensors[0];
        model.Dispose();
        model.Dispose();

        Should.Throw<ObjectDisposedException>(() => tensor.Address);
        Should.Throw<ObjectDisposedException>(() => tensor.Bytes.Length);
        Should.Throw<ObjectDisposedException>(() => model.Metadata.GetString("general.name"));
    }
}
