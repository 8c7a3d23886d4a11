namespace SparseInfer.Kernels.Ilgpu;

/// <summary>ggml's Q4_K: two halves for 256 weights, two integers of six bits for 32, four bits; <c>w = half * scale * quant - half' * minimum</c>.</summary>
public sealed class Q4_K : QuantFormat<Q4_K.Facts>
{
    private Q4_K()
    {
    }

    /// <summary>What it is.</summary>
    public readonly struct Facts : IQuantFacts
    {
        /// <inheritdoc/>
        public static int HighBits => 0;

        /// <inheritdoc/>
        public static int Excess => 0;

        /// <inheritdoc/>
        public static bool HasMinimum => true;

        /// <inheritdoc/>
        public static bool HasIntegers => true;

        /// <inheritdoc/>
        public static bool IsSplit => false;
    }
}
