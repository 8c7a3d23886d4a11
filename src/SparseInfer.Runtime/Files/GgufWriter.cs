using System.Buffers;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Files;

/// <summary>
/// Writes a GGUF version 3 file: gather metadata and tensors in the order they shall have, then write everything at once. The same calls
/// give the same bytes. Tensor data is read only while writing, so a model larger than memory can be converted.
/// </summary>
public sealed class GgufWriter
{
    private const uint Version = 3;

    private readonly ArrayBufferWriter<byte> _metadata = new();
    private readonly HashSet<string> _keys = [];
    private readonly List<Entry> _tensors = [];
    private readonly HashSet<string> _names = [];
    private long _alignment = GgufFile.DefaultAlignment;

    /// <summary>Adds a text.</summary>
    /// <exception cref="ArgumentException">The key is empty or already there; as for every <c>Add</c>.</exception>
    public void Add(string key, string value)
    {
        Declare(key, GgufValueType.String);
        Put(value);
    }

    /// <summary>Adds a 32-bit unsigned integer; under <c>general.alignment</c> it also aligns the tensors (to 32 by default).</summary>
    /// <exception cref="ArgumentException">The alignment is no power of two from 8 to 2 MiB.</exception>
    public void Add(string key, uint value)
    {
        bool aligns = key == GgufFile.AlignmentKey;
        if (aligns && !GgufFile.IsSoundAlignment(value))
        {
            throw new ArgumentException($"{key} must be a power of two from 8 to 2 MiB, but is {value}.", nameof(value));
        }

        Declare(key, GgufValueType.UInt32);
        Put(value);
        _alignment = aligns ? value : _alignment;
    }

    /// <summary>Adds a 32-bit integer.</summary>
    public void Add(string key, int value)
    {
        Declare(key, GgufValueType.Int32);
        Put(unchecked((uint)value));
    }

    /// <summary>Adds a 64-bit unsigned integer.</summary>
    public void Add(string key, ulong value)
    {
        Declare(key, GgufValueType.UInt64);
        Put(value);
    }

    /// <summary>Adds a 64-bit integer.</summary>
    public void Add(string key, long value)
    {
        Declare(key, GgufValueType.Int64);
        Put(unchecked((ulong)value));
    }

    /// <summary>Adds a single-precision number.</summary>
    public void Add(string key, float value)
    {
        Declare(key, GgufValueType.Float32);
        Put(BitConverter.SingleToUInt32Bits(value));
    }

    /// <summary>Adds a double-precision number.</summary>
    public void Add(string key, double value)
    {
        Declare(key, GgufValueType.Float64);
        Put(BitConverter.DoubleToUInt64Bits(value));
    }

    /// <summary>Adds a truth value.</summary>
    public void Add(string key, bool value)
    {
        Declare(key, GgufValueType.Bool);
        _metadata.Write([value ? (byte)1 : (byte)0]);
    }

    /// <summary>Adds an array of texts.</summary>
    public void Add(string key, IReadOnlyCollection<string> values)
    {
        DeclareArray(key, GgufValueType.String, values.Count);
        foreach (string value in values)
        {
            Put(value);
        }
    }

    /// <summary>Adds an array of single-precision numbers.</summary>
    public void Add(string key, ReadOnlySpan<float> values)
    {
        DeclareArray(key, GgufValueType.Float32, values.Length);
        foreach (float value in values)
        {
            Put(BitConverter.SingleToUInt32Bits(value));
        }
    }

    /// <summary>Adds an array of 32-bit integers.</summary>
    public void Add(string key, ReadOnlySpan<int> values)
    {
        DeclareArray(key, GgufValueType.Int32, values.Length);
        foreach (int value in values)
        {
            Put(unchecked((uint)value));
        }
    }

    /// <summary>Adds an array of bytes.</summary>
    public void Add(string key, ReadOnlySpan<byte> values)
    {
        DeclareArray(key, GgufValueType.UInt8, values.Length);
        _metadata.Write(values);
    }

    /// <summary>Copies a value of any type, nested arrays included, from another GGUF file.</summary>
    /// <param name="source">A GGUF file's metadata.</param>
    /// <param name="key">One of its keys.</param>
    /// <exception cref="ArgumentException">The source is no GGUF file's metadata, or has no such key.</exception>
    public void Copy(ModelMetadata source, string key)
    {
        if (source is not GgufMetadata gguf || gguf.Describe(key) is null)
        {
            throw new ArgumentException($"{source.Path} has no GGUF metadata key {FileText.Quote(key)} to copy.", nameof(source));
        }

        Declare(key, type: null);
        _metadata.Write(gguf.Raw(key));
        if (key == GgufFile.AlignmentKey)
        {
            _alignment = gguf.GetInt64(key);
        }
    }

    /// <summary>Adds a tensor whose bytes are at hand. They are not copied: leave them as they are until the file is written.</summary>
    /// <param name="name">Its name, 64 bytes at most by GGUF's specification; llama.cpp refuses longer ones.</param>
    /// <param name="type">How its elements are stored: a type that ggml knows.</param>
    /// <param name="shape">1 to 4 sizes, outermost first.</param>
    /// <param name="bytes">Its elements, exactly as many bytes as type and shape take.</param>
    /// <exception cref="ArgumentException">Name, type, shape and bytes do not make a tensor.</exception>
    public void AddTensor(string name, TensorType type, ReadOnlySpan<long> shape, ReadOnlyMemory<byte> bytes)
    {
        long length = TensorSize.Of(name, type, shape);
        if (bytes.Length != length)
        {
            throw new ArgumentException($"Tensor {FileText.Quote(name)} takes {length} bytes, not {bytes.Length}.", nameof(bytes));
        }

        AddEntry(name, type, shape, length, stream => stream.Write(bytes.Span));
    }

    /// <summary>Adds a tensor whose bytes are produced while the file is written.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">How its elements are stored: a type that ggml knows.</param>
    /// <param name="shape">1 to 4 sizes, outermost first.</param>
    /// <param name="write">Writes exactly as many bytes to the stream as type and shape take.</param>
    /// <exception cref="ArgumentException">Name, type and shape do not make a tensor.</exception>
    public void AddTensor(string name, TensorType type, ReadOnlySpan<long> shape, Action<Stream> write) =>
        AddEntry(name, type, shape, TensorSize.Of(name, type, shape), write);

    /// <summary>Adds a tensor of another model file, which must stay open until this one is written.</summary>
    /// <param name="tensor">The tensor, of any size.</param>
    /// <param name="name">Its name here; the same by default.</param>
    /// <exception cref="ArgumentException">GGUF cannot hold a tensor of its type or shape.</exception>
    public void AddTensor(TensorInfo tensor, string? name = null) =>
        AddTensor(name ?? tensor.Name, tensor.Type, [.. tensor.Shape], stream => CopyBytes(tensor, stream));

    /// <summary>Size of the file, in bytes.</summary>
    public long MeasureFile()
    {
        long head = Head().WrittenCount;
        return _tensors.Aggregate(head + Padding(head), (length, tensor) => length + tensor.Length + Padding(tensor.Length));
    }

    /// <summary>Writes the file.</summary>
    /// <param name="stream">Written from its current position on; need not seek.</param>
    /// <exception cref="InvalidOperationException">A tensor's callback wrote more or fewer bytes than its shape takes.</exception>
    public void WriteTo(Stream stream)
    {
        ReadOnlySpan<byte> head = Head().WrittenSpan;
        stream.Write(head);
        WriteZeros(stream, Padding(head.Length));
        foreach (var tensor in _tensors)
        {
            var counting = new CountingStream(stream);
            tensor.Write(counting);
            if (counting.Written != tensor.Length)
            {
                throw new InvalidOperationException(
                    $"Tensor {FileText.Quote(tensor.Name)} takes {tensor.Length} bytes, but {counting.Written} were written.");
            }

            WriteZeros(stream, Padding(tensor.Length));
        }
    }

    /// <summary>
    /// The metadata added so far, as a file that has it would give them: for <see cref="ModelFile.FromMemory"/>. Tensors play no part.
    /// </summary>
    /// <param name="name">What messages call the file.</param>
    public ModelMetadata ToMetadata(string name)
    {
        var keys = new GgufWriter();
        keys._metadata.Write(_metadata.WrittenSpan);
        keys._keys.UnionWith(_keys);
        ReadOnlySpan<byte> head = keys.Head().WrittenSpan;
        var memory = NativeBuffer.Allocate(head.Length);
        head.CopyTo(memory.AsSpan<byte>());
        return GgufFile.Read(name, new FileRegion(name, memory)).Metadata;
    }

    /// <summary>Writes the file beside its place and then moves it there: a reader sees the old file or the whole new one.</summary>
    /// <param name="path">The file to create or to replace. Of a link, the target is replaced; of a file, the permissions are kept.</param>
    /// <param name="overwrite">Whether a file of that name is replaced.</param>
    /// <exception cref="IOException">There is a file of that name, and it is not to be replaced; or it could not be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing there is not permitted.</exception>
    public void Save(string path, bool overwrite = true) => AtomicFile.Write(path, overwrite, WriteTo);

    private void AddEntry(string name, TensorType type, ReadOnlySpan<long> shape, long length, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (!_names.Add(name))
        {
            throw new ArgumentException($"There already is a tensor {FileText.Quote(name)}.", nameof(name));
        }

        _tensors.Add(new Entry(name, type, shape.ToArray(), length, write));
    }

    /// <summary>Everything before the data, without the padding.</summary>
    private ArrayBufferWriter<byte> Head()
    {
        var head = new ArrayBufferWriter<byte>();
        head.Write("GGUF"u8);
        head.Write(Version);
        head.Write((ulong)_tensors.Count);
        head.Write((ulong)_keys.Count);
        head.Write(_metadata.WrittenSpan);
        long offset = 0;
        foreach (var tensor in _tensors)
        {
            head.Write(tensor.Name);
            head.Write((uint)tensor.Shape.Length);
            for (int i = tensor.Shape.Length - 1; i >= 0; i--) // innermost first in the file
            {
                head.Write((ulong)tensor.Shape[i]);
            }

            head.Write(tensor.Type.GgmlId!.Value);
            head.Write((ulong)offset);
            offset += tensor.Length + Padding(tensor.Length);
        }

        return head;
    }

    private static unsafe void CopyBytes(TensorInfo tensor, Stream stream)
    {
        using var bytes = new UnmanagedMemoryStream((byte*)tensor.Address, tensor.ByteLength);
        bytes.CopyTo(stream, 1 << 20);
    }

    private static void WriteZeros(Stream stream, long count)
    {
        ReadOnlySpan<byte> zeros = stackalloc byte[256];
        for (; count > 0; count -= zeros.Length)
        {
            stream.Write(zeros[..(int)Math.Min(count, zeros.Length)]);
        }
    }

    private long Padding(long length) => -length & (_alignment - 1);

    private void Declare(string key, GgufValueType? type)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (key == GgufFile.AlignmentKey && type is not (null or GgufValueType.UInt32))
        {
            throw new ArgumentException($"{key} must be a 32-bit unsigned integer.", nameof(key));
        }

        if (!_keys.Add(key))
        {
            throw new ArgumentException($"There already is a key {FileText.Quote(key)}.", nameof(key));
        }

        Put(key);
        if (type is { } known)
        {
            Put((uint)known);
        }
    }

    private void DeclareArray(string key, GgufValueType elementType, int count)
    {
        Declare(key, GgufValueType.Array);
        Put((uint)elementType);
        Put((ulong)count);
    }

    private void Put(uint value) => _metadata.Write(value);

    private void Put(ulong value) => _metadata.Write(value);

    private void Put(string text) => _metadata.Write(text);

    private sealed record Entry(string Name, TensorType Type, long[] Shape, long Length, Action<Stream> Write);
}
