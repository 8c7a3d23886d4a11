using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Traits.ParallelAttention;

/// <summary>Attention and feed-forward read norms of the same residual stream (Falcon).</summary>
internal sealed class ParallelAttentionTrait : ModelTrait
{
    public override string AttributeName => "SparseInfer.ParallelAttentionAttribute";

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new ParallelAttentionRule()];

    public override TraitSpec Parse(DeclaredAttribute attribute) => new ParallelAttentionSpec(attribute.Value("Norms", 1));
}

internal sealed record ParallelAttentionSpec(int Norms) : TraitSpec, IProgramTrait
{
    public override string Describe() => $"attention and feed-forward in parallel, {(Norms == 1 ? "of one norm" : "each of its own norm")}";

    public override IEnumerable<TraitNumber> Numbers => [new("ParallelAttention", "Norms", Norms)];

    /// <summary>
    /// The feed-forward's norm is taken before attention is added, which is all that differs. In files the only norm, or the feed-forward's of two,
    /// is called as attention's is elsewhere.
    /// </summary>
    public ModelProgram Apply(ModelProgram program, ModelSpec spec)
    {
        Norm ofAttention = program.Layer.OfType<Norm>().Single(norm => norm.Stage == Stage.Heads);
        Norm ofFeedForward = program.Layer.OfType<Norm>().Single(norm => norm.Stage == Stage.FeedForward);
        Norm input = Norms == 1
            ? ofAttention with { Stage = Stage.FeedForward }
            : Called(ofFeedForward, "attn_norm", "ln_mlp");
        return program with
        {
            Layer = [.. program.Layer.SelectMany(operation => operation switch
            {
                _ when operation == ofAttention => Norms == 1 ? [ofAttention] : [Called(ofAttention, "attn_norm_2", "ln_attn")],
                _ when operation == ofFeedForward => [],
                AddResidual { Stage: Stage.Output } add => [input, add with { Stage = Stage.FeedForward }],
                _ => new[] { operation },
            })],
        };
    }

    private static Norm Called(Norm norm, string gguf, string huggingFace)
    {
        Tensor weight = Tensor.OfLayer(TensorRole.NormWeight, norm.Weight.Field, gguf, huggingFace, norm.Weight.Rows);
        return norm with { Weight = weight, Bias = norm.Bias is null ? null : weight.Bias(TensorRole.NormBias) };
    }
}
