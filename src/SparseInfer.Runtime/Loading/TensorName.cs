namespace SparseInfer.Runtime;

/// <summary>What a tensor is called, by kind of file. For generated programs.</summary>
/// <param name="Gguf">In GGUF files: <c>output.weight</c>, or for every layer <c>blk.{layer}.ffn_gate.weight</c>.</param>
/// <param name="HuggingFace">
/// In safetensors as Hugging Face's libraries write them: <c>lm_head.weight</c>, or <c>model.layers.{layer}.mlp.gate_proj.weight</c>.
/// </param>
public readonly record struct TensorName(string Gguf, string HuggingFace);

/// <summary>A prepared matrix and the type it is stored in. For generated programs that declare several weight types.</summary>
/// <param name="weights">The matrix.</param>
/// <param name="type">Its type.</param>
public readonly struct StoredMatrix(SparseInfer.Kernels.Cpu.WeightMatrix weights, WeightType type)
{
    /// <summary>The matrix. A field, so that kernels take it by reference.</summary>
    public readonly SparseInfer.Kernels.Cpu.WeightMatrix Weights = weights;

    /// <summary>Its type.</summary>
    public readonly WeightType Type = type;
}

/// <summary>A prepared matrix with a row for each input, and the type it is stored in. For generated programs that declare several weight types.</summary>
/// <param name="weights">The matrix.</param>
/// <param name="type">Its type.</param>
public readonly struct StoredChannels(SparseInfer.Kernels.Cpu.DownMatrix weights, WeightType type)
{
    /// <summary>The matrix. A field, so that kernels take it by reference.</summary>
    public readonly SparseInfer.Kernels.Cpu.DownMatrix Weights = weights;

    /// <summary>Its type.</summary>
    public readonly WeightType Type = type;
}
