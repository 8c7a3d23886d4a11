using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Policies;

namespace SparseInfer.Generators.Declare;

/// <summary>Metadata names of the attributes that declare a shape. Those of the policies stand with the policies.</summary>
internal static class AttributeNames
{
    public const string DecoderModel = "SparseInfer.DecoderModelAttribute";
    public const string Attention = "SparseInfer.AttentionAttribute";
    public const string FeedForward = "SparseInfer.FeedForwardAttribute";
    public const string RmsNorm = "SparseInfer.RmsNormAttribute";
    public const string LayerNorm = "SparseInfer.LayerNormAttribute";
    public const string Embedding = "SparseInfer.EmbeddingAttribute";
    public const string Weights = "SparseInfer.WeightsAttribute";
    public const string Target = "SparseInfer.TargetAttribute";

    /// <summary>Every attribute of the vocabulary.</summary>
    public static readonly IReadOnlyList<string> All =
    [
        DecoderModel, FeedForward, Attention, RmsNorm, LayerNorm, Embedding, Weights, Target,
        .. PolicyRegistry.All.Select(policy => policy.AttributeName),
    ];

    /// <summary>The assembly that runs models on GPUs.</summary>
    public const string IlgpuRuntime = "SparseInfer.Runtime.Ilgpu";

    private const string Assembly = "SparseInfer.Dsl";

    private static readonly HashSet<string> Names = [.. All.Select(name => name.Substring(name.LastIndexOf('.') + 1))];

    /// <summary>Whether a type is an attribute of the vocabulary, and not one that a user put into the same namespace.</summary>
    public static bool IsOurs(INamedTypeSymbol? type) =>
        type is { ContainingType: null, ContainingNamespace: { Name: "SparseInfer", ContainingNamespace.IsGlobalNamespace: true } }
        && Names.Contains(type.Name)
        && type.ContainingAssembly?.Name == Assembly;
}
