using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>
/// An operation that a trait brings along, and that says itself how GPUs compute it, as <c>ICpuOperation</c> does for CPUs: elementwise, in a
/// layer over columns of the residual stream or of what is added to it, after the head over words.
/// </summary>
internal interface IIlgpuOperation
{
    /// <summary>What becomes of a value, as an expression of C#.</summary>
    /// <param name="value">The value: a variable.</param>
    string Value(string value, IlgpuElement at);
}

/// <summary>What an elementwise operation is asked for.</summary>
/// <param name="IsQuad">Whether the value is a <c>Float4</c> of four columns, as in kernels that end in a sum; else it is one element.</param>
/// <param name="Vector">The same elements of a vector from the file, as C#.</param>
internal sealed record IlgpuElement(bool IsQuad, Func<Tensor, string> Vector);
