using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>How rotary frequencies are scaled, with every default filled in.</summary>
internal abstract record RopeScalingSpec
{
    /// <summary>What the kernels' library has for it, in <c>SparseInfer.Kernels.Cpu</c>.</summary>
    public abstract string Type { get; }

    /// <summary>The arguments that make it.</summary>
    public abstract string Arguments { get; }

    /// <summary>For people.</summary>
    public abstract string Describe();
}

internal sealed record YarnScalingSpec(float Factor, int OriginalContext, float BetaFast, float BetaSlow, float AttentionFactor) : RopeScalingSpec
{
    public override string Type => "YarnScaling";

    public override string Arguments =>
        $"Factor: {Literal.Of(Factor)}, OriginalContext: {OriginalContext}, BetaFast: {Literal.Of(BetaFast)}, BetaSlow: {Literal.Of(BetaSlow)}, "
        + $"AttentionFactor: {Literal.Of(AttentionFactor)}";

    public override string Describe() => $"YaRN, {Literal.Shortest(Factor)} times {OriginalContext}";
}

internal sealed record Llama3ScalingSpec(float Factor, int OriginalContext, float LowFrequencyFactor, float HighFrequencyFactor) : RopeScalingSpec
{
    public override string Type => "Llama3Scaling";

    public override string Arguments =>
        $"Factor: {Literal.Of(Factor)}, OriginalContext: {OriginalContext}, LowFrequencyFactor: {Literal.Of(LowFrequencyFactor)}, "
        + $"HighFrequencyFactor: {Literal.Of(HighFrequencyFactor)}";

    public override string Describe() => $"Llama 3's scaling, {Literal.Shortest(Factor)} times {OriginalContext}";
}

/// <summary>The factors are a tensor of the file.</summary>
internal sealed record FrequencyFactorsSpec : RopeScalingSpec
{
    public override string Type => "FrequencyFactors";

    public override string Arguments => "";

    public override string Describe() => "a factor for each pair";
}
