namespace SparseInfer.Kernels.Ilgpu;

/// <summary>What tells the block types of four, five and six bits apart: see <see cref="QuantFormat{T}"/>. Constants, for kernels are compiled for each type.</summary>
public interface IQuantFacts
{
    /// <summary>Bits of a quant above its lower four: 0 to 2.</summary>
    static abstract int HighBits { get; }

    /// <summary>What each quant has too much.</summary>
    static abstract int Excess { get; }

    /// <summary>Whether a minimum is taken off.</summary>
    static abstract bool HasMinimum { get; }

    /// <summary>Whether blocks of 256 share their halves, and parts of them have integers that those are multiplied with; else 32 weights have halves of their own.</summary>
    static abstract bool HasIntegers { get; }

    /// <summary>Whether 16 weights have a scale of their own; else 32 have.</summary>
    static abstract bool IsSplit { get; }
}
