using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Policies.HeadSparsity;

/// <summary>A bias is the router's.</summary>
internal sealed class HeadSparsityBiasRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0079",
        "HeadSparsity has a bias and no router",
        "Bias of [HeadSparsity] is of its router, and there is none; write 'Router = true', or remove 'Bias'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0079.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration) =>
        from policy in declaration.Policies
        where policy.Policy is HeadSparsityPolicy && policy.Attribute.IsSet("Bias") && !policy.Attribute.Value("Router", false)
        group policy.Attribute by policy.Attribute.Syntax into layers
        select new Violation(layers.First().LocationOf("Bias"));
}
