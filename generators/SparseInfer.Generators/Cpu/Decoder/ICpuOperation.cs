using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Cpu;

/// <summary>
/// An operation that a trait brings along, and that says itself how CPUs compute it. It is elementwise: in a layer over columns of the residual
/// stream or of what is added to it, after the head over words.
/// </summary>
internal interface ICpuOperation
{
    /// <summary>A token's elements in a range, as a statement of C#.</summary>
    string Statement(CpuRange range);
}

/// <summary>A worker's elements of a token.</summary>
/// <param name="Row">Where element 0 of a slot is, as C# that <c>ref</c> may precede.</param>
/// <param name="Vector">The first element of a vector from the file, as C# that <c>ref</c> may precede.</param>
/// <param name="From">The first element, as C#.</param>
/// <param name="To">The end, as C#.</param>
internal sealed record CpuRange(Func<Slot, string> Row, Func<Tensor, string> Vector, string From, string To);
