using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.LowRank;

/// <summary>What a predictor was trained on is said: files do not have it, and nothing tells a wrong guess from a bad predictor.</summary>
internal sealed class LowRankInputRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0057",
        "Input of LowRankPredictor is not declared",
        "Input of [LowRankPredictor] is {0}; write 'Input = PredictorInput.Residual' for PowerInfer's files, "
            + "or 'Input = PredictorInput.Normed' where the predictor reads what the feed-forward reads",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0057.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is LowRankPolicy
        let input = policy.Attribute.Value("Input", 0)
        where !Enum.IsDefined(typeof(PredictorInput), input)
        select new Violation(policy.Attribute.LocationOf("Input"), policy.Attribute.IsSet("Input") ? Show(input) : "not set");
}
