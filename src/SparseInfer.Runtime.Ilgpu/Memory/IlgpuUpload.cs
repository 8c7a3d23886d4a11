using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime;

/// <summary>
/// Copies a program's weights to its device, each once, in the layout that kernels read. What the host had of a matrix is given back as
/// soon as it is in page-locked memory, so that a model is never resident twice; from there it is copied while the next is prepared.
/// </summary>
public sealed partial class IlgpuUpload
{
    /// <summary>Columns that floats on the device are padded to.</summary>
    private const int VectorPadding = 256;

    private readonly IlgpuDevice _device;
    private readonly NativeMemoryPool _memory;
    private readonly Action<nint> _giveBack;
    private readonly Func<InvalidDataException, Exception> _refuse;
    private readonly UploadRing _ring;

    internal IlgpuUpload(IlgpuDevice device, WeightBinder bind)
    {
        _device = device;
        _memory = bind.Memory;
        _giveBack = bind.GiveBack;
        _refuse = bind.Refuse;
        _ring = new UploadRing(device, bind.Memory);
        bind.AfterPacking(_ => Finish());
    }

    internal IlgpuUpload(IlgpuDevice device, FeedForwardBinder bind)
    {
        _device = device;
        _memory = bind.Memory;
        _giveBack = address => bind.Memory.Free(address);
        _refuse = wrong => new ArgumentException(wrong.Message, wrong);
        _ring = new UploadRing(device, bind.Memory);
    }

    /// <summary>Waits until everything is on the device.</summary>
    internal void Finish() => _ring.Finish();

    /// <summary>A matrix.</summary>
    /// <param name="m">What the binder gave.</param>
    /// <param name="rows">Declared rows.</param>
    /// <param name="columns">Declared columns.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    public DeviceMatrix Matrix(StoredMatrix m, int rows, int columns) => Matrix(m, rows, columns, packsSigns: false, out _);

    /// <summary>A matrix, and its signs: those of a prepared file, once compared, or packed now.</summary>
    /// <param name="m">What the binder gave.</param>
    /// <param name="rows">Declared rows.</param>
    /// <param name="columns">Declared columns.</param>
    /// <param name="packsSigns">Whether the signs are wanted.</param>
    /// <param name="signs">
    /// [rows x words a row], 32 signs a uint, the first in the lowest bit; padded with zeros to whole elements. Empty where they are not wanted.
    /// </param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for them.</exception>
    /// <exception cref="Files.ModelFormatException">The file's signs are another matrix's.</exception>
    public DeviceMatrix Matrix(StoredMatrix m, int rows, int columns, bool packsSigns, out ArrayView<Words4> signs) =>
        Matrix(m, rows, columns, packsSigns, out signs, packsMagnitudes: false, out _);

    /// <summary>A matrix, its signs, and which of its weights are large.</summary>
    /// <param name="m">What the binder gave.</param>
    /// <param name="rows">Declared rows.</param>
    /// <param name="columns">Declared columns.</param>
    /// <param name="packsSigns">Whether the signs are wanted.</param>
    /// <param name="signs">A bit of each weight, padded with zeros to whole elements. Empty where they are not wanted.</param>
    /// <param name="packsMagnitudes">Whether the magnitudes are wanted.</param>
    /// <param name="magnitudes">The same of magnitudes.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for them.</exception>
    /// <exception cref="Files.ModelFormatException">The file's signs are another matrix's.</exception>
    public DeviceMatrix Matrix(
        StoredMatrix m, int rows, int columns, bool packsSigns, out ArrayView<Words4> signs, bool packsMagnitudes, out ArrayView<Words4> magnitudes) =>
        Matrix(m, rows, columns, packsSigns, out signs, packsMagnitudes, out magnitudes, measuresRows: false, out _);

    /// <summary>A matrix, its signs, and the mean absolute value of each of its rows.</summary>
    /// <inheritdoc cref="Matrix(StoredMatrix, int, int, bool, out ArrayView{Words4}, bool, out ArrayView{Words4}, bool, out ArrayView{float})"/>
    public DeviceMatrix Matrix(
        StoredMatrix m, int rows, int columns, bool packsSigns, out ArrayView<Words4> signs, bool measuresRows, out ArrayView<float> means) =>
        Matrix(m, rows, columns, packsSigns, out signs, packsMagnitudes: false, out _, measuresRows, out means);

    /// <summary>A matrix, its signs, which of its weights are large, and the mean absolute value of each of its rows.</summary>
    /// <param name="m">What the binder gave.</param>
    /// <param name="rows">Declared rows.</param>
    /// <param name="columns">Declared columns.</param>
    /// <param name="packsSigns">Whether the signs are wanted.</param>
    /// <param name="signs">A bit of each weight, padded with zeros to whole elements. Empty where they are not wanted.</param>
    /// <param name="packsMagnitudes">Whether the magnitudes are wanted.</param>
    /// <param name="magnitudes">The same of magnitudes.</param>
    /// <param name="measuresRows">Whether the means are wanted.</param>
    /// <param name="means">[rows]. Empty where they are not wanted.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for them.</exception>
    /// <exception cref="Files.ModelFormatException">The file's signs are another matrix's.</exception>
    public DeviceMatrix Matrix(
        StoredMatrix m,
        int rows,
        int columns,
        bool packsSigns,
        out ArrayView<Words4> signs,
        bool packsMagnitudes,
        out ArrayView<Words4> magnitudes,
        bool measuresRows,
        out ArrayView<float> means)
    {
        WeightMatrix matrix = m.Weights;
        Require(matrix.Rows == rows && matrix.Columns == columns, rows, columns);
        int rowWords = DeviceFormat.For(m.Type).RowWords(matrix.PaddedColumns);
        ArrayView<Words4>? mapped = Mapped(matrix.Address, matrix.Stride, m.Type, rows, rowWords);
        DeviceMatrix uploaded = mapped is { } words
            ? new DeviceMatrix(m.Type, words, default, rows, columns, rowWords)
            : Rows([matrix], m.Type, columns, firstRow: 0);
        signs = packsSigns ? Bits(Plane(m)) : default;
        magnitudes = packsMagnitudes ? Bits(DeviceFormat.For(m.Type).PackMagnitudes(matrix, _memory)) : default;
        means = measuresRows ? Vector(DeviceFormat.For(m.Type).RowMeans(matrix)) : default;
        if (mapped is null)
        {
            _giveBack(matrix.Address);
        }

        return uploaded;
    }

    /// <summary>Matrices of a layer's experts, one behind the other: each is asked for once those before it are copied.</summary>
    /// <param name="experts">How many.</param>
    /// <param name="expert">What the binder gives.</param>
    /// <param name="rows">Declared rows of each.</param>
    /// <param name="columns">Declared columns.</param>
    /// <returns>A matrix of all experts' rows.</returns>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for them.</exception>
    public DeviceMatrix Matrix(int experts, Func<int, StoredMatrix> expert, int rows, int columns) =>
        Matrix(experts, expert, rows, columns, packsSigns: false, out _);

    /// <summary>The same, with their signs.</summary>
    /// <inheritdoc cref="Matrix(StoredMatrix, int, int, bool, out ArrayView{Words4})"/>
    /// <inheritdoc cref="Matrix(int, Func{int, StoredMatrix}, int, int)"/>
    public DeviceMatrix Matrix(int experts, Func<int, StoredMatrix> expert, int rows, int columns, bool packsSigns, out ArrayView<Words4> signs) =>
        Matrix(experts, expert, rows, columns, packsSigns, out signs, packsMagnitudes: false, out _);

    /// <summary>The same, with their signs, and which of their weights are large.</summary>
    /// <inheritdoc cref="Matrix(StoredMatrix, int, int, bool, out ArrayView{Words4}, bool, out ArrayView{Words4})"/>
    /// <inheritdoc cref="Matrix(int, Func{int, StoredMatrix}, int, int)"/>
    public DeviceMatrix Matrix(
        int experts,
        Func<int, StoredMatrix> expert,
        int rows,
        int columns,
        bool packsSigns,
        out ArrayView<Words4> signs,
        bool packsMagnitudes,
        out ArrayView<Words4> magnitudes)
    {
        ArgumentNullException.ThrowIfNull(expert);
        RowBuffers? buffers = null;
        DeviceBuffer<Words4>? allSigns = null;
        DeviceBuffer<Words4>? allMagnitudes = null;
        for (int i = 0; i < experts; i++)
        {
            StoredMatrix m = expert(i);
            WeightMatrix matrix = m.Weights;
            Require(matrix.Rows == rows && matrix.Columns == columns, rows, columns);
            buffers ??= RoomFor(m.Type, experts * rows, matrix.PaddedColumns);
            buffers.Value.Copy(this, matrix, i * rows);
            if (packsSigns)
            {
                CopyBits(Plane(m), ref allSigns, experts, i);
            }

            if (packsMagnitudes)
            {
                CopyBits(DeviceFormat.For(m.Type).PackMagnitudes(matrix, _memory), ref allMagnitudes, experts, i);
            }

            _giveBack(matrix.Address);
        }

        signs = allSigns?.View ?? default;
        magnitudes = allMagnitudes?.View ?? default;
        return buffers!.Value.Matrix(experts * rows, columns, firstRow: 0);
    }

    /// <summary>
    /// Matrices of one width one below the other: those of one type that follow each other become one, so that one launch serves them.
    /// </summary>
    /// <param name="parts">What the binder gave, and the rows that are declared.</param>
    /// <param name="columns">Declared columns.</param>
    /// <returns>One for each run of a type.</returns>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for them.</exception>
    public DeviceMatrix[] Stack(ReadOnlySpan<(StoredMatrix Matrix, int Rows)> parts, int columns)
    {
        var stacked = new List<DeviceMatrix>();
        int firstRow = 0;
        for (int from = 0; from < parts.Length;)
        {
            WeightType type = parts[from].Matrix.Type;
            var run = new List<WeightMatrix>();
            for (; from < parts.Length && parts[from].Matrix.Type == type; from++)
            {
                WeightMatrix matrix = parts[from].Matrix.Weights;
                Require(matrix.Rows == parts[from].Rows && matrix.Columns == columns, parts[from].Rows, columns);
                run.Add(matrix);
            }

            DeviceMatrix rows = Rows(CollectionsMarshal.AsSpan(run), type, columns, firstRow);
            foreach (WeightMatrix matrix in run)
            {
                _giveBack(matrix.Address);
            }

            stacked.Add(rows);
            firstRow += rows.Rows;
        }

        return [.. stacked];
    }

    private DeviceMatrix Rows(ReadOnlySpan<WeightMatrix> parts, WeightType type, int columns, int firstRow)
    {
        int rows = 0;
        foreach (WeightMatrix matrix in parts)
        {
            rows += matrix.Rows;
        }

        RowBuffers buffers = RoomFor(type, rows, parts[0].PaddedColumns);
        int done = 0;
        foreach (WeightMatrix matrix in parts)
        {
            buffers.Copy(this, matrix, done);
            done += matrix.Rows;
        }

        return buffers.Matrix(rows, columns, firstRow);
    }

    private RowBuffers RoomFor(WeightType type, int rows, int paddedColumns)
    {
        DeviceFormat format = DeviceFormat.For(type);
        int rowWords = format.RowWords(paddedColumns);
        DeviceBuffer<Words4> words = Own<Words4>((long)rows * rowWords);
        int rowScales = paddedColumns / format.BlockColumns * format.ScaleHalves;
        return new RowBuffers(type, rowWords, words, format.IsBlock ? Own<ushort>((long)rows * rowScales) : null);
    }

    /// <summary>Where rows of a type go.</summary>
    private readonly record struct RowBuffers(WeightType Type, int RowWords, DeviceBuffer<Words4> Words, DeviceBuffer<ushort>? Scales)
    {
        public void Copy(IlgpuUpload upload, WeightMatrix matrix, int firstRow)
        {
            if (Scales is null)
            {
                upload.CopyRows(matrix, RowWords, Words, firstRow);
            }
            else
            {
                upload.CopyBlocks(matrix, DeviceFormat.For(Type), RowWords, Words, Scales, firstRow);
            }
        }

        public DeviceMatrix Matrix(int rows, int columns, int firstRow) =>
            new(Type, Words.View, Scales?.View ?? default, rows, columns, RowWords, firstRow);
    }

    /// <summary>A down matrix: its neurons are rows. <see cref="DeviceMatrix.Scales"/> says where its scales lie.</summary>
    /// <param name="m">What the binder gave.</param>
    /// <param name="type">Its weight type.</param>
    /// <param name="hidden">Declared width.</param>
    /// <param name="intermediate">Declared neurons.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    public unsafe DeviceMatrix Down(DownMatrix m, WeightType type, int hidden, int intermediate)
    {
        Require(m.Neurons == intermediate && m.Columns == hidden, intermediate, hidden);
        int rowWords = DeviceFormat.For(type).RowWords(m.PaddedColumns);
        return Mapped((nint)Unsafe.AsPointer(ref m.Neuron(0)), m.NeuronBytes, type, intermediate, rowWords) is { } mapped
            ? new DeviceMatrix(type, mapped, default, intermediate, hidden, rowWords)
            : Down(1, _ => m, type, hidden, intermediate);
    }

    /// <summary>Down matrices of a layer's experts, one behind the other: each is asked for once those before it are copied.</summary>
    /// <param name="experts">How many.</param>
    /// <param name="expert">What the binder gives.</param>
    /// <param name="type">Their weight type.</param>
    /// <param name="hidden">Declared width.</param>
    /// <param name="intermediate">Declared neurons of each.</param>
    /// <returns>A matrix of all experts' neurons.</returns>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for them.</exception>
    public unsafe DeviceMatrix Down(int experts, Func<int, DownMatrix> expert, WeightType type, int hidden, int intermediate)
    {
        ArgumentNullException.ThrowIfNull(expert);
        DeviceFormat format = DeviceFormat.For(type);
        int sharing = Math.Max(DownMatrix.BlockNeurons, format.BlockColumns);
        int blocks = (intermediate + sharing - 1) / sharing;
        DeviceBuffer<Words4>? words = null;
        DeviceBuffer<ushort>? scales = null;
        int rowWords = 0;
        for (int i = 0; i < experts; i++)
        {
            DownMatrix m = expert(i);
            Require(m.Neurons == intermediate && m.Columns == hidden, intermediate, hidden);
            rowWords = format.RowWords(m.PaddedColumns);
            int blockScales = m.PaddedColumns * format.ScaleHalves;
            words ??= Own<Words4>((long)experts * intermediate * rowWords);
            if (!format.IsBlock)
            {
                ref byte first = ref m.Neuron(0);
                CopyRows(WeightMatrix.FromMemory((nint)Unsafe.AsPointer(ref first), intermediate, hidden, m.NeuronBytes), rowWords, words, i * intermediate);
                _giveBack((nint)Unsafe.AsPointer(ref first));
                continue;
            }

            scales ??= Own<ushort>((long)experts * blocks * blockScales);
            int part = RowsOfPart((sharing * (long)rowWords * Unsafe.SizeOf<Words4>()) + (blockScales * sizeof(ushort)), blocks);
            for (int from = 0; from < blocks; from += part)
            {
                CopyDownBlocks(m, format, from, Math.Min(blocks, from + part), rowWords, words, scales, i);
            }

            _giveBack((nint)Unsafe.AsPointer(ref m.Scales(0)));
        }

        return new DeviceMatrix(type, words!.View, scales?.View ?? default, experts * intermediate, hidden, rowWords);
    }

    /// <summary>A table whose rows are added to activations, in F32 whatever the file has: a token reads one row.</summary>
    /// <param name="m">What the binder gave.</param>
    /// <param name="rows">Declared rows.</param>
    /// <param name="columns">Declared columns.</param>
    /// <returns>[rows x padded columns], four columns an element.</returns>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    public ArrayView<Float4> Table(StoredMatrix m, int rows, int columns)
    {
        WeightMatrix matrix = m.Weights;
        Require(matrix.Rows == rows && matrix.Columns == columns, rows, columns);
        DeviceFormat format = DeviceFormat.For(m.Type);
        int padded = matrix.PaddedColumns;
        DeviceBuffer<float> buffer = Own<float>((long)rows * padded);
        int part = RowsOfPart((long)padded * sizeof(float), rows);
        for (int from = 0; from < rows; from += part)
        {
            int count = Math.Min(part, rows - from);
            UploadRing.Staged<float> staged = _ring.Room<float>(count * padded);
            for (int row = 0; row < count; row++)
            {
                format.Widen(in matrix, from + row, staged.Span.Slice(row * padded, padded));
            }

            staged.Send(buffer, (long)from * padded);
        }

        _giveBack(matrix.Address);
        return buffer.View.Cast<Float4>();
    }

    /// <summary>A norm's weights or a bias, padded with zeros to a multiple of 256.</summary>
    /// <param name="padded">What the binder gave.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    public ArrayView<float> Vector(float[] padded)
    {
        ArgumentNullException.ThrowIfNull(padded);
        int count = (padded.Length + VectorPadding - 1) / VectorPadding * VectorPadding;
        DeviceBuffer<float> buffer = Own<float>(count);
        UploadRing.Staged<float> staged = _ring.Room<float>(count);
        padded.CopyTo(staged.Span);
        staged.Span[padded.Length..].Clear();
        staged.Send(buffer, 0);
        return buffer.View;
    }

    /// <summary>Vectors of a layer's experts, one behind the other without padding between them.</summary>
    /// <param name="experts">How many.</param>
    /// <param name="expert">What the binder gives.</param>
    /// <param name="length">Declared elements of each.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for them.</exception>
    public ArrayView<float> Vector(int experts, Func<int, float[]> expert, int length)
    {
        ArgumentNullException.ThrowIfNull(expert);
        float[] all = new float[experts * length];
        for (int i = 0; i < experts; i++)
        {
            expert(i).AsSpan(0, length).CopyTo(all.AsSpan(i * length));
        }

        return Vector(all);
    }

    /// <summary>Biases one after the other, without padding between them.</summary>
    /// <param name="parts">What the binder gave, and the elements that are declared.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for them.</exception>
    public ArrayView<float> Stack(ReadOnlySpan<(float[] Vector, int Length)> parts)
    {
        var stacked = new List<float>();
        foreach ((float[] vector, int length) in parts)
        {
            stacked.AddRange(vector.AsSpan(0, length));
        }

        return Vector([.. stacked]);
    }

    /// <summary>A norm's weights, and its biases where it has some.</summary>
    /// <param name="weight">What the binder gave.</param>
    /// <param name="bias">What the binder gave; null: the norm has none.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    public DeviceNorm Norm(float[] weight, float[]? bias = null) => new(Quads(weight), bias is null ? default : Quads(bias));

    private ArrayView<Float4> Quads(float[] padded) => Vector(padded).Cast<Float4>();

    private ArrayView<Words4> Bits(SignPlane plane)
    {
        DeviceBuffer<Words4>? buffer = null;
        CopyBits(plane, ref buffer, planes: 1, number: 0);
        return buffer!.View;
    }

    /// <summary>Copies a plane of bits, the <c>number</c>-th of so many: for the first, a buffer is allocated that all fit in.</summary>
    private void CopyBits(SignPlane plane, ref DeviceBuffer<Words4>? buffer, int planes, int number)
    {
        int hostWords = plane.WordsPerRow * 2;
        int rowWords = (hostWords + 3) / 4;
        buffer ??= Own<Words4>((long)planes * plane.Rows * rowWords);
        int part = RowsOfPart((long)rowWords * Unsafe.SizeOf<Words4>(), plane.Rows);
        for (int from = 0; from < plane.Rows; from += part)
        {
            int rows = Math.Min(part, plane.Rows - from);
            UploadRing.Staged<Words4> staged = _ring.Room<Words4>(rows * rowWords);
            Span<uint> padded = MemoryMarshal.Cast<Words4, uint>(staged.Span);
            padded.Clear();
            for (int row = 0; row < rows; row++)
            {
                MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<ulong, uint>(ref plane.Row(from + row)), hostWords)
                    .CopyTo(padded.Slice(row * rowWords * 4, hostWords));
            }

            staged.Send(buffer, (((long)number * plane.Rows) + from) * rowWords);
        }

        GiveBack(plane);
    }

    private SignPlane Plane(StoredMatrix m)
    {
        try
        {
            return DeviceFormat.For(m.Type).PackSigns(m.Weights, _memory);
        }
        catch (InvalidDataException exception)
        {
            throw _refuse(exception);
        }
    }

    private unsafe void GiveBack(SignPlane plane) => _giveBack((nint)Unsafe.AsPointer(ref plane.Row(0)));

    private DeviceBuffer<T> Own<T>(long count)
        where T : unmanaged
    {
        DeviceBuffer<T> buffer = _device.Allocate<T>(count, "the model's weights", zeroed: false);
        _memory.Own(buffer);
        return buffer;
    }

    private static void Require(bool fits, int rows, int columns)
    {
        if (!fits)
        {
            throw new ArgumentException($"The matrix is not the declared one of {rows} rows and {columns} columns.");
        }
    }
}
