using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Loading;

/// <summary>
/// Reads the numbers of a rotary scaling that is not linear. Meanings: llama.cpp, <c>llama_context</c> and <c>ggml_rope_yarn_corr_dims</c>; Hugging
/// Face transformers, <c>modeling_rope_utils.py</c>. Where they differ, Hugging Face's is taken: llama.cpp drops YaRN's betas in most architectures,
/// and its attention factor in all.
/// </summary>
/// <param name="metadata">The file's.</param>
/// <param name="facts">What is known by now; gets what is wrong.</param>
/// <param name="prefixes">What the keys may begin with.</param>
/// <param name="isIgnored">Whether a key is left out on request.</param>
internal sealed class ScalingReader(ModelMetadata metadata, ModelFacts facts, IReadOnlyList<string> prefixes, Predicate<string> isIgnored)
{
    /// <summary>YaRN's; null: a number is missing or wrong.</summary>
    /// <param name="text">The key that names it, as a sentence begins.</param>
    public YarnScaling? Yarn(string text)
    {
        if (Factor(text) is not { } factor || OriginalContext(text) is not { } original)
        {
            return null;
        }

        if (Number("yarn_ext_factor", "extrapolation_factor") is not (null or < 0 or 1))
        {
            facts.Problems.Add($"{text} with an extrapolation factor other than 1, which cannot be declared");
        }

        if (Key("truncate") is { } truncate && MetadataValue.Read(metadata, truncate).Flag == false)
        {
            facts.Problems.Add($"{FileText.Quote(truncate)} is false: the ramp's ends are no whole pairs, which cannot be declared");
        }

        return new YarnScaling(factor, original, Number("yarn_beta_fast", "beta_fast") ?? 32, Number("yarn_beta_slow", "beta_slow") ?? 1, AttentionFactor(factor));
    }

    /// <summary>Llama 3's; null: a number is missing or wrong.</summary>
    /// <param name="text">The key that names it, as a sentence begins.</param>
    public Llama3Scaling? Llama3(string text) => Factor(text) is { } factor && OriginalContext(text) is { } original
        ? new Llama3Scaling(factor, original, Number("low_freq_factor") ?? 1, Number("high_freq_factor") ?? 4)
        : null;

    private double AttentionFactor(double factor)
    {
        if (Number("yarn_attn_factor", "attention_factor") is { } stated)
        {
            return stated;
        }

        // GGUF files say the logarithm's factor in the divisor only; the dividend's is 1.
        double? all = Number("yarn_log_multiplier", "mscale_all_dim");
        double? own = Number("mscale") ?? (Key("yarn_log_multiplier") is null ? null : 1);
        return all is not (null or 0) && own is not (null or 0) ? Scale(own.Value) / Scale(all.Value) : YarnScaling.UsualAttentionFactor(factor);

        double Scale(double weight) => factor <= 1 ? 1 : (0.1 * weight * Math.Log(factor)) + 1;
    }

    private double? Factor(string text) => Needed(text, Number("factor"), "factor");

    private int? OriginalContext(string text) => (int?)Needed(
        text, Number("original_context_length", "original_max_position_embeddings") ?? facts.First(Fact.Context), "original context");

    private double? Needed(string text, double? value, string what)
    {
        if (value is not (>= 1 and <= int.MaxValue))
        {
            facts.Problems.Add($"{text}, but there is no {what} of at least 1");
            return null;
        }

        return value;
    }

    private double? Number(params ReadOnlySpan<string> names)
    {
        if (Key(names) is not { } key)
        {
            return null;
        }

        MetadataValue value = MetadataValue.Read(metadata, key);
        if (value.Number is null)
        {
            facts.Problems.Add($"{FileText.Quote(key)} is {value.Shown}, but must be a number");
        }

        return value.Number;
    }

    private string? Key(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            foreach (string prefix in prefixes)
            {
                if (metadata.Describe(prefix + name) is not null && !isIgnored(prefix + name))
                {
                    return prefix + name;
                }
            }
        }

        return null;
    }
}
