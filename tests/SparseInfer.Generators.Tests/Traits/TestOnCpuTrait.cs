using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Tests.Traits;

/// <summary>A trait of the tests' own that only CPUs compute: the stream is negated after attention.</summary>
internal sealed class TestOnCpuTrait : ModelTrait
{
    public const string Attribute = """
        namespace SparseInfer;

        /// <summary>The residual stream is negated.</summary>
        [System.AttributeUsage(System.AttributeTargets.Class, Inherited = false)]
        public sealed class TestOnCpuAttribute : System.Attribute;
        """;

    public override string AttributeName => "SparseInfer.TestOnCpuAttribute";

    public override TraitSpec Parse(DeclaredAttribute attribute) => new TestOnCpuSpec();
}

internal sealed record TestOnCpuSpec : TraitSpec, IProgramTrait
{
    public override string Describe() => "the residual stream is negated after attention";

    public ModelProgram Apply(ModelProgram program, ModelSpec spec) => program with
    {
        Layer = [.. program.Layer.SelectMany(operation => operation is AddResidual { Stage: Stage.Output } ? [operation, new TestNegate()] : new[] { operation })],
    };
}

internal sealed record TestNegate() : Operation(Stage.Output, WorkUnit.Column, Slot.Residual, Slot.Residual), ICpuOperation
{
    public override bool IsElementwise => true;

    public string Statement(CpuRange range) => $"Elementwise.Scale(ref {range.Row(Slot.Residual)}, -1f, {range.From}, {range.To});";
}
