namespace SparseInfer.Loading;

/// <summary>
/// <c>[Scales]</c>: what MiniCPM and Granite multiply what layers add, and logits, by. Sources: llama.cpp, <c>src/models/granite.cpp</c>, whose graph
/// both have, and <c>conversion/minicpm.py</c>; Hugging Face's <c>modeling_minicpm.py</c> and <c>modeling_granite.py</c>.
/// </summary>
internal static class ScalesKeys
{
    private static readonly TraitFact Residual = new("Scales", "Residual", 1);

    private static readonly TraitFact Logits = new("Scales", "Logits", 1);

    public static TraitKeys All { get; } = new("Scales")
    {
        Facts = [Residual, Logits],
        Gguf = new Dictionary<string, KeyRule>
        {
            ["residual_scale"] = KeyRule.States(Residual, (_, scale) => scale == 0 ? 1 : scale), // llama.cpp: 0 is no scale
            ["logit_scale"] = KeyRule.States(Logits, (_, scale) => 1 / scale),
        },
        Written = new Dictionary<TraitFact, (string Key, Func<double, double> Value)>
        {
            [Residual] = ("residual_scale", scale => scale),
            [Logits] = ("logit_scale", scale => 1 / scale),
        },
        Config = new Dictionary<string, KeyRule>
        {
            ["residual_multiplier"] = KeyRule.States(Residual),
            ["logits_scaling"] = KeyRule.States(Logits, (_, scale) => 1 / scale),
            ["scale_depth"] = KeyRule.States(Residual, (facts, depth) => depth / Math.Sqrt(facts.First(Fact.Layers) ?? double.NaN)),
            ["dim_model_base"] = KeyRule.States(Logits, (facts, size) => size / (facts.First(Fact.Hidden) ?? double.NaN)),
        },
    };
}
