using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Traits.Scales;

/// <summary>Multiplies a slot by a constant.</summary>
internal sealed record Scale(Stage Stage, WorkUnit Unit, Slot Slot, float Factor) : Operation(Stage, Unit, Slot, Slot), ICpuOperation, IIlgpuOperation
{
    public override bool IsElementwise => true;

    public string Statement(CpuRange range) => $"Elementwise.Scale(ref {range.Row(Slot)}, {Literal.Of(Factor)}, {range.From}, {range.To});";

    public string Value(string value, IlgpuElement at) => at.IsQuad ? $"Quad.Scale({value}, {Literal.Of(Factor)})" : $"{value} * {Literal.Of(Factor)}";
}
