namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Prepares matrices at load from the bytes of a model file: row after row, no padding between them, in ggml's or safetensors' layout.
/// Sources are addresses because files are mapped; the mapping must outlive every matrix that uses its source in place.
/// </summary>
public static unsafe class WeightPacking
{
    /// <summary>Bytes of one row of a file's matrix.</summary>
    /// <param name="columns">Number of columns.</param>
    /// <exception cref="ArgumentException">The columns are no whole number of the format's blocks.</exception>
    public static nint SourceRowBytes<T>(int columns)
        where T : IWeightFormat
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        if (columns % T.BlockElements != 0)
        {
            throw new ArgumentException(
                $"A row of {columns} columns is no whole number of {typeof(T).Name} blocks of {T.BlockElements}.", nameof(columns));
        }

        return (nint)(columns / T.BlockElements) * T.BlockBytes;
    }

    /// <summary>Prepares a matrix: in place where its rows need no padding and its elements are aligned, else as a padded copy.</summary>
    /// <param name="source">Address of the file's matrix.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="owner">The copy's memory, for the caller to dispose of; null if the source is used in place.</param>
    /// <exception cref="ArgumentException">The columns are no whole number of the format's blocks.</exception>
    /// <exception cref="InsufficientMemoryException">There is no memory for the copy.</exception>
    public static WeightMatrix Pack<T>(nint source, int rows, int columns, out NativeBuffer? owner)
        where T : IWeightFormat
    {
        nint sourceStride = SourceRowBytes<T>(columns);
        int elementAlignment = T.BlockElements == 1 ? T.BlockBytes : sizeof(ushort);
        if (columns % Padding.Columns == 0 && source % elementAlignment == 0)
        {
            owner = null;
            return WeightMatrix.FromMemory(source, rows, columns, sourceStride);
        }

        return Copy<T>(source, rows, columns, sourceStride, default, out owner);
    }

    /// <summary>Prepares a copy of a matrix with its rows in another order, as the pairing of rotary dimensions may need.</summary>
    /// <param name="source">Address of the file's matrix.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="sourceRows">For every row of the result, the row of the source that goes there.</param>
    /// <param name="owner">The copy's memory, for the caller to dispose of.</param>
    /// <exception cref="ArgumentException">
    /// The columns are no whole number of the format's blocks, or <paramref name="sourceRows"/> does not have <paramref name="rows"/>
    /// elements.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="sourceRows"/> names a row that is not there.</exception>
    /// <exception cref="InsufficientMemoryException">There is no memory for the copy.</exception>
    public static WeightMatrix PackPermuted<T>(nint source, int rows, int columns, ReadOnlySpan<int> sourceRows, out NativeBuffer owner)
        where T : IWeightFormat
    {
        if (sourceRows.Length != rows)
        {
            throw new ArgumentException($"{sourceRows.Length} source rows for a matrix of {rows}.", nameof(sourceRows));
        }

        foreach (int row in sourceRows)
        {
            if ((uint)row >= (uint)rows)
            {
                throw new ArgumentOutOfRangeException(nameof(sourceRows), row, $"The matrix has rows 0 to {rows - 1}.");
            }
        }

        return Copy<T>(source, rows, columns, SourceRowBytes<T>(columns), sourceRows, out owner);
    }

    /// <summary>
    /// For every row of a query or key matrix with interleaved rotary pairs (2i, 2i + 1), the row of one with half-split pairs
    /// (i, i + d / 2) that goes there: what <see cref="PackPermuted"/> needs to turn Hugging Face's matrices into those of llama GGUF files.
    /// </summary>
    /// <param name="rows">Number of rows: heads x head dimension.</param>
    /// <param name="headDimension">Rows to a head.</param>
    /// <param name="rotaryDimensions">Leading dimensions of a head that are rotated; even. The rest stay where they are.</param>
    public static int[] InterleavedFromHalfSplit(int rows, int headDimension, int rotaryDimensions)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rotaryDimensions, headDimension);
        ArgumentOutOfRangeException.ThrowIfNotEqual(rotaryDimensions % 2, 0);
        var sourceRows = new int[rows];
        for (int row = 0; row < rows; row++)
        {
            int dimension = row % headDimension;
            int source = dimension >= rotaryDimensions ? dimension : (dimension / 2) + (dimension % 2 * (rotaryDimensions / 2));
            sourceRows[row] = row - dimension + source;
        }

        return sourceRows;
    }

    /// <summary>Prepares the second matrix of a feed-forward layer: a neuron-major copy.</summary>
    /// <param name="source">Address of the file's matrix.</param>
    /// <param name="rows">Its rows: the hidden width.</param>
    /// <param name="columns">Its columns: the number of neurons.</param>
    /// <param name="degreeOfParallelism">Threads that may work at it.</param>
    /// <param name="owner">The copy's memory, for the caller to dispose of.</param>
    /// <exception cref="ArgumentException">The columns are no whole number of the format's blocks.</exception>
    /// <exception cref="InsufficientMemoryException">There is no memory for the copy.</exception>
    public static DownMatrix PackDown<T>(nint source, int rows, int columns, int degreeOfParallelism, out NativeBuffer owner)
        where T : IWeightFormat
    {
        nint sourceStride = SourceRowBytes<T>(columns);
        owner = NativeBuffer.Allocate(DownMatrix.ByteCount<T>(columns, rows));
        DownMatrix down = DownMatrix.FromMemory<T>(owner.Address, columns, rows);
        Transpose<T>(source, sourceStride, in down, degreeOfParallelism);
        return down;
    }

    /// <summary>Transposes a band of the second matrix of a feed-forward layer into zeroed memory: <see cref="PackDown"/> in pieces.</summary>
    /// <param name="source">Address of the band's first neuron in row 0 of the file's matrix; a whole number of blocks, and of 32 neurons, from its start.</param>
    /// <param name="sourceStride">Bytes of one of the file's rows.</param>
    /// <param name="down">The band: its number of neurons, and a column for each row of the file's matrix.</param>
    /// <param name="degreeOfParallelism">Threads that may work at it.</param>
    public static void Transpose<T>(nint source, nint sourceStride, in DownMatrix down, int degreeOfParallelism)
        where T : IWeightFormat
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(degreeOfParallelism);
        DownMatrix destination = down;
        int sharing = DownMatrix.Sharing<T>();
        int parts = Math.Min(degreeOfParallelism, (down.Neurons + sharing - 1) / sharing);
        if (parts == 1)
        {
            TransposeBlocks<T>(source, sourceStride, in destination, 0, destination.Neurons);
            return;
        }

        ParallelLoop.For(0, parts, part =>
        {
            (int from, int to) = WorkerGroup.Slice(destination.Neurons, parts, part, sharing);
            TransposeBlocks<T>(source, sourceStride, in destination, from, to);
        });
    }

    /// <summary>
    /// Takes a down matrix that is neuron-major already: in place where its rows need no padding and its elements are aligned, else as a
    /// padded copy. Block formats are taken as <see cref="PackDown"/> lays them out, plain formats as [neurons x columns] without padding.
    /// </summary>
    /// <param name="source">Address of the matrix.</param>
    /// <param name="neurons">Number of neurons; for block formats whole blocks.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="owner">The copy's memory, for the caller to dispose of; null if the source is used in place.</param>
    /// <exception cref="InsufficientMemoryException">There is no memory for the copy.</exception>
    public static DownMatrix PlaceDown<T>(nint source, int neurons, int columns, out NativeBuffer? owner)
        where T : IWeightFormat
    {
        owner = null;
        nint address = T.BlockElements > 1 ? source : Pack<T>(source, neurons, columns, out owner).Address;
        return DownMatrix.FromMemory<T>(address, neurons, columns);
    }

    /// <summary>Finds the first weight that is infinite or not a number; in block formats, the first block with such a scale.</summary>
    /// <param name="source">Address of the file's matrix.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <returns>Its row and column, or null if every weight is finite.</returns>
    /// <exception cref="ArgumentException">The columns are no whole number of the format's blocks.</exception>
    public static (int Row, int Column)? FirstNonFinite<T>(nint source, int rows, int columns)
        where T : IWeightFormat
    {
        _ = SourceRowBytes<T>(columns);
        nint index = T.FirstNonFinite(ref *(byte*)source, (nint)rows * columns);
        return index < 0 ? null : ((int)(index / columns), (int)(index % columns));
    }

    /// <summary>The same for a matrix as <see cref="PlaceDown"/> takes it.</summary>
    /// <param name="source">Address of the matrix.</param>
    /// <param name="neurons">Number of neurons; for block formats whole blocks.</param>
    /// <param name="columns">Number of columns.</param>
    /// <returns>Neuron and column, in block formats the first neuron of the block; or null if every weight is finite.</returns>
    public static (int Neuron, int Column)? FirstNonFiniteDown<T>(nint source, int neurons, int columns)
        where T : IWeightFormat
    {
        if (T.BlockElements == 1)
        {
            return FirstNonFinite<T>(source, neurons, columns);
        }

        DownMatrix down = DownMatrix.FromMemory<T>(source, neurons, columns);
        for (int neuron = 0; neuron < neurons; neuron += DownMatrix.Sharing<T>())
        {
            nint half = NonFinite.FirstHalf(ref down.Scales(neuron), (nint)T.BlockHalves * down.PaddedColumns);
            if (half >= 0)
            {
                return (neuron, (int)half % down.PaddedColumns);
            }
        }

        return null;
    }

    private static void TransposeBlocks<T>(nint source, nint sourceStride, in DownMatrix down, int fromNeuron, int toNeuron)
        where T : IWeightFormat
    {
        int sharing = DownMatrix.Sharing<T>();
        for (int neuron = fromNeuron; neuron < toNeuron; neuron += sharing)
        {
            T.TransposeDown(
                ref *((byte*)source + T.RowBytes(neuron)),
                sourceStride,
                down.Columns,
                ref *down.ScalePointer(neuron),
                Math.Min(sharing, toNeuron - neuron));
        }
    }

    private static WeightMatrix Copy<T>(
        nint source, int rows, int columns, nint sourceStride, ReadOnlySpan<int> sourceRows, out NativeBuffer owner)
        where T : IWeightFormat
    {
        nint stride = T.RowBytes(Padding.Pad(columns));
        owner = NativeBuffer.Allocate(checked((long)rows * stride));
        for (int row = 0; row < rows; row++)
        {
            int from = sourceRows.IsEmpty ? row : sourceRows[row];
            Buffer.MemoryCopy((byte*)source + (from * sourceStride), (byte*)owner.Address + (row * stride), stride, sourceStride);
        }

        return WeightMatrix.FromMemory(owner.Address, rows, columns, stride);
    }
}
