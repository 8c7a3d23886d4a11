using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// How a head's key, or its value, of one position is stored. Rows of a head's positions lie one after the other; a row is padded with zeros to
/// <see cref="Columns"/>, so that no loop over it has a tail.
/// </summary>
public interface IKeyValueFormat
{
    /// <summary>What a loaded number has to be multiplied by: 1, or the power of two that a format leaves to whoever uses it.</summary>
    static abstract float Unfold { get; }

    /// <summary>A head's dimension, padded to what the format stores: a multiple of 16.</summary>
    /// <param name="headDimension">Length of a key and of a value.</param>
    static abstract int Columns(int headDimension);

    /// <summary>Bytes of so many columns, a multiple of those that <see cref="Columns"/> gives: a row, or the part of it before a column.</summary>
    /// <param name="columns">Padded columns.</param>
    static abstract nint Bytes(int columns);

    /// <summary>Stores a row, padding and all.</summary>
    /// <param name="source">The numbers, as many as the head's dimension; nothing beyond is read.</param>
    /// <param name="row">Where the row begins.</param>
    /// <param name="headDimension">How many.</param>
    static abstract void Store(ref float source, ref byte row, int headDimension);

    /// <summary>Columns <paramref name="column"/> to <paramref name="column"/> + 31 of a row.</summary>
    /// <param name="row">Where the row begins.</param>
    /// <param name="column">A multiple of 32.</param>
    /// <param name="lo">The first 16.</param>
    /// <param name="hi">The last 16.</param>
    static abstract void Load32(ref byte row, int column, out Vector512<float> lo, out Vector512<float> hi);

    /// <summary>Columns <paramref name="column"/> to <paramref name="column"/> + 15, the last of a row that has an odd number of sixteens.</summary>
    /// <param name="row">Where the row begins.</param>
    /// <param name="column">A multiple of 32.</param>
    static abstract Vector512<float> Load16(ref byte row, int column);
}
