using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>
/// What PowerInfer's GGUF files have beside an ordinary one's. Source: its <c>convert.py</c>, <c>convert-hf-to-powerinfer-gguf.py</c> and
/// <c>llama.cpp</c>.
/// </summary>
internal static class PowerInferFiles
{
    /// <summary>The share from which its predictor takes a neuron for active.</summary>
    public const string SparseThresholdKey = "powerinfer.sparse_threshold";

    /// <summary>The namespace of its keys.</summary>
    public const string Namespace = "powerinfer";

    private const string DownBias = ".ffn_down.bias";

    /// <summary>
    /// Whether a tensor is one of the two matrices of a layer's trained predictor, <c>blk.0.fc1.weight</c> and <c>blk.0.fc2.weight</c>, or of the head's. In
    /// other files tensors of the layers' names are what nobody knows.
    /// </summary>
    public static bool IsPredictor(ModelFile file, string name) => IsOfWords(name) || IsOfLayer(file, name);

    /// <summary>Whether a tensor is the head's trained predictor, or one of its two matrices.</summary>
    public static bool IsOfWords(string name) => name.StartsWith("lm_head_profiler.", StringComparison.Ordinal) || name.StartsWith("model.lm_head_profiler.", StringComparison.Ordinal);

    private static bool IsOfLayer(ModelFile file, string name) => name.StartsWith("blk.", StringComparison.Ordinal)
        && (name.EndsWith(".fc1.weight", StringComparison.Ordinal) || name.EndsWith(".fc2.weight", StringComparison.Ordinal))
        && IsOfPowerInfer(file);

    /// <summary>
    /// Whether it is a transposed down matrix in blocks along its rows, the hidden width: no kernel adds such up, but each weight is one of F32. A file
    /// that was prepared here never has one.
    /// </summary>
    public static bool IsDownInRows(ModelFile file, TensorInfo tensor) => tensor.Weight is not null && tensor.Type.IsBlock
        && tensor.Name.EndsWith(PreparedTensors.DownSuffix, StringComparison.Ordinal) && file.Metadata.Describe(PreparedTensors.LayoutKey) is null;

    private static bool IsOfPowerInfer(ModelFile file) => file.Metadata.Describe(SparseThresholdKey) is not null
        || (file.Metadata.Describe(PreparedTensors.LayoutKey) is null
            && file.Tensors.Any(tensor => tensor.Name.EndsWith(PreparedTensors.DownSuffix, StringComparison.Ordinal)));

    /// <summary>What its files call the bias of a down matrix, as it is of the transposed one; null: this is none.</summary>
    public static string? OtherName(string name) =>
        name.EndsWith(DownBias, StringComparison.Ordinal) ? name[..^DownBias.Length] + ".ffn_down_t.bias" : null;
}
