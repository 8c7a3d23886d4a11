using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Tests.Traits;

/// <summary>A trait of the tests' own: what each block adds is multiplied, and so are the logits (MiniCPM, Granite).</summary>
internal sealed class TestScalesTrait : ModelTrait
{
    public const string Attribute = """
        namespace SparseInfer;

        /// <summary>Scales of residuals and logits.</summary>
        [System.AttributeUsage(System.AttributeTargets.Class, Inherited = false)]
        public sealed class TestScalesAttribute : System.Attribute
        {
            /// <summary>What each block adds is multiplied by this.</summary>
            public float Residual { get; set; } = 1f;

            /// <summary>Logits are multiplied by this.</summary>
            public float Logits { get; set; } = 1f;
        }
        """;

    public override string AttributeName => "SparseInfer.TestScalesAttribute";

    public override IReadOnlyList<DeclarationRule> Rules { get; } = [new PositiveRule()];

    public override TraitSpec Parse(DeclaredAttribute attribute) => new TestScalesSpec(attribute.Value("Residual", 1f), attribute.Value("Logits", 1f));

    private sealed class PositiveRule : DeclarationRule
    {
        public override DiagnosticDescriptor Descriptor { get; } = new(
            "SPI9001", "Scale is not positive", "Residual of [TestScales] is {0}", Category, DiagnosticSeverity.Error, isEnabledByDefault: true);

        public override IEnumerable<Violation> Check(Declaration declaration) =>
            from trait in declaration.Traits
            where trait.Trait is TestScalesTrait && trait.Attribute.Value("Residual", 1f) is not (> 0f and <= float.MaxValue)
            select new Violation(trait.Attribute.LocationOf("Residual"), trait.Attribute.Decimal("Residual", ""));
    }
}

internal sealed record TestScalesSpec(float Residual, float Logits) : TraitSpec, IProgramTrait
{
    public override string Describe() => $"residuals times {Literal.Of(Residual)}, logits times {Literal.Of(Logits)}";

    public ModelProgram Apply(ModelProgram program, ModelSpec spec) => program with
    {
        Layer = [.. program.Layer.SelectMany(operation => operation is AddResidual add
            ? [new TestScale(add.Stage, WorkUnit.Column, Slot.Projected, Residual), add]
            : new[] { operation })],
        AfterHead = [.. program.AfterHead, new TestScale(Stage.Logits, WorkUnit.Word, Slot.Logits, Logits)],
    };
}

/// <summary>Multiplies by a constant.</summary>
internal sealed record TestScale(Stage Stage, WorkUnit Unit, Slot Slot, float Factor) : Operation(Stage, Unit, Slot, Slot), ICpuOperation, IIlgpuOperation
{
    public override bool IsElementwise => true;

    public string Statement(CpuRange range) => $"Elementwise.Scale(ref {range.Row(Slot)}, {Literal.Of(Factor)}, {range.From}, {range.To});";

    public string Value(string value, IlgpuElement at) =>
        at.IsQuad ? $"Quad.Scale({value}, {Literal.Of(Factor)})" : $"{value} * {Literal.Of(Factor)}";
}
