namespace SparseInfer;

/// <summary>How a weight matrix is stored. Names are those of model files (GGUF, safetensors).</summary>
public enum WeightType
{
    /// <summary>IEEE 754 single precision, 4 bytes a weight.</summary>
    F32,

    /// <summary>IEEE 754 half precision, 2 bytes a weight.</summary>
    F16,

    /// <summary>The upper half of a single: 8 exponent bits, 7 mantissa bits; 2 bytes a weight.</summary>
    BF16,

    /// <summary>Blocks of 32 signed bytes with one half-precision scale, 34 bytes a block.</summary>
    Q8_0,

    /// <summary>Blocks of 32 nibbles (value - 8) with one half-precision scale, 18 bytes a block.</summary>
    Q4_0,
}
