using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Traits.SubNorms;

/// <summary>Norms before attention's output projection and before down (BitNet).</summary>
internal sealed class SubNormsTrait : ModelTrait
{
    public override string AttributeName => "SparseInfer.SubNormsAttribute";

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new SubNormsRule()];

    public override TraitSpec Parse(DeclaredAttribute attribute) => new SubNormsSpec();
}

internal sealed record SubNormsSpec : TraitSpec, IProgramTrait
{
    public override string Describe() => "norms before attention's output projection and before down";

    public override IEnumerable<TraitNumber> Numbers => [new("SubNorms", "", 1)];

    public ModelProgram Apply(ModelProgram program, ModelSpec spec)
    {
        var sizes = Dimensions.Of(spec);
        Tensor ofAttention = Tensor.OfLayer(TensorRole.NormWeight, "AttentionSubNorm", "attn_sub_norm", "self_attn.attn_sub_norm", sizes.QueryWidth);
        Tensor ofFeedForward = Tensor.OfLayer(TensorRole.NormWeight, "FeedForwardSubNorm", "ffn_sub_norm", "mlp.ffn_sub_norm", sizes.Intermediate);
        return program with
        {
            Layer = [.. program.Layer.SelectMany(operation => operation switch
            {
                Project { Stage: Stage.Output } project =>
                    [new NormAttended(ofAttention), new Project(project.Stage, project.Unit, project.Matrix, Slot.Normed, project.To)],
                Down => [new SumSquares(), new NormNeurons(ofFeedForward), operation],
                _ => new[] { operation },
            })],
        };
    }
}
