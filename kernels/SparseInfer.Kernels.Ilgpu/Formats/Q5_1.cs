namespace SparseInfer.Kernels.Ilgpu;

/// <summary>ggml's Q5_1: two halves for 32 weights, five bits; <c>w = scale * quant + minimum</c>.</summary>
public sealed class Q5_1 : QuantFormat<Q5_1.Facts>
{
    private Q5_1()
    {
    }

    /// <summary>What it is.</summary>
    public readonly struct Facts : IQuantFacts
    {
        /// <inheritdoc/>
        public static int HighBits => 1;

        /// <inheritdoc/>
        public static int Excess => 0;

        /// <inheritdoc/>
        public static bool HasMinimum => true;

        /// <inheritdoc/>
        public static bool HasIntegers => false;

        /// <inheritdoc/>
        public static bool IsSplit => false;
    }
}
