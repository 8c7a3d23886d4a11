namespace SparseInfer.Generators.Parse;

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
}
