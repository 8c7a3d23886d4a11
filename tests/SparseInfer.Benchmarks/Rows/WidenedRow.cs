using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>
/// A row of weights as floats, by what is at hand: the base library where it converts the type, else this project's decoder.
/// </summary>
internal static class WidenedRow
{
    /// <param name="row">A row's bytes, as a file has them.</param>
    /// <param name="buffer">Room for its floats.</param>
    /// <returns>The buffer; the row itself where it is floats already.</returns>
    public static ReadOnlySpan<float> Of<T>(ReadOnlySpan<byte> row, Span<float> buffer)
        where T : IWeightFormat
    {
        if (typeof(T) == typeof(F32))
        {
            return MemoryMarshal.Cast<byte, float>(row);
        }

        if (typeof(T) == typeof(F16))
        {
            TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(row), buffer);
        }
        else
        {
            WeightConversion.Decode<T>(row, buffer);
        }

        return buffer;
    }
}
