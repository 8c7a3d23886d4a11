namespace SparseInfer.Kernels.Ilgpu;

/// <summary>ggml's Q6_K: a half for 256 weights, a signed byte for 16, six bits with an excess of 32; <c>w = half * scale * (quant - 32)</c>.</summary>
public sealed class Q6_K : QuantFormat<Q6_K.Facts>
{
    private Q6_K()
    {
    }

    /// <summary>What it is.</summary>
    public readonly struct Facts : IQuantFacts
    {
        /// <inheritdoc/>
        public static int HighBits => 2;

        /// <inheritdoc/>
        public static int Excess => 32;

        /// <inheritdoc/>
        public static bool HasMinimum => false;

        /// <inheritdoc/>
        public static bool HasIntegers => true;

        /// <inheritdoc/>
        public static bool IsSplit => true;
    }
}
