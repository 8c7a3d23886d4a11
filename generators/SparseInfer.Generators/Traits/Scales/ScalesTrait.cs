using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Traits.Scales;

/// <summary>What attention and feed-forward add is multiplied by a constant, and so are the logits (MiniCPM, Granite).</summary>
internal sealed class ScalesTrait : ModelTrait
{
    public override string AttributeName => "SparseInfer.ScalesAttribute";

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new ScalesRule()];

    public override TraitSpec Parse(DeclaredAttribute attribute) => new ScalesSpec(attribute.Value("Residual", 1f), attribute.Value("Logits", 1f));
}

internal sealed record ScalesSpec(float Residual, float Logits) : TraitSpec, IProgramTrait
{
    public override string Describe() => $"what layers add times {Literal.Of(Residual)}, logits times {Literal.Of(Logits)}";

    public override IEnumerable<TraitNumber> Numbers =>
        new[] { new TraitNumber("Scales", "Residual", Residual), new TraitNumber("Scales", "Logits", Logits) }.Where(number => number.Value != 1f);

    public ModelProgram Apply(ModelProgram program, ModelSpec spec) => program with
    {
        Layer = [.. program.Layer.SelectMany(operation => operation is AddResidual add && Residual != 1f
            ? [new Scale(add.Stage, WorkUnit.Column, Slot.Projected, Residual), add]
            : new[] { operation })],
        AfterHead = Logits == 1f ? program.AfterHead : [.. program.AfterHead, new Scale(Stage.Logits, WorkUnit.Word, Slot.Logits, Logits)],
    };
}
