using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Converts rows of weights between F32 and the other formats, in the layout of files.</summary>
public static class WeightConversion
{
    private const int MaxGroupBytes = Padding.Columns * sizeof(float);

    /// <summary>Widens weights to F32, exactly.</summary>
    /// <param name="source">Whole rows, or any whole number of the format's blocks.</param>
    /// <param name="destination">Room for their elements.</param>
    /// <exception cref="ArgumentException">The spans do not hold the same number of elements, or not whole blocks.</exception>
    public static void Decode<T>(ReadOnlySpan<byte> source, Span<float> destination)
        where T : IWeightFormat
    {
        RequireSameLength<T>(source.Length, destination.Length);
        ref byte row = ref MemoryMarshal.GetReference(source);
        ref float result = ref MemoryMarshal.GetReference(destination);
        int whole = destination.Length / Padding.Columns * Padding.Columns;
        for (int column = 0; column < whole; column += Padding.Columns)
        {
            Decode32<T>(ref row, (nuint)column, ref Unsafe.Add(ref result, column));
        }

        if (whole < destination.Length)
        {
            Span<byte> group = stackalloc byte[MaxGroupBytes];
            Span<float> values = stackalloc float[Padding.Columns];
            group.Clear();
            source[(whole / T.BlockElements * T.BlockBytes)..].CopyTo(group);
            Decode32<T>(ref MemoryMarshal.GetReference(group), 0, ref MemoryMarshal.GetReference(values));
            values[..(destination.Length - whole)].CopyTo(destination[whole..]);
        }
    }

    /// <summary>Rounds F32 values to a format: plain formats to nearest, ties to even; block formats as ggml's reference quantisation does.</summary>
    /// <param name="source">Whole rows, or any whole number of the format's blocks.</param>
    /// <param name="destination">Room for their elements.</param>
    /// <exception cref="ArgumentException">The spans do not hold the same number of elements, or not whole blocks.</exception>
    public static void Encode<T>(ReadOnlySpan<float> source, Span<byte> destination)
        where T : IWeightFormat
    {
        RequireSameLength<T>(destination.Length, source.Length);
        T.Encode(source, destination);
    }

    /// <summary>Widens one neuron of a down matrix to F32, exactly.</summary>
    /// <param name="down">The matrix.</param>
    /// <param name="neuron">Which neuron.</param>
    /// <param name="destination">Room for <see cref="DownMatrix.PaddedColumns"/> values.</param>
    /// <exception cref="ArgumentException">There is less room.</exception>
    public static void DecodeDown<T>(in DownMatrix down, int neuron, Span<float> destination)
        where T : IWeightFormat
    {
        if (destination.Length < down.PaddedColumns)
        {
            throw new ArgumentException($"Room for {destination.Length} of {down.PaddedColumns} columns.", nameof(destination));
        }

        Vector512<float> unfold = Vector512.Create(T.DownUnfold);
        for (int column = 0; column < down.PaddedColumns; column += Padding.Columns)
        {
            T.LoadDown32(
                ref down.Scales(neuron),
                ref down.Neuron(neuron),
                down.InBlock(neuron),
                down.PaddedColumns,
                (nuint)column,
                out Vector512<float> lo,
                out Vector512<float> hi);
            (lo * unfold).CopyTo(destination[column..]);
            (hi * unfold).CopyTo(destination[(column + 16)..]);
        }
    }

    private static void RequireSameLength<T>(int bytes, int elements)
        where T : IWeightFormat
    {
        if (elements % T.BlockElements != 0 || (long)elements / T.BlockElements * T.BlockBytes != bytes)
        {
            throw new ArgumentException($"{bytes} bytes do not hold {elements} elements of {typeof(T).Name}.");
        }
    }

    private static void Decode32<T>(ref byte row, nuint column, ref float destination)
        where T : IWeightFormat
    {
        Vector512<float> unfold = Vector512.Create(T.Unfold);
        T.Load32(ref row, column, out Vector512<float> lo, out Vector512<float> hi);
        (lo * unfold).StoreUnsafe(ref destination);
        (hi * unfold).StoreUnsafe(ref destination, 16);
    }
}
