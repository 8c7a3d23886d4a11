namespace SparseInfer;

/// <summary>Which two dimensions of a head a rotary position embedding turns together.</summary>
public enum RopePairing
{
    /// <summary>Dimensions 2i and 2i+1: how GGUF files of the llama architecture store query and key.</summary>
    Interleaved,

    /// <summary>Dimensions i and i + d/2: how GGUF files of qwen2, phi and gpt-neox architectures store them.</summary>
    HalfSplit,
}
