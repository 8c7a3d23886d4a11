using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A prepared weight matrix, row by row in one format, over memory it does not own: a <see cref="NativeBuffer"/>, or a mapped file.
/// Columns between <see cref="Columns"/> and <see cref="PaddedColumns"/> hold zeros, so that kernels need no tails.
/// </summary>
public readonly unsafe struct WeightMatrix
{
    private readonly byte* _address;

    private WeightMatrix(byte* address, int rows, int columns, nint stride)
    {
        _address = address;
        Rows = rows;
        Columns = columns;
        Stride = stride;
    }

    /// <summary>Number of rows: outputs.</summary>
    public int Rows { get; }

    /// <summary>Number of columns: inputs.</summary>
    public int Columns { get; }

    /// <summary><see cref="Columns"/> rounded up to a multiple of 32.</summary>
    public int PaddedColumns => Padding.Pad(Columns);

    /// <summary>Distance between two rows, in bytes.</summary>
    public nint Stride { get; }

    /// <summary>First byte of row 0.</summary>
    internal nint Address => (nint)_address;

    /// <summary>Describes a matrix that lies in memory already.</summary>
    /// <param name="address">First byte of row 0. The memory must outlive the matrix, and must not move.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="stride">Distance between two rows, in bytes; each holds <c>columns</c>, padded with zeros to a multiple of 32.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative, or zero columns.</exception>
    public static WeightMatrix FromMemory(nint address, int rows, int columns, nint stride)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        ArgumentOutOfRangeException.ThrowIfNegative(stride);
        return new WeightMatrix((byte*)address, rows, columns, stride);
    }

    /// <summary>First byte of a row. Not bounds-checked: the caller's loop is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref byte Row(int row) => ref *(_address + (row * Stride));

    /// <summary>Four rows. Not bounds-checked: rows that are only prefetched may lie outside.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FourRows Four(int first, int second, int third, int fourth) =>
        new(_address + (first * Stride), _address + (second * Stride), _address + (third * Stride), _address + (fourth * Stride));

    /// <summary>The rows that four entries of a list name. Not bounds-checked.</summary>
    /// <param name="list">The list's first entry.</param>
    /// <param name="index">Where in it the four begin.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FourRows Four(ref int list, int index)
    {
        ref int four = ref Unsafe.Add(ref list, index);
        return Four(four, Unsafe.Add(ref four, 1), Unsafe.Add(ref four, 2), Unsafe.Add(ref four, 3));
    }

    /// <summary>Four consecutive rows. Not bounds-checked: rows that are only prefetched may lie outside.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FourRows Four(int first) => Four(first, first + 1, first + 2, first + 3);
}
