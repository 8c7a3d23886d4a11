namespace SparseInfer.Kernels.Ilgpu;

/// <summary>ggml's Q5_0: a half for 32 weights, five bits with an excess of 16; <c>w = scale * (quant - 16)</c>.</summary>
public sealed class Q5_0 : QuantFormat<Q5_0.Facts>
{
    private Q5_0()
    {
    }

    /// <summary>What it is.</summary>
    public readonly struct Facts : IQuantFacts
    {
        /// <inheritdoc/>
        public static int HighBits => 1;

        /// <inheritdoc/>
        public static int Excess => 16;

        /// <inheritdoc/>
        public static bool HasMinimum => false;

        /// <inheritdoc/>
        public static bool HasIntegers => false;

        /// <inheritdoc/>
        public static bool IsSplit => false;
    }
}
