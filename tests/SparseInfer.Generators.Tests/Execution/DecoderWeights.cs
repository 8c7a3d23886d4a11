extern alias vocabulary;

using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using SparseInfer.Files;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>Random weights of a decoder under the names that GGUF files have, as values and as a file.</summary>
internal sealed class DecoderWeights
{
    private readonly Dictionary<string, StoredMatrix> _matrices = [];
    private readonly Dictionary<string, float[]> _vectors = [];
    private readonly DecoderCase _model;
    private readonly Random _random = new(260);

    public DecoderWeights(DecoderCase model)
    {
        _model = model;
        int queryWidth = model.Heads * model.HeadDimension;
        int keyValueWidth = model.KeyValueHeads * model.HeadDimension;
        AddMatrix("token_embd.weight", model.Vocabulary, model.Hidden, layer: 0);
        if (model.LearnedPositions > 0)
        {
            AddMatrix("position_embd.weight", model.LearnedPositions + model.PositionOffset, model.Hidden, layer: 1);
        }

        if (!model.Tied)
        {
            AddMatrix("output.weight", model.Vocabulary, model.Hidden, layer: 1);
        }

        if (model.FrequencyFactors is { } factors)
        {
            _vectors.Add("rope_freqs.weight", factors);
        }

        if (model.Words is { } words)
        {
            AddMatrix(WordFirst, words.Rank, model.Hidden, layer: 0);
            AddMatrix(WordSecond, model.Vocabulary, words.Rank, layer: words.Flat ? 0 : 1);
        }

        AddNorm("output_norm");
        for (int layer = 0; layer < model.Layers; layer++)
        {
            string block = $"blk.{layer}.";
            AddNorm(block + "attn_norm");
            AddNorm(block + "ffn_norm");
            if (model.QueryKeyNorms)
            {
                _vectors.Add(block + "attn_q_norm.weight", Values(model.HeadDimension, 0.5f, 1));
                _vectors.Add(block + "attn_k_norm.weight", Values(model.HeadDimension, 0.5f, 1));
            }

            // Where several types are declared, a file mixes them, but for gate and up of one feed-forward.
            AddLinear(block + "attn_q", queryWidth, model.Hidden, layer, model.QueryKeyValueBiases);
            AddLinear(block + "attn_k", keyValueWidth, model.Hidden, layer + 1, model.QueryKeyValueBiases);
            AddLinear(block + "attn_v", keyValueWidth, model.Hidden, layer + 2, model.QueryKeyValueBiases);
            AddLinear(block + "attn_output", model.Hidden, queryWidth, layer + 1, model.OutputBias);
            if (model.HeadChoices.ElementAtOrDefault(layer) is { Router: true } heads)
            {
                AddLinear(block + Router, model.KeyValueHeads, model.Hidden, layer, heads.Bias);
            }

            if (model.Experts > 0)
            {
                AddExperts(block, layer);
                AddPolicies(block, layer, "_exps", model.Experts);
                continue;
            }

            if (model.Gated)
            {
                AddLinear(block + "ffn_gate", model.Intermediate, model.Hidden, layer, model.FeedForwardBiases);
            }

            AddLinear(block + "ffn_up", model.Intermediate, model.Hidden, layer, model.FeedForwardBiases);
            AddLinear(block + "ffn_down", model.Hidden, model.Intermediate, layer + (model.MixesDown ? 1 : 0), model.FeedForwardBiases);
            AddPolicies(block, layer, "", 1);
        }
    }

    /// <summary>What a layer's policy wants of the file, of all experts one behind the other.</summary>
    private void AddPolicies(string block, int layer, string suffix, int copies)
    {
        if (_model.NeuronThresholds.Contains(layer))
        {
            _vectors.Add($"{block}ffn_threshold{suffix}.weight", [.. Values(copies * _model.Intermediate, 0.1f, 0.1f).Select((value, i) => i % 9 == 0 ? 0 : value)]);
        }

        if (_model.Predictors.ElementAtOrDefault(layer) is { } predictor)
        {
            AddLinear($"{block}fc1{suffix}", copies * predictor.Rank, _model.Hidden, layer, bias: false);
            AddLinear($"{block}fc2{suffix}", copies * _model.Intermediate, predictor.Rank, layer + 1, predictor.Bias);
        }
    }

    public const string Router = "mha_router";

    public const string WordFirst = "lm_head_profiler.fc1.weight";

    public const string WordSecond = "lm_head_profiler.fc2.weight";

    public StoredMatrix Matrix(string name) => _matrices[name];

    /// <summary>A norm's weights or a bias; null where there is none.</summary>
    public float[]? Vector(string name) => _vectors.GetValueOrDefault(name);

    /// <summary>Adds a vector that plain decoders do not have.</summary>
    public void AddVector(string name, int length, float around = 0) => _vectors.Add(name, Values(length, 0.3f, around));

    /// <summary>Gives a norm another name; null: leaves it out.</summary>
    public void RenameNorm(string name, string? other)
    {
        foreach (string part in new[] { ".weight", ".bias" })
        {
            if (_vectors.Remove(name + part, out float[]? values) && other is not null)
            {
                _vectors.Add(other + part, values);
            }
        }
    }

    /// <summary>Whether the file has query, key and value as one tensor.</summary>
    public bool FusesHeads { get; init; }

    private const string FlatWords = "lm_head_profiler.weight";

    /// <summary>What several tensors of a file are one of.</summary>
    private string InFile(string name) => _model.Words is { Flat: true } && name.StartsWith("lm_head_profiler", StringComparison.Ordinal) ? FlatWords : FusesHeads ? Regex.Replace(name, "attn_[qkv]\\.", "attn_qkv.") : name;

    /// <summary>Multiplies a matrix.</summary>
    public void Scale(string name, float factor)
    {
        StoredMatrix matrix = _matrices[name];
        _matrices[name] = StoredMatrix.Encode(matrix.Type, [.. matrix.Values.Select(value => value * factor)], matrix.Columns);
    }

    /// <summary>Makes every row that a function names a copy of another.</summary>
    /// <param name="source">The row that a row is a copy of.</param>
    public void CopyRows(string name, Func<int, int> source)
    {
        StoredMatrix matrix = _matrices[name];
        int rows = matrix.Values.Length / matrix.Columns;
        _matrices[name] = StoredMatrix.Encode(matrix.Type, [.. Enumerable.Range(0, rows).SelectMany(row => matrix.Row(source(row)).ToArray())], matrix.Columns);
    }

    /// <summary>Gives all parts of a matrix the rows of the first: to experts another one's.</summary>
    public void ShareRows(string name, int parts)
    {
        StoredMatrix matrix = _matrices[name];
        int part = matrix.Values.Length / parts;
        _matrices[name] = StoredMatrix.Encode(matrix.Type, [.. matrix.Values.Select((_, i) => matrix.Values[i % part])], matrix.Columns);
    }

    /// <summary>Writes a file.</summary>
    /// <param name="has">Which tensors it has, by their names; null: all.</param>
    public void Save(string path, Func<string, bool>? has = null)
    {
        var writer = new GgufWriter();
        string? architecture = _model.File?.Architecture ?? (_model.LayerNorm, _model.Pairing) switch
        {
            _ when !_model.HasArchitecture => null,
            (false, RopePairing.HalfSplit) when _model.Router == RouterInput.Layer => "smallthinker",
            (false, RopePairing.Interleaved) => "llama",
            (false, _) => "qwen2",
            (true, RopePairing.HalfSplit) => "stablelm",
            _ => null, // no architecture has both
        };
        if (architecture is not null)
        {
            writer.Add("general.architecture", architecture);
            writer.Add($"{architecture}.block_count", (uint)_model.Layers);
            writer.Add($"{architecture}.rope.freq_base", _model.RopeTheta);
            writer.Add($"{architecture}.rope.scaling.factor", _model.Yarn?.Factor ?? _model.RopeScaling);
            if (_model.Yarn is { } yarn)
            {
                writer.Add($"{architecture}.rope.scaling.type", "yarn");
                writer.Add($"{architecture}.rope.scaling.original_context_length", (uint)yarn.OriginalContext);
            }

            writer.Add($"{architecture}.embedding_scale", _model.EmbeddingScale);
            writer.Add($"{architecture}.expert_count", (uint)_model.Experts);
            writer.Add($"{architecture}.expert_used_count", (uint)_model.ActiveExperts);
            writer.Add($"{architecture}.expert_gating_func", _model.Gating == ExpertGating.Sigmoid ? 2u : 1u);
            writer.Add($"{architecture}.attention.{(_model.LayerNorm ? "layer_norm_epsilon" : "layer_norm_rms_epsilon")}", DecoderCase.Epsilon);
            foreach ((string key, float value) in _model.File?.Keys ?? [])
            {
                writer.Add($"{architecture}.{key}", value);
            }
        }

        foreach (var parts in _matrices.Where(matrix => has?.Invoke(matrix.Key) ?? true).GroupBy(matrix => InFile(matrix.Key), matrix => matrix.Value))
        {
            if (parts.Key == FlatWords)
            {
                var flat = TensorType.Of((vocabulary::SparseInfer.WeightType)parts.First().Type);
                writer.AddTensor(FlatWords, flat, [1, parts.Sum(matrix => matrix.Values.Length)], parts.SelectMany(matrix => matrix.Bytes).ToArray());
                continue;
            }

            StoredMatrix first = parts.First();
            var type = TensorType.Of((vocabulary::SparseInfer.WeightType)first.Type);
            int rows = parts.Sum(matrix => matrix.Values.Length / matrix.Columns);
            bool isOfExperts = parts.Key.EndsWith("_exps.weight", StringComparison.Ordinal);
            writer.AddTensor(
                parts.Key, type, isOfExperts ? [_model.Experts, rows / _model.Experts, first.Columns] : [rows, first.Columns], parts.SelectMany(matrix => matrix.Bytes).ToArray());
        }

        foreach (var parts in _vectors.Where(vector => has?.Invoke(vector.Key) ?? true).GroupBy(vector => InFile(vector.Key), vector => vector.Value))
        {
            float[] values = [.. parts.SelectMany(part => part)];
            string name = parts.Key;
            byte[] bytes = new byte[values.Length * sizeof(float)];
            Buffer.BlockCopy(values, 0, bytes, 0, bytes.Length);
            bool isOfExperts = name.Contains("_exps.", StringComparison.Ordinal);
            writer.AddTensor(
                name, TensorType.Of(vocabulary::SparseInfer.WeightType.F32), isOfExperts ? [_model.Experts, values.Length / _model.Experts] : [values.Length], bytes);
        }

        writer.Save(path);
    }

    /// <summary>Writes some of the values as safetensors, in F32.</summary>
    /// <param name="names">Names there by names here; of experts' tensors, with <c>#2</c> behind it for the third's.</param>
    public void SaveSafetensors(string path, IReadOnlyDictionary<string, string> names)
    {
        var header = new StringBuilder("{");
        using var bytes = new MemoryStream();
        foreach ((string there, string place) in names)
        {
            string here = place.Split('#')[0];
            StoredMatrix? matrix = _matrices.GetValueOrDefault(here);
            float[] values = matrix?.Values ?? _vectors[here];
            if (here != place)
            {
                int part = values.Length / _model.Experts;
                values = values.AsSpan(int.Parse(place.Split('#')[1], CultureInfo.InvariantCulture) * part, part).ToArray();
            }

            string shape = matrix is null ? $"{values.Length}" : $"{values.Length / matrix.Columns},{matrix.Columns}";
            header.Append(CultureInfo.InvariantCulture, $"{(bytes.Length > 0 ? "," : "")}\"{there}\":{{\"dtype\":\"F32\",\"shape\":[{shape}],\"data_offsets\":[{bytes.Length},");
            bytes.Write(MemoryMarshal.AsBytes(values.AsSpan()));
            header.Append(CultureInfo.InvariantCulture, $"{bytes.Length}]}}");
        }

        header.Append('}');
        using FileStream file = File.Create(path);
        file.Write(BitConverter.GetBytes((long)header.Length));
        file.Write(Encoding.ASCII.GetBytes(header.ToString()));
        bytes.WriteTo(file);
    }

    private void AddNorm(string name)
    {
        _vectors.Add(name + ".weight", Values(_model.Hidden, 0.5f, 1));
        if (_model.LayerNorm)
        {
            _vectors.Add(name + ".bias", Values(_model.Hidden, 0.3f));
        }
    }

    private void AddLinear(string name, int rows, int columns, int layer, bool bias)
    {
        AddMatrix(name + ".weight", rows, columns, layer);
        if (bias)
        {
            _vectors.Add(name + ".bias", Values(rows, 0.3f));
        }
    }

    /// <summary>All experts' matrices, one behind the other, and the router, which is F32 in files. Down has another type, where there is one.</summary>
    private void AddExperts(string block, int layer)
    {
        _matrices.Add(
            block + "ffn_gate_inp.weight", StoredMatrix.Encode(WeightType.F32, Values(_model.Experts * _model.Hidden, 1), _model.Hidden));
        if (_model.Gated)
        {
            AddMatrix(block + "ffn_gate_exps.weight", _model.Experts * _model.Intermediate, _model.Hidden, layer);
        }

        AddMatrix(block + "ffn_up_exps.weight", _model.Experts * _model.Intermediate, _model.Hidden, layer);
        AddMatrix(block + "ffn_down_exps.weight", _model.Experts * _model.Hidden, _model.Intermediate, layer + 1);
    }

    private void AddMatrix(string name, int rows, int columns, int layer)
    {
        WeightType[] types = _model.TypesOf(name);
        WeightType type = types[layer % types.Length];
        _matrices.Add(name, StoredMatrix.Encode(type, Values(rows * columns, 2 / MathF.Sqrt(columns)), columns));
    }

    private float[] Values(int length, float spread, float around = 0)
    {
        float[] values = new float[length];
        for (int i = 0; i < length; i++)
        {
            values[i] = around + (((_random.NextSingle() * 2) - 1) * spread);
        }

        return values;
    }
}
