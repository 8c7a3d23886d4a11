using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>Reads a <c>[DecoderModel]</c> class.</summary>
internal static class ModelParser
{
    /// <summary>The model of a declaration that breaks no rule, with every default filled in; null where it declares none.</summary>
    public static ModelSpec? Read(Declaration declaration)
    {
        // Two parts that both carry the attribute would both be generated, under one name. The compiler reports the second.
        if (declaration.Type is not { } type || IsThereTwice(declaration) ||
            declaration is not { DecoderModel: not null, Attention: { } attention, FeedForward: { } feedForward, Weights: not null })
        {
            return null;
        }

        return new ModelSpec(
            TargetParser.Parse(type),
            declaration.Layers,
            declaration.Vocabulary,
            declaration.Context,
            FeedForwardParser.Parse(declaration, feedForward),
            ParseAttention(declaration, attention),
            declaration.LayerNorm is { } layerNorm ? ParseNorm(NormKind.Layer, layerNorm) : ParseNorm(NormKind.Rms, declaration.RmsNorm!),
            new EmbeddingSpec(declaration.Embedding?.Value("Tied", false) ?? false, declaration.Embedding?.Value("Scale", 1f) ?? 1f)
            {
                LearnedPositions = declaration.LearnedPositions,
                PositionOffset = declaration.Embedding?.Value("PositionOffset", 0) ?? 0,
            },
            ParseNeuronPolicies(declaration).ToEquatableArray(),
            WeightsParser.All(declaration),
            declaration.Device)
        {
            WeightsByRole = WeightsParser.ByRole(declaration),
            Experts = declaration.Experts is { } experts ? ParseExperts(experts) : null,
            SitePolicies = declaration.Policies.Select(policy => policy.Policy.Site).Where(site => site != PolicySite.Neurons)
                .Distinct().OrderBy(site => site).SelectMany(site => ParsePolicies(declaration, site)).ToEquatableArray(),
            Traits = declaration.Traits.Select(trait => trait.Trait.Parse(trait.Attribute)).ToEquatableArray(),
            Creator = ModelMembers.FreeName(type, "CreateProgram"),
        };
    }

    public static bool IsThereTwice(Declaration declaration) =>
        declaration.Attributes.Count(attribute => attribute.MetadataName == AttributeNames.DecoderModel) > 1;

    private static AttentionSpec ParseAttention(Declaration declaration, DeclaredAttribute attribute) => new(
        declaration.Heads,
        declaration.KeyValueHeads,
        declaration.HeadDimension,
        attribute.Value("RopeTheta", 10000f),
        attribute.Value("RopeScaling", 1f),
        !declaration.IsRotated ? 0 : attribute.Value("RopeDimensions", 0) is var rotated and not 0 ? rotated : declaration.HeadDimension,
        attribute.Value("RopePairing", RopePairing.Interleaved),
        attribute.Value("QueryKeyValueBiases", false),
        attribute.Value("OutputBias", false),
        attribute.Value("QueryKeyNorms", false))
    {
        // A window that is no shorter than the context hides nothing.
        Windows = declaration.Windows.Select(window => new AttentionWindow(window.Attribute.Value("Window", 0), window.Pattern()))
            .Where(window => window.Window < declaration.Context).OrderBy(window => window.Layers.Runs[0].First).ToEquatableArray(),
        Unrotated = declaration.IsRotated ? declaration.NoRope?.Pattern() : null,
        Scaling = RopeScalingParser.Parse(declaration),
    };

    private static ExpertsSpec ParseExperts(DeclaredAttribute attribute) => new(
        attribute.Value("Count", 0),
        attribute.Value("Active", 0),
        attribute.Value("Gating", ExpertGating.Softmax),
        attribute.Value("Router", RouterInput.FeedForward));

    private static NormSpec ParseNorm(NormKind kind, DeclaredAttribute attribute) => new(kind, attribute.Value("Epsilon", 1e-5f));

    private static List<LayerPolicy> ParseNeuronPolicies(Declaration declaration)
    {
        List<LayerPolicy> policies = ParsePolicies(declaration, PolicySite.Neurons);
        if (policies.Count == 0)
        {
            policies.Add(new LayerPolicy(0, declaration.Layers - 1, declaration.DefaultPolicy.Spec));
        }

        return policies;
    }

    /// <summary>Sorted; neighbours with one policy are one entry, however the user cut them, so that equal models are equal.</summary>
    private static List<LayerPolicy> ParsePolicies(Declaration declaration, PolicySite site)
    {
        var policies = new List<LayerPolicy>();
        foreach (var (policy, range) in LayerCoverage.Of(declaration, site).Pieces.OrderBy(piece => piece.Range.First))
        {
            PolicySpec spec = policy.Policy.Parse(policy.Attribute);
            if (policies.LastOrDefault() is { } last && last.Last == range.First - 1 && last.Policy.Equals(spec))
            {
                policies[policies.Count - 1] = last with { Last = range.Last };
            }
            else
            {
                policies.Add(new LayerPolicy(range.First, range.Last, spec));
            }
        }

        return policies;
    }
}
