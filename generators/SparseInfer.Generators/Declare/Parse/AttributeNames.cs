namespace SparseInfer.Generators.Declare;

/// <summary>Metadata names of the attributes that declare a shape. Those of the policies stand with the policies.</summary>
internal static class AttributeNames
{
    public const string DecoderModel = "SparseInfer.DecoderModelAttribute";
    public const string Attention = "SparseInfer.AttentionAttribute";
    public const string YarnScaling = "SparseInfer.YarnScalingAttribute";
    public const string Llama3Scaling = "SparseInfer.Llama3ScalingAttribute";
    public const string FrequencyFactors = "SparseInfer.FrequencyFactorsAttribute";
    public const string FeedForward = "SparseInfer.FeedForwardAttribute";
    public const string Experts = "SparseInfer.ExpertsAttribute";
    public const string RmsNorm = "SparseInfer.RmsNormAttribute";
    public const string LayerNorm = "SparseInfer.LayerNormAttribute";
    public const string Embedding = "SparseInfer.EmbeddingAttribute";
    public const string SlidingWindow = "SparseInfer.SlidingWindowAttribute";
    public const string NoRope = "SparseInfer.NoRopeAttribute";
    public const string Weights = "SparseInfer.WeightsAttribute";
    public const string SparsityProfile = "SparseInfer.SparsityProfileAttribute";
    public const string Target = "SparseInfer.TargetAttribute";

    /// <summary>Every attribute that declares a shape.</summary>
    public static readonly IReadOnlyList<string> Shapes =
        [DecoderModel, FeedForward, Experts, Attention, YarnScaling, Llama3Scaling, FrequencyFactors, RmsNorm, LayerNorm, Embedding, Weights, Target, SlidingWindow, NoRope, SparsityProfile];

    /// <summary>The assembly that runs models on GPUs.</summary>
    public const string IlgpuRuntime = "SparseInfer.Runtime.Ilgpu";

    private const string Suffix = "Attribute";

    /// <summary>The name of the type alone: <c>WeightsAttribute</c>.</summary>
    public static string Simple(string metadataName) => metadataName.Substring(metadataName.LastIndexOf('.') + 1);

    /// <summary>As a user writes it, without the suffix: <c>Weights</c>.</summary>
    public static string Display(string metadataName) => Simple(metadataName).Replace(Suffix, "");
}
