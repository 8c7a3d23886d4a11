namespace SparseInfer.Generators.Declare;

/// <summary>Reads how rotary frequencies are scaled.</summary>
internal static class RopeScalingParser
{
    /// <summary>The scaling of a declaration that breaks no rule; null: none is declared.</summary>
    public static RopeScalingSpec? Parse(Declaration declaration) => declaration.RopeScalings.FirstOrDefault() is not { } scaling ? null
        : scaling.MetadataName switch
        {
            AttributeNames.YarnScaling => Yarn(scaling),
            AttributeNames.Llama3Scaling => Llama3(scaling),
            _ => new FrequencyFactorsSpec(),
        };

    private static YarnScalingSpec Yarn(DeclaredAttribute attribute)
    {
        float factor = attribute.Value("Factor", 0f);
        return new(
            factor,
            attribute.Value("OriginalContext", 0),
            attribute.Value("BetaFast", 32f),
            attribute.Value("BetaSlow", 1f),
            attribute.Value("AttentionFactor", 0f) is var given and not 0f ? given : (float)((0.1 * Math.Log(factor)) + 1));
    }

    private static Llama3ScalingSpec Llama3(DeclaredAttribute attribute) => new(
        attribute.Value("Factor", 0f),
        attribute.Value("OriginalContext", 0),
        attribute.Value("LowFrequencyFactor", 1f),
        attribute.Value("HighFrequencyFactor", 4f));
}
