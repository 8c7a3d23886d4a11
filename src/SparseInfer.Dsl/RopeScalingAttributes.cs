namespace SparseInfer;

/// <summary>
/// Declares YaRN (arXiv 2309.00071): rotary frequencies of a model that was stretched over a longer context. Pairs that turn often within the
/// original context keep theirs, pairs that turn rarely have it divided by <see cref="Factor"/>.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class YarnScalingAttribute : Attribute
{
    /// <summary>How much longer the context is; more than 1. Required.</summary>
    public float Factor { get; set; }

    /// <summary>The context that the model was trained for, in tokens. Required.</summary>
    public int OriginalContext { get; set; }

    /// <summary>Turns within the original context from which a pair keeps its frequency.</summary>
    public float BetaFast { get; set; } = 32f;

    /// <summary>Turns within the original context up to which a pair's frequency is divided by the whole factor.</summary>
    public float BetaSlow { get; set; } = 1f;

    /// <summary>What rotated queries and keys are multiplied by. 0, the default: the paper's, <c>0.1 ln(Factor) + 1</c>.</summary>
    public float AttentionFactor { get; set; }
}

/// <summary>
/// Declares the rotary scaling of Llama 3.1: long waves are stretched by <see cref="Factor"/>, short ones stay. GGUF files have it worked out, as
/// <c>rope_freqs.weight</c>, which must agree.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class Llama3ScalingAttribute : Attribute
{
    /// <summary>How much longer the context is; more than 1. Required.</summary>
    public float Factor { get; set; }

    /// <summary>The context that the model was trained for, in tokens. Required.</summary>
    public int OriginalContext { get; set; }

    /// <summary>Waves within the original context up to which a frequency is divided by the whole factor.</summary>
    public float LowFrequencyFactor { get; set; } = 1f;

    /// <summary>Waves within the original context from which a frequency stays; more than <see cref="LowFrequencyFactor"/>.</summary>
    public float HighFrequencyFactor { get; set; } = 4f;
}

/// <summary>
/// Declares that every rotary frequency is divided by a factor of its own, which the file has: <c>rope_freqs.weight</c>, half as many numbers as
/// rotated dimensions. GGUF files of Llama 3 are like this.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class FrequencyFactorsAttribute : Attribute;
