namespace SparseInfer.Kernels.Cpu;

/// <content>Packing at load, and comparing what was packed before.</content>
public readonly unsafe partial struct SignPlane
{
    /// <summary>Packs the signs of a range of a matrix's rows; ranges may be packed at the same time.</summary>
    /// <param name="w">A matrix of the plane's rows and columns.</param>
    /// <param name="fromRow">First row.</param>
    /// <param name="toRow">End of the range.</param>
    /// <exception cref="ArgumentException">The matrix has another shape than the plane.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the plane.</exception>
    public void Pack<T>(in WeightMatrix w, int fromRow, int toRow)
        where T : IWeightFormat
    {
        if (w.Rows != Rows || w.Columns != Columns)
        {
            throw new ArgumentException($"A matrix of {w.Rows} x {w.Columns} for a sign plane of {Rows} x {Columns}.", nameof(w));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(fromRow);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(toRow, Rows);
        for (int row = fromRow; row < toRow; row++)
        {
            Signs.Pack<T>(ref w.Row(row), ref Row(row), Columns);
        }
    }

    /// <summary>
    /// The first row that does not hold the signs of a matrix; -1 if all do. Costs what packing costs, and a wrong plane would change results
    /// without a word: planes from a file are compared whole.
    /// </summary>
    /// <param name="w">A matrix of the plane's rows and columns.</param>
    /// <exception cref="ArgumentException">The matrix has another shape than the plane.</exception>
    public int FirstDifference<T>(in WeightMatrix w)
        where T : IWeightFormat
    {
        if (w.Rows != Rows || w.Columns != Columns)
        {
            throw new ArgumentException($"A matrix of {w.Rows} x {w.Columns} for a sign plane of {Rows} x {Columns}.", nameof(w));
        }

        ulong[] signs = new ulong[WordsPerRow];
        for (int row = 0; row < Rows; row++)
        {
            Signs.Pack<T>(ref w.Row(row), ref signs[0], Columns);
            if (!signs.AsSpan().SequenceEqual(new ReadOnlySpan<ulong>(_words + ((nint)row * WordsPerRow), WordsPerRow)))
            {
                return row;
            }
        }

        return -1;
    }

    /// <summary>The signs of a whole matrix: packed, or those that <paramref name="memory"/> was offered, once compared.</summary>
    /// <param name="w">The matrix.</param>
    /// <param name="memory">Owns the plane's memory.</param>
    /// <exception cref="InvalidDataException">The signs that were offered are another matrix's.</exception>
    /// <exception cref="InsufficientMemoryException">There is no memory for the plane.</exception>
    public static SignPlane Pack<T>(in WeightMatrix w, NativeMemoryPool memory)
        where T : IWeightFormat
    {
        if (memory.TryGetSigns(in w, out (SignPlane Plane, string Name) offered))
        {
            int row = offered.Plane.FirstDifference<T>(in w);
            return row < 0 ? offered.Plane : throw new InvalidDataException($"{offered.Name} does not hold the signs of its matrix, in row {row}");
        }

        SignPlane plane = Allocate(w.Rows, w.Columns, out NativeBuffer owner);
        memory.Own(owner);
        plane.Pack<T>(in w, 0, w.Rows);
        return plane;
    }

    /// <summary>
    /// A plane that says of each weight of a matrix whether it is large, farther from its row's mean than 0.6745 of the row's standard deviations.
    /// </summary>
    /// <param name="w">The matrix.</param>
    /// <param name="memory">Owns the plane's memory.</param>
    /// <exception cref="InsufficientMemoryException">There is no memory for the plane.</exception>
    public static SignPlane PackMagnitudes<T>(in WeightMatrix w, NativeMemoryPool memory)
        where T : IWeightFormat
    {
        SignPlane plane = Allocate(w.Rows, w.Columns, out NativeBuffer owner);
        memory.Own(owner);
        for (int row = 0; row < w.Rows; row++)
        {
            Magnitudes.Pack<T>(ref w.Row(row), ref plane.Row(row), w.Columns);
        }

        return plane;
    }
}
