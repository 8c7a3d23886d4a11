using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Tests.Traits;

/// <summary>A trait of the tests' own with tensors of its own: what each block adds has a vector of each layer added, the logits one of the model.</summary>
internal sealed class TestShiftTrait : ModelTrait
{
    public const string Attribute = """
        namespace SparseInfer;

        /// <summary>Vectors that are added.</summary>
        [System.AttributeUsage(System.AttributeTargets.Class, Inherited = false)]
        public sealed class TestShiftAttribute : System.Attribute;
        """;

    public override string AttributeName => "SparseInfer.TestShiftAttribute";

    public override TraitSpec Parse(DeclaredAttribute attribute) => new TestShiftSpec();
}

internal sealed record TestShiftSpec : TraitSpec, IProgramTrait
{
    public override string Describe() => "vectors are added to what blocks add, and to logits";

    public ModelProgram Apply(ModelProgram program, ModelSpec spec)
    {
        var sizes = Dimensions.Of(spec);
        var ofLogits = new Tensor(TensorRole.Bias, "LogitShift", "output_shift.weight", "lm_head.shift.weight", sizes.Vocabulary);
        return program with
        {
            Layer = [.. program.Layer.SelectMany(operation => operation is AddResidual add
                ? [new TestShift(add.Stage, WorkUnit.Column, Slot.Projected, OfLayer(add.Stage)), operation]
                : new[] { operation })],
            AfterHead = [.. program.AfterHead, new TestShift(Stage.Logits, WorkUnit.Word, Slot.Logits, ofLogits)],
        };

        Tensor OfLayer(Stage stage)
        {
            string name = stage == Stage.Output ? "attn_shift" : "ffn_shift";
            return Tensor.OfLayer(TensorRole.Bias, stage == Stage.Output ? "Shift" : "NeuronShift", name, name, sizes.Hidden);
        }
    }
}

/// <summary>Adds a vector.</summary>
internal sealed record TestShift(Stage Stage, WorkUnit Unit, Slot Slot, Tensor Vector) : Operation(Stage, Unit, Slot, Slot), ICpuOperation, IIlgpuOperation
{
    public override bool IsElementwise => true;

    public override IEnumerable<Tensor> Tensors => [Vector];

    public string Statement(CpuRange range)
    {
        string end = Unit == WorkUnit.Column ? $"Math.Min({range.To}, Hidden)" : range.To;
        return $"Elementwise.Add(ref {range.Row(Slot)}, ref {range.Vector(Vector)}, {range.From}, {end});";
    }

    public string Value(string value, IlgpuElement at) =>
        at.IsQuad ? $"Quad.Add({value}, {at.Vector(Vector)})" : $"{value} + {at.Vector(Vector)}";
}
