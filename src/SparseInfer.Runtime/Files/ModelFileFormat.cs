namespace SparseInfer.Files;

/// <summary>The container that a model's tensors are stored in.</summary>
public enum ModelFileFormat
{
    /// <summary>ggml's container: metadata, vocabulary and tensors in one file.</summary>
    Gguf,

    /// <summary>Hugging Face's container: tensors in one file or in shards, the shape in a <c>config.json</c> beside them.</summary>
    Safetensors,
}
