namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Activation functions without exact zeros, by the CPU kernels' formulas.</summary>
public static class Activations
{
    private const float MinusTwiceRootTwoOverPi = -1.5957691216057308f;

    /// <summary><c>x / (1 + e^-x)</c> (arXiv 1702.03118).</summary>
    /// <param name="x">The argument.</param>
    public static float Silu(float x) => x / (1 + Portable.Exp(-x));

    /// <summary><c>0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))</c> (arXiv 1606.08415), by <c>1 + tanh(u) = 2 / (1 + e^-2u)</c>.</summary>
    /// <param name="x">The argument.</param>
    public static float Gelu(float x)
    {
        float cubic = x + (0.044715f * x * x * x);
        return x / (1 + Portable.Exp(cubic * MinusTwiceRootTwoOverPi));
    }
}
