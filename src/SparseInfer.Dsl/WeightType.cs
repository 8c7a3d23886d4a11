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

    /// <summary>Blocks of 32 weights of 5 bits (value - 16) with one half-precision scale, 22 bytes a block.</summary>
    Q5_0,

    /// <summary>Blocks of 32 weights of 5 bits with a scale and a minimum in half precision, 24 bytes a block.</summary>
    Q5_1,

    /// <summary>Blocks of 256 weights of 4 bits, with scales and minima of 6 bits for every 32, 144 bytes a block.</summary>
    Q4_K,

    /// <summary>Blocks of 256 weights of 5 bits, with scales and minima of 6 bits for every 32, 176 bytes a block.</summary>
    Q5_K,

    /// <summary>Blocks of 256 weights of 6 bits (value - 32), with scales of 8 bits for every 16, 210 bytes a block.</summary>
    Q6_K,
}
