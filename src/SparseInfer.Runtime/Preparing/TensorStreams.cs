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

    /// <summary>The bytes as they are.</summary>
    public void Copy(TensorInfo tensor, Stream stream)
    {
        for (long from = 0; from < tensor.ByteLength; from += PieceBytes)
        {
            long length = Math.Min(PieceBytes, tensor.ByteLength - from);
            Write(tensor, stream, tensor.Address + (nint)from, length);
            tensor.DropPages(from, length);
        }
    }

    /// <summary>A matrix, row by row, in its own type or another.</summary>
    public void Matrix(TensorInfo tensor, WeightType type, Stream stream)
    {
        nint rowBytes = WeightFormat.For(type).SourceRowBytes((int)tensor.Shape[1]);
        ForEachPiece(tensor, type, (address, rows) => Write(tensor, stream, address, rows * rowBytes));
    }

    /// <summary>The signs of a matrix's rows as they are in a type: rounding can make a zero of a negative weight.</summary>
    public void Signs(TensorInfo tensor, WeightType type, Stream stream)
    {
        int columns = (int)tensor.Shape[1];
        NativeBuffer? signs = null;
        try
        {
            ForEachPiece(tensor, type, (address, rows) =>
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
    public void Down(TensorInfo tensor, WeightType type, Stream stream)
    {
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
            nint source = tensor.Address + target.Offset(from);
            nint stride = target.Offset(neurons);
            if (type != tensor.Weight)
            {
                source = slab.Address;
                stride = target.Offset(count);
                Reencode(tensor, new Piece(0, hidden, from, count), target, source);
                RequireFits(tensor, new Piece(0, hidden, from, count), type, source);
            }

            target.Transpose(source, stride, output.Address, count, hidden);
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
    private void ForEachPiece(TensorInfo tensor, WeightType type, Action<nint, int> use)
    {
        (int rows, int columns) = ((int)tensor.Shape[0], (int)tensor.Shape[1]);
        WeightFormat stored = WeightFormat.For(tensor.Weight!.Value);
        WeightFormat target = WeightFormat.For(type);
        nint storedRow = stored.Offset(columns);
        int most = (int)Math.Clamp(PieceBytes / Math.Max(storedRow, target.Offset(columns)), 1, rows);
        using NativeBuffer encoded = NativeBuffer.Allocate(type == tensor.Weight ? 0 : most * (long)target.Offset(columns));
        for (int from = 0; from < rows; from += most)
        {
            var piece = new Piece(from, Math.Min(most, rows - from), 0, columns);
            nint address = tensor.Address + (from * storedRow);
            if (FiniteCheck.Find(stored, address, piece.Rows, columns) is { } place)
            {
                throw FiniteCheck.NotFinite(tensor, (from + place.Row, place.Column));
            }

            if (type != tensor.Weight)
            {
                address = encoded.Address;
                Reencode(tensor, piece, target, address);
                RequireFits(tensor, piece, type, address);
            }

            use(address, piece.Rows);
            tensor.DropPages(from * storedRow, piece.Rows * storedRow);
        }
    }

    /// <summary>Writes a piece of a matrix in another type, its rows one after the other.</summary>
    private static void Reencode(TensorInfo tensor, Piece piece, WeightFormat target, nint destination)
    {
        WeightFormat stored = WeightFormat.For(tensor.Weight!.Value);
        nint first = tensor.Address + stored.Offset(piece.FirstColumn);
        nint stride = stored.Offset((int)tensor.Shape[1]);
        int sourceBytes = (int)stored.Offset(piece.Columns);
        int targetBytes = (int)target.Offset(piece.Columns);
        ParallelLoop.For(0, piece.Rows, () => new float[piece.Columns], (row, values) =>
        {
            stored.Decode(new ReadOnlySpan<byte>((void*)(first + ((piece.FirstRow + row) * stride)), sourceBytes), values);
            target.Encode(values, new Span<byte>((void*)(destination + (row * (nint)targetBytes)), targetBytes));
        });
    }

    private static void RequireFits(TensorInfo tensor, Piece piece, WeightType type, nint encoded)
    {
        if (FiniteCheck.Find(WeightFormat.For(type), encoded, piece.Rows, piece.Columns) is { } place)
        {
            throw new ModelFormatException(
                tensor.File,
                $"tensor {FileText.Quote(tensor.Name)} has a weight too large for {type}, at row {piece.FirstRow + place.Row}, "
                + $"column {piece.FirstColumn + place.Column}: choose {FiniteCheck.Wider(tensor)}.");
        }
    }

    private void Write(TensorInfo tensor, Stream stream, nint address, long length)
    {
        cancellationToken.ThrowIfCancellationRequested();
        stream.Write(new ReadOnlySpan<byte>((void*)address, checked((int)length)));
        _done += length;
        progress?.Report(new LoadProgress(tensor.Name, _done, totalBytes));
    }

    /// <summary>A part of a matrix.</summary>
    private readonly record struct Piece(int FirstRow, int Rows, int FirstColumn, int Columns);
}
