namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// How a model was stretched over a longer context than it was trained for: what becomes of the frequencies <c>theta^(-2i / dimensions)</c> of
/// the pairs i that are rotated.
/// </summary>
public abstract record RopeScaling
{
    /// <summary>What rotated queries and keys are multiplied by.</summary>
    public virtual double Magnitude => 1;

    /// <summary>Works out the frequency of each pair.</summary>
    /// <param name="dimensions">Dimensions of a head that are rotated; even.</param>
    /// <param name="theta">Base of the frequencies.</param>
    public double[] Frequencies(int dimensions, double theta)
    {
        double[] frequencies = new double[dimensions / 2];
        for (int pair = 0; pair < frequencies.Length; pair++)
        {
            frequencies[pair] = Scale(Math.Pow(theta, -2.0 * pair / dimensions), pair, dimensions, theta);
        }

        return frequencies;
    }

    /// <summary>A pair's frequency from that of an unscaled model.</summary>
    private protected abstract double Scale(double frequency, int pair, int dimensions, double theta);
}

/// <summary>Positions are divided by a factor: every frequency is. (arXiv 2306.15595)</summary>
/// <param name="Factor">The factor; 1: none.</param>
public sealed record LinearScaling(double Factor) : RopeScaling
{
    private protected override double Scale(double frequency, int pair, int dimensions, double theta) => frequency / Factor;
}

/// <summary>
/// YaRN (arXiv 2309.00071): pairs that turn often within the original context keep their frequency, those that turn rarely are interpolated,
/// with a ramp between; queries and keys grow with the logarithm of the factor.
/// </summary>
/// <param name="Factor">How much longer the context is.</param>
/// <param name="OriginalContext">The context that the model was trained for, in tokens.</param>
/// <param name="BetaFast">Turns within the original context from which a pair keeps its frequency.</param>
/// <param name="BetaSlow">Turns up to which a pair's frequency is divided by the factor.</param>
/// <param name="AttentionFactor">What rotated queries and keys are multiplied by.</param>
public sealed record YarnScaling(double Factor, int OriginalContext, double BetaFast, double BetaSlow, double AttentionFactor) : RopeScaling
{
    /// <inheritdoc/>
    public override double Magnitude => AttentionFactor;

    /// <summary>The paper's attention factor, where a model has none of its own.</summary>
    /// <param name="factor">How much longer the context is.</param>
    public static double UsualAttentionFactor(double factor) => factor <= 1 ? 1 : (0.1 * Math.Log(factor)) + 1;

    private protected override double Scale(double frequency, int pair, int dimensions, double theta)
    {
        double low = Math.Max(Math.Floor(PairOf(BetaFast, dimensions, theta)), 0);
        double high = Math.Min(Math.Ceiling(PairOf(BetaSlow, dimensions, theta)), dimensions - 1);
        double interpolated = Math.Clamp((pair - low) / Math.Max(high - low, 0.001), 0, 1);
        return frequency * (1 - interpolated + (interpolated / Factor));
    }

    /// <summary>The pair, not whole, that turns a number of times within the original context.</summary>
    private double PairOf(double turns, int dimensions, double theta) =>
        dimensions * Math.Log(OriginalContext / (turns * 2 * Math.PI)) / (2 * Math.Log(theta));
}

/// <summary>
/// Llama 3.1's: long waves are stretched by a factor, short ones stay, with a smooth step between. (transformers,
/// <c>_compute_llama3_parameters</c>)
/// </summary>
/// <param name="Factor">How much longer the context is.</param>
/// <param name="OriginalContext">The context that the model was trained for, in tokens.</param>
/// <param name="LowFrequencyFactor">Waves within the original context up to which a frequency is divided by the factor.</param>
/// <param name="HighFrequencyFactor">Waves within the original context from which a frequency stays.</param>
public sealed record Llama3Scaling(double Factor, int OriginalContext, double LowFrequencyFactor, double HighFrequencyFactor) : RopeScaling
{
    private protected override double Scale(double frequency, int pair, int dimensions, double theta)
    {
        double waves = OriginalContext * frequency / (2 * Math.PI);
        double kept = Math.Clamp((waves - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor), 0, 1);
        return frequency * (kept + ((1 - kept) / Factor));
    }
}

/// <summary>Every pair has a divisor of its own, as GGUF files of Llama 3 have it in <c>rope_freqs.weight</c>.</summary>
/// <param name="Factors">What each pair's frequency is divided by; at least as many as pairs.</param>
public sealed record FrequencyFactors(IReadOnlyList<float> Factors) : RopeScaling
{
    private protected override double Scale(double frequency, int pair, int dimensions, double theta) => frequency / Factors[pair];
}
