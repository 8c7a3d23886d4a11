using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>The attributes that declare something: those of shapes, which are always the same, and those of the policies and traits there are.</summary>
/// <param name="policies">In the order the documentation lists them.</param>
/// <param name="traits">In the order in which they rewrite a program.</param>
internal sealed class Vocabulary(IReadOnlyList<DeclarablePolicy> policies, IReadOnlyList<DeclarableTrait> traits)
{
    private const string Assembly = "SparseInfer.Dsl";

    private readonly HashSet<string> _names =
    [
        .. AttributeNames.Shapes.Concat(policies.Select(policy => policy.AttributeName)).Concat(traits.Select(trait => trait.AttributeName))
            .Select(AttributeNames.Simple),
    ];

    /// <summary>What the attributes are called, without namespace.</summary>
    public IReadOnlyCollection<string> Names => _names;

    /// <summary>Whether a type is an attribute of the vocabulary, and not one that a user put into the same namespace.</summary>
    public bool IsOurs(INamedTypeSymbol? type) =>
        type is { ContainingType: null, ContainingNamespace: { Name: "SparseInfer", ContainingNamespace.IsGlobalNamespace: true } }
        && _names.Contains(type.Name)
        && type.ContainingAssembly?.Name == Assembly;

    /// <summary>The policy that an attribute declares; null where it declares none.</summary>
    public DeclarablePolicy? PolicyOf(DeclaredAttribute attribute) =>
        policies.FirstOrDefault(policy => policy.AttributeName == attribute.MetadataName);

    /// <summary>What a profile can give a policy; null where no policy is called so.</summary>
    /// <param name="name">The attribute as a user writes it.</param>
    public IReadOnlyList<string>? StrengthsOf(string name) => policies.FirstOrDefault(policy => policy.DisplayName == name)?.Strengths;

    /// <summary>The traits that attributes declare, each once and in their own order, whatever the attributes' is.</summary>
    public IEnumerable<DeclaredTrait> TraitsOf(IReadOnlyList<DeclaredAttribute> attributes) =>
        from trait in traits
        let attribute = attributes.FirstOrDefault(attribute => attribute.MetadataName == trait.AttributeName)
        where attribute is not null
        select new DeclaredTrait(attribute, trait);

    /// <summary>The policy of a declaration without one: the fastest that changes no result.</summary>
    public DefaultPolicy DefaultFor(Activation activation) =>
        (from policy in policies
         let spec = policy.DefaultFor(activation)
         where spec is not null
         select new DefaultPolicy(policy, spec)).First();
}

/// <summary>A policy that nobody wrote.</summary>
/// <param name="Spec">What its attribute would say.</param>
internal sealed record DefaultPolicy(DeclarablePolicy Policy, PolicySpec Spec);
