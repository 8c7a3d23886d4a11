using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Activation functions without exact zeros. Scalars go through the same vector exponential as whole rows do, so that a neuron's value does
/// not depend on whether it was computed alone.
/// </summary>
public static class Activations
{
    /// <summary><c>x / (1 + e^-x)</c> (arXiv 1702.03118).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Silu(float x) => Silu(Vector128.Create(x)).ToScalar();

    /// <summary><c>0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))</c> (arXiv 1606.08415), by <c>1 + tanh(u) = 2 / (1 + e^-2u)</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Gelu(float x) => Gelu(Vector128.Create(x)).ToScalar();

    /// <summary>SiLU of every element, in place: the bits of <see cref="Silu(float)"/>.</summary>
    /// <param name="x">The elements.</param>
    public static void Silu(Span<float> x)
    {
        int i = 0;
        for (; i <= x.Length - 4; i += 4)
        {
            Silu(Vector128.Create<float>(x.Slice(i, 4))).CopyTo(x[i..]);
        }

        for (; i < x.Length; i++)
        {
            x[i] = Silu(x[i]);
        }
    }

    /// <summary>GELU of every element, in place: the bits of <see cref="Gelu(float)"/>.</summary>
    /// <param name="x">The elements.</param>
    public static void Gelu(Span<float> x)
    {
        int i = 0;
        for (; i <= x.Length - 4; i += 4)
        {
            Gelu(Vector128.Create<float>(x.Slice(i, 4))).CopyTo(x[i..]);
        }

        for (; i < x.Length; i++)
        {
            x[i] = Gelu(x[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Silu(Vector128<float> x) => x / (Vector128<float>.One + Vector128.Exp(-x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Gelu(Vector128<float> x)
    {
        const float MinusTwiceRootTwoOverPi = -1.5957691216057308f;
        Vector128<float> cubic = x + (Vector128.Create(0.044715f) * x * x * x);
        return x / (Vector128<float>.One + Vector128.Exp(cubic * MinusTwiceRootTwoOverPi));
    }
}
