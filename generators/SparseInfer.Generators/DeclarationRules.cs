using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;

namespace SparseInfer.Generators;

/// <summary>All rules, those of the backends, the policies and the traits included, by id.</summary>
internal static class DeclarationRules
{
    public static readonly IReadOnlyList<DeclarationRule> All =
    [
        .. new DeclarationRule[]
        {
            new TypeNotPartialRule(),
            new ContainingTypeNotPartialRule(),
            new GenericDeclarationRule(),
            new ModelTypeKindRule(),
            new StrayAttributeRule(),
            new MissingAttributeRule(),
            new TwoNormsRule(),
            new LayerPropertyRule(),
            new SizeNotPositiveRule(),
            new SizeTooLargeRule(),
            new KeyValueHeadsRule(),
            new HeadsDoNotDivideHiddenRule(),
            new RopeDimensionsRule(),
            new HeadNormRule(),
            new AttentionLayersRule(),
            new LearnedPositionsRule(),
            new NumberNotPositiveRule(),
            new DReluNotGatedRule(),
            new ThresholdWithoutFatReluRule(),
            new FatReluThresholdRule(),
            new HiddenDeclaredTwiceRule(),
            new WeightTypesRule(),
            new WeightBlockRule(),
            new UndefinedEnumValueRule(),
            new LayerRangeSyntaxRule(),
            new LayerRangePastEndRule(),
            new LayerRangeOverlapRule(),
            new LayerGapRule(),
            new LayersOnPropertyRule(),
            new TwoPoliciesOnPropertyRule(),
            new FileLocalRule(),
            new UnknownTargetRule(),
            new TargetTooSmallRule(),
            new UnusualNumberRule(),
            new TakenNameRule(),
            new LanguageVersionRule(),
            new HiddenTypeRule(),
            new RopeScalingRule(),
            new ActiveExpertsRule(),
            new ExpertBiasesRule(),
            new SparsityRule(),
            new PredictorOnCutRule(),
            new WeightRolesRule(),
            new WeightRoleRule(),
            new ProfileMissingRule(),
            new ProfileUnreadableRule(),
            new ProfileModelRule(),
            new ProfileLacksRule(),
            new ProfileUnusedRule(),
        }
        .Concat(PolicyRegistry.All.SelectMany(policy => policy.Rules))
        .Concat(TraitRegistry.All.SelectMany(trait => trait.Rules))
        .OrderBy(rule => rule.Descriptor.Id, System.StringComparer.Ordinal),
    ];

    /// <summary>What can be reported, by id: the rules, that the generator failed, and what it cannot do.</summary>
    public static readonly IReadOnlyDictionary<string, DiagnosticDescriptor> Descriptors =
        All.Select(rule => rule.Descriptor).Append(GeneratorFault.Descriptor).Append(GeneratorLimit.Descriptor)
            .OrderBy(descriptor => descriptor.Id, System.StringComparer.Ordinal).ToDictionary(descriptor => descriptor.Id);
}
