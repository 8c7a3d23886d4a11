using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Loading;

namespace SparseInfer.Runtime;

/// <summary>
/// Hands a generated program its weights, prepared as its kernels want them. That the file has all of them, as they are declared, was checked
/// before: <see cref="DecoderProgram.Tensors"/>.
/// </summary>
public sealed class WeightBinder
{
    private readonly ModelFile _file;
    private readonly TensorCheck _check;
    private readonly LoadOptions _options;
    private readonly List<string> _notes;
    private readonly HashSet<(WeightType Stored, WeightType Target)> _converted = [];
    private readonly List<Action<NativeMemoryPool>> _after = [];
    private readonly Dictionary<nint, TensorInfo> _inPlace = [];
    private long _bytesDone;

    internal WeightBinder(ModelFile file, TensorCheck check, LoadOptions options, NativeMemoryPool memory, List<string> notes)
    {
        _file = file;
        _check = check;
        _options = options;
        _notes = notes;
        Memory = memory;
    }

    /// <summary>Owns what the program has of the weights.</summary>
    internal NativeMemoryPool Memory { get; }

    /// <summary>The type that a program gets a tensor in; gate and up of a feed-forward have one, and so have all experts' of a layer.</summary>
    /// <param name="wanted">One of the program's tensors.</param>
    /// <param name="layer">The layer, where each has one.</param>
    /// <param name="expert">The expert, where each has one.</param>
    public WeightType TypeOf(DeclaredTensor wanted, int layer = 0, int expert = 0) => _check[wanted, layer, expert].Target;

    /// <summary>The same of all experts of a layer, for a program that has them in one buffer.</summary>
    /// <param name="wanted">One of the program's tensors.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="experts">How many experts there are.</param>
    /// <exception cref="ModelFormatException">They have several types.</exception>
    public WeightType TypeOfAll(DeclaredTensor wanted, int layer, int experts)
    {
        WeightType type = TypeOf(wanted, layer);
        for (int expert = 1; expert < experts; expert++)
        {
            if (TypeOf(wanted, layer, expert) is var other && other != type)
            {
                throw new ModelFormatException(
                    _file.Path,
                    $"tensor {FileText.Quote(_check[wanted, layer, expert].Tensor.Name)} is {other}, and that of expert 0 {type}. On a GPU all experts of a layer "
                    + "have one type: load the model on the CPU, or convert it.");
            }
        }

        return type;
    }

    /// <summary>A matrix, its rows in the order that the program wants.</summary>
    /// <param name="wanted">One of the program's tensors.</param>
    /// <param name="layer">The layer, where each has one.</param>
    /// <param name="expert">The expert, where each has one.</param>
    /// <exception cref="ModelFormatException">It has a number that is not finite.</exception>
    public StoredMatrix Matrix(DeclaredMatrix wanted, int layer = 0, int expert = 0)
    {
        FoundTensor found = _check[wanted, layer, expert];
        Source source = Read(found, wanted.Rows, wanted.Columns);
        WeightFormat format = WeightFormat.For(found.Target);
        if (Order(wanted.Rotary, wanted.Rows) is { } order)
        {
            return Store(source, found, format.PackPermuted(source.Address, wanted.Rows, wanted.Columns, order, out NativeBuffer permuted), permuted);
        }

        StoredMatrix stored = Store(source, found, format.Pack(source.Address, wanted.Rows, wanted.Columns, out NativeBuffer? owner), owner);
        OfferSigns(found, stored);
        return stored;
    }

    /// <summary>A matrix with a row for each of its inputs, its outputs in the order that the program wants: a copy, whatever the file.</summary>
    /// <param name="wanted">One of the program's tensors.</param>
    /// <param name="layer">The layer, where each has one.</param>
    /// <exception cref="ModelFormatException">It has a number that is not finite.</exception>
    public StoredChannels Channels(DeclaredMatrix wanted, int layer = 0)
    {
        FoundTensor found = _check[wanted, layer];
        Source source = Read(found, wanted.Rows, wanted.Columns, Order(wanted.Rotary, wanted.Rows));
        DownMatrix matrix = WeightFormat.For(found.Target).PackDown(source.Address, wanted.Rows, wanted.Columns, out NativeBuffer owner);
        Memory.Own(owner);
        source.Converted?.Dispose();
        found.Release();
        Report(found.Tensor, found.Bytes(wanted.Rows));
        return new StoredChannels(matrix, found.Target);
    }

    /// <summary>
    /// What a centre of a matrix's inputs adds to its outputs, <c>c * Σ_j W[i, j]</c>: summed in double precision, input by input.
    /// </summary>
    /// <param name="wanted">The tensor that the matrix was made of.</param>
    /// <param name="layer">Its layer.</param>
    /// <param name="matrix">The matrix, a row for each input.</param>
    /// <param name="centre">The centre; 0: nothing is summed.</param>
    /// <returns>A value for each output, padded with zeros to whole vectors; there when all matrices are.</returns>
    public float[] OfCentre(DeclaredTensor wanted, int layer, DownMatrix matrix, float centre)
    {
        float[] added = new float[matrix.PaddedColumns];
        WeightFormat format = WeightFormat.For(TypeOf(wanted, layer));
        if (centre != 0)
        {
            AfterPacking(_ => ChannelSums.OfCentre(format, in matrix, centre, added));
        }

        return added;
    }

    /// <summary>
    /// The Euclidean norm of what each input has of weights in matrices that share it (WINA's <c>norm(W[:, j])</c>): summed in double precision, matrix by matrix and
    /// output by output.
    /// </summary>
    /// <param name="layer">Their layer.</param>
    /// <param name="matrices">The tensors that they were made of, and the matrices, a row for each input.</param>
    /// <returns>A value for each input; there when all matrices are.</returns>
    public float[] ColumnNorms(int layer, params (DeclaredTensor Wanted, DownMatrix Matrix)[] matrices)
    {
        float[] norms = new float[matrices[0].Matrix.Neurons];
        AfterPacking(_ => ChannelSums.Norms([.. matrices.Select(of => (WeightFormat.For(TypeOf(of.Wanted, layer)), of.Matrix))], norms));
        return norms;
    }

    /// <summary>The down matrix of a feed-forward, neuron-major: stored so by a file that was prepared, else prepared now.</summary>
    /// <param name="wanted">One of the program's tensors.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="expert">The expert, where each has one.</param>
    /// <exception cref="ModelFormatException">It has a number that is not finite.</exception>
    public DownMatrix Down(DeclaredDown wanted, int layer, int expert = 0)
    {
        FoundTensor found = _check[wanted, layer, expert];
        if (found.IsPrepared)
        {
            return PlaceDown(found, wanted.Hidden, wanted.Intermediate);
        }

        Source source = Read(found, wanted.Hidden, wanted.Intermediate);
        DownMatrix down = WeightFormat.For(found.Target).PackDown(source.Address, wanted.Hidden, wanted.Intermediate, out NativeBuffer owner);
        Memory.Own(owner);
        source.Converted?.Dispose();
        found.Tensor.Release();
        Report(found.Tensor);
        return down;
    }

    /// <summary>A norm's weights or a bias, widened to F32 and padded with zeros to whole vectors, in the order that the program wants.</summary>
    /// <param name="wanted">One of the program's tensors.</param>
    /// <param name="layer">The layer, where each has one.</param>
    /// <param name="expert">The expert, where each has one.</param>
    /// <exception cref="ModelFormatException">It has a number that is not finite.</exception>
    public float[] Vector(DeclaredVector wanted, int layer = 0, int expert = 0)
    {
        FoundTensor found = _check[wanted, layer, expert];
        FiniteCheck.Require(found.Tensor, 1, found.Part?.Total ?? wanted.Length);
        float[] whole = new float[found.Part?.Total ?? wanted.Length];
        WeightFormat.For(found.Stored).Decode(found.Tensor.Bytes, whole);
        Report(found.Tensor, found.Bytes(wanted.Length));
        float[] vector = new float[(wanted.Length + 31) / 32 * 32];
        int[]? order = Order(wanted.Rotary, wanted.Length);
        for (int i = 0; i < wanted.Length; i++)
        {
            vector[i] = whole[found.RowOf(order?[i] ?? i)];
        }

        return vector;
    }

    /// <summary>Runs an action when all matrices are there: what policies prepare from them.</summary>
    /// <param name="prepare">Gets the pool that owns what it allocates.</param>
    public void AfterPacking(Action<NativeMemoryPool> prepare) => _after.Add(prepare);

    internal void Finish()
    {
        try
        {
            ParallelLoop.For(0, _after.Count, i => _after[i](Memory));
        }
        catch (InvalidDataException wrong)
        {
            throw Refuse(wrong);
        }
    }

    /// <summary>Frees the host's copy of a matrix, or gives back the pages of the file that it lies in. It must not be read any more.</summary>
    /// <param name="address">Its first byte.</param>
    internal void GiveBack(nint address)
    {
        if (!Memory.Free(address) && _inPlace.Remove(address, out TensorInfo? tensor))
        {
            tensor.Release();
        }
    }

    /// <summary>What <see cref="Finish"/> makes of data that contradicts itself.</summary>
    internal ModelFormatException Refuse(InvalidDataException wrong) => new(_file.Path, $"{wrong.Message}. Prepare the file again.");

    private readonly record struct Source(nint Address, NativeBuffer? Converted);

    /// <summary>Where each row comes from; null: from its own place.</summary>
    private int[]? Order(RotaryOrder? rotary, int rows) =>
        _file.Format == ModelFileFormat.Safetensors && rotary is { Pairing: RopePairing.Interleaved }
            ? WeightPacking.InterleavedFromHalfSplit(rows, rotary.HeadDimension, rotary.Dimensions)
            : null;

    /// <summary>A matrix's numbers, converted if need be; with an order of rows, a copy in that order.</summary>
    private Source Read(FoundTensor found, int rows, int columns, int[]? order = null)
    {
        NativeBuffer? gathered = order is not null || found.Part is { IsScattered: true } ? Gather(found, rows, columns, order) : null;
        nint address = gathered?.Address ?? found.AddressOf(columns);
        FiniteCheck.Require(found, address, rows, columns);
        if (found.Target == found.Stored)
        {
            return new Source(address, gathered);
        }

        NativeBuffer converted = WeightFormat.For(found.Stored).ConvertTo(WeightFormat.For(found.Target), address, rows, columns);
        gathered?.Dispose();
        NoteConversion(found, converted, rows, columns);
        return new Source(converted.Address, converted);
    }

    /// <summary>A copy of rows that are scattered over a tensor, or are to be in another order.</summary>
    private static unsafe NativeBuffer Gather(FoundTensor found, int rows, int columns, int[]? order)
    {
        nint rowBytes = WeightFormat.For(found.Stored).SourceRowBytes(columns);
        NativeBuffer gathered = NativeBuffer.Allocate((long)rowBytes * rows);
        for (int row = 0; row < rows; row++)
        {
            nint source = found.Tensor.Address + (found.RowOf(order?[row] ?? row) * rowBytes);
            Buffer.MemoryCopy((void*)source, (void*)(gathered.Address + (row * rowBytes)), rowBytes, rowBytes);
        }

        return gathered;
    }

    private DownMatrix PlaceDown(FoundTensor found, int hidden, int intermediate)
    {
        WeightFormat format = WeightFormat.For(found.Stored);
        nint address = found.Tensor.Address;
        if ((found.IsInRows ? FiniteCheck.Find(format, address, intermediate, hidden) : format.FirstNonFiniteDown(address, intermediate, hidden)) is { } place)
        {
            throw FiniteCheck.NotFinite(found.Tensor, place);
        }

        NativeBuffer? converted = null;
        if (found.Target != found.Stored)
        {
            WeightFormat target = WeightFormat.For(found.Target);
            converted = found.IsInRows ? format.ConvertTo(target, address, intermediate, hidden) : format.ConvertDownTo(target, address, intermediate, hidden);
            NoteConversion(found, converted, intermediate, hidden);
            address = converted.Address;
        }

        DownMatrix down = WeightFormat.For(found.Target).PlaceDown(address, intermediate, hidden, out NativeBuffer? owner);
        if (owner is not null)
        {
            converted?.Dispose();
        }

        if ((owner ?? converted) is { } copy)
        {
            Memory.Own(copy);
            found.Tensor.Release();
        }
        else
        {
            _inPlace[address] = found.Tensor;
        }

        Report(found.Tensor);
        return down;
    }

    private void OfferSigns(FoundTensor found, StoredMatrix matrix)
    {
        if (found.Signs is not { } signs)
        {
            return;
        }

        // Widening keeps every sign; rounding to a smaller type need not.
        if (found.Target == found.Stored || found.Target == WeightType.F32)
        {
            var plane = SignPlane.FromMemory(signs.Address, matrix.Weights.Rows, matrix.Weights.Columns);
            Memory.Offer(in matrix.Weights, plane, $"tensor {FileText.Quote(signs.Name)}");
            _inPlace[signs.Address] = signs;
        }

        Report(signs);
    }

    private void NoteConversion(FoundTensor found, NativeBuffer converted, int rows, int columns)
    {
        if (_converted.Add((found.Stored, found.Target)))
        {
            _notes.Add($"{found.Stored} weights were converted to {found.Target}.");
        }

        if (FiniteCheck.Find(WeightFormat.For(found.Target), converted.Address, rows, columns) is { } place)
        {
            converted.Dispose();
            throw FiniteCheck.TooLarge(found.Tensor, found.Target, place);
        }
    }

    private StoredMatrix Store(Source source, FoundTensor found, WeightMatrix matrix, NativeBuffer? owner)
    {
        if (owner is not null)
        {
            Memory.Own(owner);
            source.Converted?.Dispose();
        }
        else
        {
            Memory.Own(source.Converted);
        }

        if ((owner ?? source.Converted) is not null)
        {
            found.Release(); // what is used is a copy: nothing is to be resident twice
        }
        else if (found.Part is null)
        {
            _inPlace[source.Address] = found.Tensor;
        }

        Report(found.Tensor, found.Bytes(matrix.Rows));
        return new StoredMatrix(matrix, found.Target);
    }

    private void Report(TensorInfo tensor) => Report(tensor, tensor.ByteLength);

    private void Report(TensorInfo tensor, long bytes)
    {
        _bytesDone += bytes;
        _options.Progress?.Report(new LoadProgress(tensor.Name, _bytesDone, _check.Bytes));
    }
}
