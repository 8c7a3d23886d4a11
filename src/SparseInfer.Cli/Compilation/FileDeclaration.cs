using System.Globalization;
using SparseInfer.Files;

namespace SparseInfer.Cli.Compilation;

/// <summary>
/// Reads the declaration of a GGUF file: sizes from its metadata, weight types, biases and gating from its tensors. The activation is
/// given, since files do not say it, or say it wrongly.
/// </summary>
internal static class FileDeclaration
{
    /// <summary>Declares the model in a file.</summary>
    /// <param name="file">An open GGUF file.</param>
    /// <param name="activation">What the user said; null: what the file says.</param>
    /// <param name="threshold">FATReLU's, where the user said it.</param>
    /// <param name="alpha">The predictor's.</param>
    /// <exception cref="CliException">The file does not tell what is needed, or no model that can be declared.</exception>
    public static ModelDeclaration Read(ModelFile file, Activation? activation, float? threshold, float alpha)
    {
        if (file.Format != ModelFileFormat.Gguf)
        {
            throw Wrong(file, "is no GGUF file: convert the model to GGUF");
        }

        if (!file.Metadata.TryGetString("general.architecture", out string? architecture))
        {
            throw Wrong(file, "has no 'general.architecture': it is no model");
        }

        string prefix = architecture + ".";
        if (file.TryGetTensor("blk.0.ffn_gate_exps.weight", out _))
        {
            throw Wrong(file, "is a mixture of experts, which cannot be declared");
        }

        string[] needed = ["token_embd.weight", "blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight", "blk.0.ffn_up.weight"];
        if (Array.Find(needed, name => !file.TryGetTensor(name, out _)) is { } missing)
        {
            throw Wrong(file, $"has no tensor '{missing}': architecture '{architecture}' is not one that can be declared");
        }

        int hidden = Integer(file, prefix + "embedding_length");
        int heads = Math.Max(1, Integer(file, prefix + "attention.head_count"));
        int headDimension = OptionalInteger(file, prefix + "attention.key_length") ?? 0;
        int rotary = OptionalInteger(file, prefix + "rope.dimension_count") ?? 0;
        int headSize = headDimension != 0 ? headDimension : hidden / heads;
        float? rms = Number(file, prefix + "attention.layer_norm_rms_epsilon");
        Activation chosen = activation ?? StoredActivation(file, prefix);
        return new ModelDeclaration
        {
            Name = file.Metadata.TryGetString("general.name", out string? name) && name.Any(char.IsAsciiLetterOrDigit)
                ? name
                : Path.GetFileNameWithoutExtension(file.Path),
            Hidden = hidden,
            Layers = Integer(file, prefix + "block_count"),
            Vocabulary = Rows(file, "token_embd.weight"),
            Context = Integer(file, prefix + "context_length"),
            Heads = heads,
            KeyValueHeads = OptionalInteger(file, prefix + "attention.head_count_kv") ?? heads,
            HeadDimension = headSize * heads == hidden ? 0 : headDimension,
            RopeTheta = Number(file, prefix + "rope.freq_base") ?? 10000f,
            RopeScaling = Number(file, prefix + "rope.scaling.factor") ?? 1f,
            RopeDimensions = rotary == headSize ? 0 : rotary,
            RopePairing = architecture is "llama" or "minicpm" or "bamboo" ? RopePairing.Interleaved : RopePairing.HalfSplit,
            QueryKeyValueBiases = file.TryGetTensor("blk.0.attn_q.bias", out _),
            OutputBias = file.TryGetTensor("blk.0.attn_output.bias", out _),
            Intermediate = Rows(file, "blk.0.ffn_up.weight"),
            Activation = chosen,
            Threshold = Threshold(chosen, threshold),
            Gated = file.TryGetTensor("blk.0.ffn_gate.weight", out _),
            FeedForwardBiases = file.TryGetTensor("blk.0.ffn_up.bias", out _),
            LayerNorm = rms is null,
            NormEpsilon = rms ?? Number(file, prefix + "attention.layer_norm_epsilon")
                ?? throw Wrong(file, $"has neither '{prefix}attention.layer_norm_rms_epsilon' nor '{prefix}attention.layer_norm_epsilon'"),
            TiedEmbedding = !file.TryGetTensor("output.weight", out _),
            EmbeddingScale = Number(file, prefix + "embedding_scale") ?? 1f,
            Alpha = alpha,
            Weights = MatrixTypes(file),
        };
    }

    /// <summary>A threshold goes with FATReLU, and FATReLU with a threshold.</summary>
    public static float Threshold(Activation activation, float? given) => (activation, given) switch
    {
        (Activation.FatRelu, null) => throw new CliException("--activation fatrelu needs --threshold T (ProSparse: 0.01)."),
        (Activation.FatRelu, { } threshold) => threshold,
        (_, null) => 0f,
        _ => throw new CliException($"--threshold goes with --activation fatrelu; this model's activation is {activation}."),
    };

    private static Activation StoredActivation(ModelFile file, string prefix)
    {
        if (!file.Metadata.TryGetString(prefix + "feed_forward.activation", out string? stored))
        {
            throw new CliException(
                $"{file.Path} does not say its activation: give --activation {string.Join('|', ActivationNames.All)}.");
        }

        return ActivationNames.TryParse(stored, out Activation activation)
            ? activation
            : throw new CliException($"{file.Path} says its activation is '{stored}', which is unknown: give --activation.");
    }

    /// <summary>The types of all matrices, the most common first.</summary>
    private static WeightType[] MatrixTypes(ModelFile file)
    {
        // A down matrix that was transposed beforehand may be stored as plain bytes: its feed-forward's other matrices tell its type.
        IEnumerable<TensorInfo> matrices = file.Tensors.Where(tensor => tensor.Shape.Count == 2
            && tensor.Name.EndsWith(".weight", StringComparison.Ordinal) && !tensor.Name.EndsWith("norm.weight", StringComparison.Ordinal));
        if (matrices.FirstOrDefault(tensor => tensor.Weight is null) is { } odd)
        {
            throw Wrong(file, $"stores tensor '{odd.Name}' as {odd.Type}, which no kernel reads: quantize to F32, F16, BF16, Q8_0 or Q4_0");
        }

        return [.. matrices.GroupBy(tensor => tensor.Weight!.Value).OrderByDescending(group => group.Count()).Select(group => group.Key)];
    }

    private static int Rows(ModelFile file, string name) =>
        file.TryGetTensor(name, out TensorInfo? tensor) && tensor.Shape.Count == 2 && tensor.Shape[0] <= int.MaxValue
            ? (int)tensor.Shape[0]
            : throw Wrong(file, $"has no matrix '{name}'");

    private static int Integer(ModelFile file, string key) =>
        OptionalInteger(file, key) ?? throw Wrong(file, $"has no number '{key}'");

    private static int? OptionalInteger(ModelFile file, string key) =>
        !file.Metadata.TryGetInt64(key, out long value) ? null
        : value is >= 0 and <= int.MaxValue ? (int)value
        : throw Wrong(file, string.Create(CultureInfo.InvariantCulture, $"has {value} for '{key}'"));

    private static float? Number(ModelFile file, string key) => file.Metadata.TryGetDouble(key, out double value) ? (float)value : null;

    private static CliException Wrong(ModelFile file, string what) => new($"{file.Path} {what}.");
}
