using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Loading;

namespace SparseInfer.Preparing;

/// <summary>
/// Writes tensors piece by piece, as they are or in another form, telling progress and heeding cancellation between pieces. No piece takes
/// more than a few megabytes, and what was read is given back, so that a model of any size goes through little memory.
/// </summary>
internal sealed unsafe class TensorStreams(IProgress<LoadProgress>? progress, CancellationToken cancellationToken, long totalBytes)
{
    private const int PieceBytes = 8 << 20;

    private long _done;

    /// <summary>The bytes as they are; of a vector, its elements in their order.</summary>
    public void Copy(SourceTensor source, Stream stream)
    {
        TensorInfo tensor = source.Tensor;
        if (source.Row is { } order)
        {
            CopyElements(tensor, order, stream);
            return;
        }

        for (long from = 0; from < tensor.ByteLength; from += PieceBytes)
        {
            long length = Math.Min(PieceBytes, tensor.ByteLength - from);
            Write(tensor, stream, tensor.Address + (nint)from, length);
            tensor.DropPages(from, length);
        }
    }

    /// <summary>A matrix, row by row, in its own type or another.</summary>
    public void Matrix(SourceTensor source, WeightType type, Stream stream)
    {
        nint rowBytes = WeightFormat.For(type).SourceRowBytes((int)source.Tensor.Shape[1]);
        ForEachPiece(source, type, (address, rows) => Write(source.Tensor, stream, address, rows * rowBytes));
    }

    /// <summary>The signs of a matrix's rows as they are in a type: rounding can make a zero of a negative weight.</summary>
    public void Signs(SourceTensor source, WeightType type, Stream stream)
    {
        TensorInfo tensor = source.Tensor;
        int columns = (int)tensor.Shape[1];
        NativeBuffer? signs = null;
        try
        {
            ForEachPiece(source, type, (address, rows) =>
            {
                signs ??= NativeBuffer.Allocate(SignPlane.ByteCount(rows, columns)); // the first piece is the largest
                WeightFormat.For(type).PackSigns(address, rows, columns, signs.Address);
                Write(tensor, stream, signs.Address, SignPlane.ByteCount(rows, columns));
            });
        }
        finally
        {
            signs?.Dispose();
        }
    }

    /// <summary>A down matrix, neuron-major, a band of neurons at a time.</summary>
    public void Down(SourceTensor source, WeightType type, Stream stream)
    {
        TensorInfo tensor = source.Tensor;
        (int hidden, int neurons) = ((int)tensor.Shape[0], (int)tensor.Shape[1]);
        WeightFormat target = WeightFormat.For(type);
        FiniteCheck.Require(tensor, hidden, neurons);
        int block = target.DownBlock;
        int band = Math.Min(neurons, (int)Math.Max(1, PieceBytes / target.DownByteCount(block, hidden)) * block);
        using NativeBuffer output = NativeBuffer.Allocate(target.DownByteCount(band, hidden));
        using NativeBuffer slab = NativeBuffer.Allocate(type == tensor.Weight ? 0 : hidden * (long)target.Offset(band));
        for (int from = 0; from < neurons; from += band)
        {
            int count = Math.Min(band, neurons - from);
            nint first = tensor.Address + target.Offset(from);
            nint stride = target.Offset(neurons);
            if (type != tensor.Weight)
            {
                first = slab.Address;
                stride = target.Offset(count);
                WeightFormat stored = WeightFormat.For(tensor.Weight!.Value);
                Reencode(stored, tensor.Address + stored.Offset(from), stored.Offset(neurons), hidden, count, target, first);
                RequireFits(source, type, first, (0, from), hidden, count);
            }

            target.Transpose(first, stride, output.Address, count, hidden);
            WriteNeurons(tensor, type, output.Address, count, stream);
        }

        tensor.DropPages(0, tensor.ByteLength);
    }

    /// <summary>Plain types lose the padding that the kernels' layout has.</summary>
    private void WriteNeurons(TensorInfo tensor, WeightType type, nint address, int count, Stream stream)
    {
        int hidden = (int)tensor.Shape[0];
        WeightFormat format = WeightFormat.For(type);
        if (TensorType.Of(type).ElementsPerBlock > 1 || hidden % Padding.Columns == 0)
        {
            Write(tensor, stream, address, format.DownByteCount(count, hidden));
            return;
        }

        nint padded = (nint)format.DownByteCount(1, hidden);
        for (int neuron = 0; neuron < count; neuron++)
        {
            Write(tensor, stream, address + (neuron * padded), format.Offset(hidden));
        }
    }

    /// <summary>Gives a matrix's rows in a type, checked, some at a time.</summary>
    private void ForEachPiece(SourceTensor source, WeightType type, Action<nint, int> use)
    {
        TensorInfo tensor = source.Tensor;
        (int rows, int columns) = ((int)tensor.Shape[0], (int)tensor.Shape[1]);
        WeightFormat stored = WeightFormat.For(tensor.Weight!.Value);
        WeightFormat target = WeightFormat.For(type);
        nint storedRow = stored.Offset(columns);
        int most = (int)Math.Clamp(PieceBytes / Math.Max(storedRow, target.Offset(columns)), 1, rows);
        using NativeBuffer encoded = NativeBuffer.Allocate(type == tensor.Weight ? 0 : most * (long)target.Offset(columns));
        using NativeBuffer ordered = NativeBuffer.Allocate(source.Row is null ? 0 : most * (long)storedRow);
        for (int from = 0; from < rows; from += most)
        {
            int count = Math.Min(most, rows - from);
            nint address = source.Row is { } order ? Gather(tensor, order, from, count, ordered.Address) : tensor.Address + (from * storedRow);
            if (FiniteCheck.Find(stored, address, count, columns) is { } place)
            {
                throw FiniteCheck.NotFinite(tensor, (source.RowOf(from + place.Row), place.Column));
            }

            if (type != tensor.Weight)
            {
                Reencode(stored, address, storedRow, count, columns, target, encoded.Address);
                address = encoded.Address;
                RequireFits(source, type, address, (from, 0), count, columns);
            }

            use(address, count);
            tensor.DropPages(from * storedRow, count * storedRow);
        }

        if (source.Row is not null)
        {
            tensor.DropPages(0, tensor.ByteLength); // rows came from all over it
        }
    }

    /// <summary>Copies some rows of a matrix in their order, each from where the source has it.</summary>
    private static nint Gather(TensorInfo tensor, Func<int, int> order, int from, int rows, nint destination)
    {
        nint rowBytes = (nint)(tensor.ByteLength / tensor.Shape[0]);
        for (int row = 0; row < rows; row++)
        {
            Buffer.MemoryCopy((void*)(tensor.Address + (order(from + row) * rowBytes)), (void*)(destination + (row * rowBytes)), rowBytes, rowBytes);
        }

        return destination;
    }

    /// <summary>A vector's elements in their order.</summary>
    private void CopyElements(TensorInfo tensor, Func<int, int> order, Stream stream)
    {
        using NativeBuffer ordered = NativeBuffer.Allocate(tensor.ByteLength);
        Write(tensor, stream, Gather(tensor, order, 0, (int)tensor.Shape[0], ordered.Address), tensor.ByteLength);
    }

    /// <summary>Writes a part of a matrix in another type, its rows one after the other.</summary>
    private static void Reencode(WeightFormat stored, nint first, nint stride, int rows, int columns, WeightFormat target, nint destination)
    {
        int storedBytes = (int)stored.Offset(columns);
        int targetBytes = (int)target.Offset(columns);
        ParallelLoop.For(0, rows, () => new float[columns], (row, values) =>
        {
            stored.Decode(new ReadOnlySpan<byte>((void*)(first + (row * stride)), storedBytes), values);
            target.Encode(values, new Span<byte>((void*)(destination + (row * (nint)targetBytes)), targetBytes));
        });
    }

    private static void RequireFits(SourceTensor source, WeightType type, nint encoded, (int Row, int Column) from, int rows, int columns)
    {
        if (FiniteCheck.Find(WeightFormat.For(type), encoded, rows, columns) is { } place)
        {
            throw new ModelFormatException(
                source.Tensor.File,
                $"tensor {FileText.Quote(source.Tensor.Name)} has a weight too large for {type}, at row {source.RowOf(from.Row + place.Row)}, "
                + $"column {from.Column + place.Column}: choose {FiniteCheck.Wider(source.Tensor)}.");
        }
    }

    private void Write(TensorInfo tensor, Stream stream, nint address, long length)
    {
        cancellationToken.ThrowIfCancellationRequested();
        stream.Write(new ReadOnlySpan<byte>((void*)address, checked((int)length)));
        _done += length;
        progress?.Report(new LoadProgress(tensor.Name, _done, totalBytes));
    }
}
