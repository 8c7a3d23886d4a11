using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>
/// What 32 numbers were divided by when they were rounded to integers: inputs that meet a block of weights, or activations of the neurons
/// that share a row of down's scales. Steps are the largest one's 127th or 32,767th, as on the CPU.
/// </summary>
public struct BlockStep
{
    /// <summary>Below this a block counts as zero: its inverse step would not be finite.</summary>
    private const float Smallest = 1e-30f;

    // Adding 3 * 2^22 rounds a float to an integer, to nearest, ties to even, and leaves it in the lower bits.
    private const float Integer = 12582912;
    private const uint IntegerBits = 0x4b400000;

    /// <summary>The value of one step.</summary>
    public float Step;

    /// <summary>What integer sums start from, where weights are stored with an excess: its product with the sum of the integers, negative.</summary>
    public int Start;

    /// <summary>Sets both.</summary>
    /// <param name="step">The value of one step.</param>
    /// <param name="start">What integer sums start from.</param>
    public BlockStep(float step, int start)
    {
        Step = step;
        Start = start;
    }

    /// <summary>Steps of one: what numbers are multiplied with before they are rounded; 0 for a block of zeros.</summary>
    /// <param name="largest">The block's largest magnitude.</param>
    /// <param name="range">Steps that it is to have.</param>
    public static float Inverse(float largest, float range) => largest < Smallest ? 0f : range / largest;

    /// <summary>The nearest integer, ties to even.</summary>
    /// <param name="value">A number below 2^22 in magnitude.</param>
    public static int Round(float value) => (int)(Interop.FloatAsInt(value + Integer) - IntegerBits);

    /// <summary>A sum as a float, exactly: full rate on a GPU, where a conversion has a quarter of it.</summary>
    /// <param name="sum">An integer below 2^22 in magnitude.</param>
    public static float Widen(int sum) => Interop.IntAsFloat((uint)sum + IntegerBits) - Integer;

    /// <summary>Sums of four columns as floats, times a factor.</summary>
    /// <param name="sums">Integers below 2^22 in magnitude.</param>
    /// <param name="factor">The step, or what it is a multiple of.</param>
    public static Float4 Scaled(Int4 sums, float factor) =>
        new(Widen(sums.X) * factor, Widen(sums.Y) * factor, Widen(sums.Z) * factor, Widen(sums.W) * factor);

    /// <summary>Sums of four columns that were added up in two bytes, as floats, times a factor.</summary>
    /// <param name="high">Sums with the upper bytes: integers below 2^22 in magnitude.</param>
    /// <param name="low">Sums with the lower bytes.</param>
    /// <param name="factor">The step.</param>
    public static Float4 Scaled(Int4 high, Int4 low, float factor) => new(
        ((Widen(high.X) * 256f) + Widen(low.X)) * factor,
        ((Widen(high.Y) * 256f) + Widen(low.Y)) * factor,
        ((Widen(high.Z) * 256f) + Widen(low.Z)) * factor,
        ((Widen(high.W) * 256f) + Widen(low.W)) * factor);
}
