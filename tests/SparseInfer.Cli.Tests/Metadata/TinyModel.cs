using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>
/// A decoder of a few thousand random weights, as files of an architecture have it. What an architecture is, is written here once more, from
/// llama.cpp's graphs: nothing is taken from the tables under test.
/// </summary>
internal sealed record TinyModel(string Architecture)
{
    public const int Hidden = 32;
    public const int Layers = 2;
    public const int Vocabulary = 40;
    public const int Context = 32;
    public const int Heads = 4;
    public const int HeadSize = 8;
    public const int Intermediate = 48;
    public const float Epsilon = 1e-5f;

    private readonly Dictionary<string, float[]> _weights = [];
    private Random _random = new(10);

    public int Depth { get; init; } = Layers;

    /// <summary>Tokens: more where text is made into them. A copy of another size has weights of its own.</summary>
    public int VocabularySize
    {
        get;
        init
        {
            field = value;
            _weights = [];
        }
    } = Vocabulary;

    /// <summary>Tokens that files say it was trained for.</summary>
    public int Length { get; init; } = Context;

    public int KeyValues { get; init; } = 2;

    public bool LayerNorm { get; init; }

    /// <summary>How GGUF files of it pair the dimensions of a head; safetensors are always half-split.</summary>
    public bool HalfSplit { get; init; }

    public Activation Activation { get; init; } = Activation.Silu;

    public bool Gated { get; init; } = true;

    public bool Tied { get; init; }

    public bool QueryKeyValueBiases { get; init; }

    public bool OutputBias { get; init; }

    public bool FeedForwardBiases { get; init; }

    public bool QueryKeyNorms { get; init; }

    /// <summary>How far a layer's attention looks back; 0: to the first token.</summary>
    public Func<int, int> Window { get; init; } = _ => 0;

    /// <summary>Whether a layer rotates nothing.</summary>
    public Func<int, bool> IsUnrotated { get; init; } = _ => false;

    public int RopeDimensions { get; init; } = HeadSize;

    public double RopeTheta { get; init; } = 10000;

    public double RopeScaling { get; init; } = 1;

    /// <summary>What becomes of a pair's rotary frequency, where it is not scaled linearly.</summary>
    public Func<int, double, double> ScaleFrequency { get; init; } = (_, frequency) => frequency;

    /// <summary>What rotated queries and keys are multiplied by.</summary>
    public double RopeMagnitude { get; init; } = 1;

    /// <summary>In GGUF files, the divisor of each pair's frequency; null: there is no such tensor.</summary>
    public float[]? FrequencyFactors { get; init; }

    public double EmbeddingScale { get; init; } = 1;

    /// <summary>What attention and feed-forward add is multiplied by.</summary>
    public double ResidualScale { get; init; } = 1;

    public double LogitScale { get; init; } = 1;

    /// <summary>Norms of attention and feed-forward, where these run in parallel; 0: they do not.</summary>
    public int ParallelNorms { get; init; }

    /// <summary>Whether there are norms before attention's output projection and before down.</summary>
    public bool SubNorms { get; init; }

    /// <summary>Whether GGUF files have query, key and value as one tensor.</summary>
    public bool FusesHeads { get; init; }

    public string AttentionNorm => ParallelNorms == 2 ? "attn_norm_2" : "attn_norm";

    public string FeedForwardNorm => ParallelNorms > 0 ? "attn_norm" : "ffn_norm";

    /// <summary>The row of position 0 in the table of learned positions; null: there is none.</summary>
    public int? PositionOffset { get; init; }

    /// <summary>What the architecture calls a tensor in safetensors, where that is not what most do.</summary>
    public Func<string, string> ConfigName { get; init; } = name => name;

    /// <summary>Experts of a layer, each of <see cref="Intermediate"/> neurons; 0: there are none.</summary>
    public int Experts { get; init; }

    public int ActiveExperts { get; init; }

    /// <summary>Whether experts' weights are sigmoids of their logits, divided by their sum; else the softmax of the chosen ones.</summary>
    public bool SigmoidGating { get; init; }

    /// <summary>Whether the router reads the layer's input, as in SmallThinker; else what the experts read, as in Mixtral.</summary>
    public bool EarlyRouter { get; init; }

    /// <summary>The class that Hugging Face's library has for it; empty: there is no such form.</summary>
    public string Class { get; init; } = "";

    /// <summary>Keys of a GGUF file beyond the sizes, without the architecture.</summary>
    public (string Key, object Value)[] Keys { get; init; } = [];

    /// <summary>Keys of a config.json beyond the sizes.</summary>
    public (string Key, object? Value)[] Config { get; init; } = [];

    /// <summary>What GGUF files store matrices as: F32 or F16.</summary>
    public WeightType Matrices { get; init; } = WeightType.F32;

    /// <summary>A tensor by its name in GGUF files, as it is stored; null: the model has none.</summary>
    public float[]? Weights(string name) => Tensors.GetValueOrDefault(name) is not { } values ? null
        : IsHalf(name) ? Array.ConvertAll(values, value => (float)(Half)value) : values;

    public override string ToString() => Architecture;

    private Dictionary<string, float[]> Tensors
    {
        get
        {
            // Test classes run side by side, and share some models.
            lock (_weights)
            {
                if (_weights.Count == 0)
                {
                    Make();
                }
            }

            return _weights;
        }
    }

    /// <summary>Writes a GGUF file.</summary>
    /// <param name="path">Where.</param>
    /// <param name="changes">Keys to add, or to write otherwise; a null value leaves one out.</param>
    public string SaveGguf(string path, params (string Key, object? Value)[] changes)
    {
        var keys = new Dictionary<string, object?>
        {
            ["general.architecture"] = Architecture,
            [$"{Architecture}.block_count"] = (uint)Depth,
            [$"{Architecture}.context_length"] = (uint)Length,
            [$"{Architecture}.embedding_length"] = (uint)Hidden,
            [$"{Architecture}.feed_forward_length"] = (uint)Intermediate,
            [$"{Architecture}.attention.head_count"] = (uint)Heads,
            [$"{Architecture}.attention.head_count_kv"] = (uint)KeyValues,
            [$"{Architecture}.attention.{(LayerNorm ? "layer_norm_epsilon" : "layer_norm_rms_epsilon")}"] = Epsilon,
        };
        if (Experts > 0)
        {
            keys[$"{Architecture}.expert_count"] = (uint)Experts;
            keys[$"{Architecture}.expert_used_count"] = (uint)ActiveExperts;
        }

        foreach ((string key, object value) in Keys)
        {
            keys[$"{Architecture}.{key}"] = value;
        }

        foreach ((string key, object? value) in changes)
        {
            keys[key] = value;
        }

        var writer = new GgufWriter();
        foreach ((string key, object? value) in keys)
        {
            Add(writer, key, value);
        }

        foreach ((string name, float[] values) in FusesHeads ? Fused() : Tensors)
        {
            WeightType type = IsHalf(name) ? WeightType.F16 : WeightType.F32;
            writer.AddTensor(name, TensorType.Of(type), [.. Shape(name, values)], type == WeightType.F16 ? Bytes(Array.ConvertAll(values, value => (Half)value)) : Bytes(values));
        }

        if (FrequencyFactors is { } factors)
        {
            writer.AddTensor("rope_freqs.weight", TensorType.Of(WeightType.F32), [factors.Length], Bytes(factors));
        }

        writer.Save(path);
        return path;
    }

    /// <summary>Writes a GGUF file as PowerInfer's converter does: another magic number, down matrices and their biases called transposed.</summary>
    /// <param name="path">Where.</param>
    /// <param name="changes">Keys to add, or to write otherwise; a null value leaves one out.</param>
    public string SavePowerInfer(string path, params (string Key, object? Value)[] changes)
    {
        SaveGguf(path, changes);
        string whole = path + ".powerinfer.gguf";
        using (ModelFile file = ModelFile.Open(path))
        {
            var writer = new GgufWriter();
            foreach (string key in file.Metadata.Keys)
            {
                writer.Copy(file.Metadata, key);
            }

            foreach (TensorInfo tensor in file.Tensors)
            {
                string name = tensor.Name.Replace("ffn_down", "ffn_down_t", StringComparison.Ordinal);
                if (name == tensor.Name || tensor.Shape.Count == 1)
                {
                    writer.AddTensor(tensor, name);
                    continue;
                }

                float[] values = Weights(tensor.Name)!;
                (int rows, int columns) = ((int)tensor.Shape[0], (int)tensor.Shape[1]);
                float[] turned = [.. Enumerable.Range(0, values.Length).Select(i => values[(i % rows * columns) + (i / rows)])];
                writer.AddTensor(name, tensor.Type, [columns, rows], Bytes(turned));
            }

            writer.Save(whole);
        }

        using FileStream written = File.OpenWrite(whole);
        written.Write("PWRI"u8);
        return whole;
    }

    /// <summary>Writes safetensors and a config.json into a folder.</summary>
    /// <param name="folder">An empty folder.</param>
    /// <param name="changes">Keys to add, or to write otherwise; a null value leaves one out.</param>
    public string SaveConfig(string folder, params (string Key, object? Value)[] changes)
    {
        var config = new Dictionary<string, object?>
        {
            ["architectures"] = new[] { Class },
            ["model_type"] = Architecture,
            ["hidden_size"] = Hidden,
            ["intermediate_size"] = Intermediate,
            ["num_hidden_layers"] = Depth,
            ["num_attention_heads"] = Heads,
            ["num_key_value_heads"] = KeyValues,
            ["vocab_size"] = VocabularySize,
            ["max_position_embeddings"] = Length,
            [LayerNorm ? "layer_norm_eps" : "rms_norm_eps"] = 1e-5,
            ["tie_word_embeddings"] = Tied,
            ["torch_dtype"] = "float32",
        };
        foreach ((string key, object? value) in Config.Concat(changes))
        {
            config[key] = value;
        }

        foreach (string key in config.Where(pair => pair.Value is null).Select(pair => pair.Key).ToArray())
        {
            config.Remove(key);
        }

        File.WriteAllText(Path.Combine(folder, "config.json"), JsonSerializer.Serialize(config));
        var header = new Dictionary<string, object>();
        var data = new MemoryStream();
        IEnumerable<KeyValuePair<string, float[]>> tensors = FusesHeads ? FusedInGroups() : Tensors;
        foreach ((string name, float[] values) in tensors.SelectMany(tensor => OfExperts(tensor.Key, tensor.Value)))
        {
            long start = data.Length;
            data.Write(Bytes(values));
            header[ConfigName(HuggingFaceName(name, ParallelNorms == 2))] = new { dtype = "F32", shape = Shape(name, values), data_offsets = new[] { start, data.Length } };
        }

        byte[] text = JsonSerializer.SerializeToUtf8Bytes(header);
        using FileStream file = File.Create(Path.Combine(folder, "model.safetensors"));
        file.Write(BitConverter.GetBytes((long)text.Length));
        file.Write(text);
        data.WriteTo(file);
        return folder;
    }

    private static void Add(GgufWriter writer, string key, object? value)
    {
        switch (value)
        {
            case null:
                break;
            case string text:
                writer.Add(key, text);
                break;
            case uint number:
                writer.Add(key, number);
                break;
            case int number:
                writer.Add(key, number);
                break;
            case ulong number:
                writer.Add(key, number);
                break;
            case float number:
                writer.Add(key, number);
                break;
            case double number:
                writer.Add(key, number);
                break;
            case bool flag:
                writer.Add(key, flag);
                break;
            case int[] numbers:
                writer.Add(key, numbers.AsSpan());
                break;
            case float[] numbers:
                writer.Add(key, numbers.AsSpan());
                break;
            case string[] texts:
                writer.Add(key, texts);
                break;
            default:
                throw new ArgumentException($"No such value is written: {value.GetType()}.", nameof(value));
        }
    }

    /// <summary>The tensors with the rows of query, key and value one after the other.</summary>
    private IEnumerable<KeyValuePair<string, float[]>> Fused() =>
        Tensors.GroupBy(tensor => Regex.Replace(tensor.Key, "attn_[qkv]\\.", "attn_qkv."), (name, parts) => new KeyValuePair<string, float[]>(name, [.. parts.SelectMany(part => part.Value)]));

    /// <summary>The tensors with query, key and value as Falcon's safetensors have them: for each key its queries, then itself, then its value.</summary>
    private IEnumerable<KeyValuePair<string, float[]>> FusedInGroups() =>
        Tensors.GroupBy(tensor => Regex.Replace(tensor.Key, "attn_[qkv]\\.", "attn_qkv."), (name, parts) =>
            new KeyValuePair<string, float[]>(name, parts.ToArray() is [var query, var key, var value]
                ? [.. Enumerable.Range(0, KeyValues).SelectMany(group => new[] { query, key, value }.SelectMany(part =>
                    part.Value.Chunk(part.Value.Length / KeyValues).ElementAt(group)))]
                : parts.Single().Value));

    private static byte[] Bytes<T>(T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    // Converters leave routers as they are.
    private bool IsHalf(string name) => Matrices == WeightType.F16 && !IsVector(name) && !name.Contains("ffn_gate_inp", StringComparison.Ordinal);

    private static bool IsVector(string name) => name.EndsWith(".bias", StringComparison.Ordinal) || name.Contains("_norm", StringComparison.Ordinal);

    /// <summary>A tensor, or the experts' that lie in it one behind the other, under names that <see cref="HuggingFaceName"/> knows.</summary>
    private IEnumerable<(string Name, float[] Values)> OfExperts(string name, float[] values) =>
        !name.Contains("_exps", StringComparison.Ordinal) ? [(name, values)]
        : values.Chunk(values.Length / Experts).Select((part, expert) => (name.Replace("_exps", $".{expert}", StringComparison.Ordinal), part));

    private long[] Shape(string name, float[] values)
    {
        bool vector = IsVector(name);
        long columns = name.Contains("ffn_down", StringComparison.Ordinal) ? Intermediate : Hidden;
        return vector ? [values.Length]
            : name.Contains("_exps", StringComparison.Ordinal) ? [Experts, values.Length / columns / Experts, columns]
            : [values.Length / columns, columns];
    }

    private static string HuggingFaceName(string name, bool twoNorms) => Regex.Replace(
            name,
            @"ffn_(gate|up|down)\.(\d+)\.",
            match => $"block_sparse_moe.experts.{match.Groups[2].Value}.{match.Groups[1].Value switch { "gate" => "w1", "up" => "w3", _ => "w2" }}.")
        .Replace("ffn_gate_inp", "block_sparse_moe.gate", StringComparison.Ordinal)
        .Replace("blk.", "model.layers.", StringComparison.Ordinal)
        .Replace("position_embd", "model.embed_positions", StringComparison.Ordinal)
        .Replace("token_embd", "model.embed_tokens", StringComparison.Ordinal)
        .Replace("output_norm", "model.norm", StringComparison.Ordinal)
        .Replace("attn_norm_2", "ln_attn", StringComparison.Ordinal)
        .Replace("attn_norm", twoNorms ? "ln_mlp" : "input_layernorm", StringComparison.Ordinal)
        .Replace("ffn_norm", "post_attention_layernorm", StringComparison.Ordinal)
        .Replace("attn_output", "self_attn.o_proj", StringComparison.Ordinal)
        .Replace("attn_q_norm", "self_attn.q_norm", StringComparison.Ordinal)
        .Replace("attn_k_norm", "self_attn.k_norm", StringComparison.Ordinal)
        .Replace("attn_qkv", "self_attn.qkv", StringComparison.Ordinal)
        .Replace("attn_q.", "self_attn.q_proj.", StringComparison.Ordinal)
        .Replace("attn_k", "self_attn.k_proj", StringComparison.Ordinal)
        .Replace("attn_v", "self_attn.v_proj", StringComparison.Ordinal)
        .Replace("ffn_gate", "mlp.gate_proj", StringComparison.Ordinal)
        .Replace("ffn_up", "mlp.up_proj", StringComparison.Ordinal)
        .Replace("ffn_down", "mlp.down_proj", StringComparison.Ordinal)
        .Replace("output.weight", "lm_head.weight", StringComparison.Ordinal);

    private void Make()
    {
        _random = new Random(10);
        Matrix("token_embd", VocabularySize, Hidden, bias: false);
        if (PositionOffset is { } offset)
        {
            Matrix("position_embd", Length + offset, Hidden, bias: false);
        }

        if (!Tied)
        {
            Matrix("output", VocabularySize, Hidden, bias: false);
        }

        Norm("output_norm");
        for (int layer = 0; layer < Depth; layer++)
        {
            string block = $"blk.{layer}.";
            Norm(block + AttentionNorm);
            if (AttentionNorm != FeedForwardNorm)
            {
                Norm(block + FeedForwardNorm);
            }

            if (SubNorms)
            {
                _weights.Add(block + "attn_sub_norm.weight", Values(Heads * HeadSize, 0.5f, 1));
                _weights.Add(block + "ffn_sub_norm.weight", Values(Intermediate, 0.5f, 1));
            }

            Matrix(block + "attn_q", Heads * HeadSize, Hidden, QueryKeyValueBiases);
            Matrix(block + "attn_k", KeyValues * HeadSize, Hidden, QueryKeyValueBiases);
            Matrix(block + "attn_v", KeyValues * HeadSize, Hidden, QueryKeyValueBiases);
            if (QueryKeyNorms)
            {
                _weights.Add(block + "attn_q_norm.weight", Values(HeadSize, 0.5f, 1));
                _weights.Add(block + "attn_k_norm.weight", Values(HeadSize, 0.5f, 1));
            }

            Matrix(block + "attn_output", Hidden, Heads * HeadSize, OutputBias);
            if (Experts > 0)
            {
                Matrix(block + "ffn_gate_inp", Experts, Hidden, bias: false);
                Matrix(block + "ffn_gate_exps", Experts * Intermediate, Hidden, bias: false);
                Matrix(block + "ffn_up_exps", Experts * Intermediate, Hidden, bias: false);
                Matrix(block + "ffn_down_exps", Experts * Hidden, Intermediate, bias: false);
                continue;
            }

            if (Gated)
            {
                Matrix(block + "ffn_gate", Intermediate, Hidden, FeedForwardBiases);
            }

            Matrix(block + "ffn_up", Intermediate, Hidden, FeedForwardBiases);
            Matrix(block + "ffn_down", Hidden, Intermediate, FeedForwardBiases);
        }
    }

    private void Matrix(string name, int rows, int columns, bool bias)
    {
        _weights.Add(name + ".weight", Values(rows * columns, 2 / MathF.Sqrt(columns), 0));
        if (bias)
        {
            _weights.Add(name + ".bias", Values(rows, 0.3f, 0));
        }
    }

    private void Norm(string name)
    {
        _weights.Add(name + ".weight", Values(Hidden, 0.5f, 1));
        if (LayerNorm)
        {
            _weights.Add(name + ".bias", Values(Hidden, 0.3f, 0));
        }
    }

    private float[] Values(int length, float spread, float around)
    {
        float[] values = new float[length];
        for (int i = 0; i < length; i++)
        {
            values[i] = around + (((_random.NextSingle() * 2) - 1) * spread);
        }

        return values;
    }
}
