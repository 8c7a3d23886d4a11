namespace SparseInfer.Files;

/// <summary>One tensor of a model file: its name, type and shape, and where its bytes lie in the mapping. Nothing is copied.</summary>
public sealed class TensorInfo
{
    private readonly FileRegion _region;

    /// <summary>Of a part: what it lies in.</summary>
    private TensorInfo? _whole;

    /// <summary>Parts that are needed still.</summary>
    private long _partsInUse;

    internal TensorInfo(FileRegion region, string name, TensorType type, long[] shape, long offset, long byteLength)
    {
        _region = region;
        Name = name;
        Type = type;
        Shape = Array.AsReadOnly(shape);
        Offset = offset;
        ByteLength = byteLength;
    }

    /// <summary>Its name in the file.</summary>
    public string Name { get; }

    /// <summary>How its elements are stored.</summary>
    public TensorType Type { get; }

    /// <summary><see cref="Type"/> as one of the weight types that kernels take; null when they take it not.</summary>
    public WeightType? Weight => Type.Weight;

    /// <summary>
    /// Elements in each dimension, outermost first, whatever the format: a matrix is <c>[rows, columns]</c> and its rows are contiguous.
    /// (GGUF stores the numbers innermost first.) Safetensors allows an empty shape, a scalar, and zero-sized dimensions.
    /// </summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Where its first byte lies, counted from the start of <see cref="File"/>.</summary>
    public long Offset { get; }

    /// <summary>Its size in bytes.</summary>
    public long ByteLength { get; }

    /// <summary>The file that holds it: the shard, where a model has several.</summary>
    public string File => _region.Path;

    /// <summary>
    /// Its first byte in memory. Valid until the <see cref="ModelFile"/> is disposed. GGUF aligns it to <c>general.alignment</c>
    /// (32 by default) bytes; safetensors promises no alignment at all.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The model file was disposed.</exception>
    public unsafe nint Address => (nint)(_region.Start + Offset);

    /// <summary>Its bytes. Valid until the <see cref="ModelFile"/> is disposed.</summary>
    /// <exception cref="InvalidOperationException">It is larger than a span (2 GiB): use <see cref="Address"/>.</exception>
    /// <exception cref="ObjectDisposedException">The model file was disposed.</exception>
    public ReadOnlySpan<byte> Bytes => ByteLength <= int.MaxValue
        ? _region.Span(Offset, (int)ByteLength)
        : throw new InvalidOperationException(
            $"Tensor {FileText.Quote(Name)} has {ByteLength} bytes, more than a span can hold: use Address and ByteLength.");

    /// <summary>The tensors that lie in it one behind the other: without its outermost dimension. What is asked for once is released once.</summary>
    internal TensorInfo[] Parts()
    {
        var parts = new TensorInfo[Shape[0]];
        _partsInUse = parts.Length;
        long bytes = ByteLength / parts.Length;
        for (int i = 0; i < parts.Length; i++)
        {
            string name = FormattableString.Invariant($"{Name}[{i}]");
            parts[i] = new TensorInfo(_region, name, Type, [.. Shape.Skip(1)], Offset + (i * bytes), bytes) { _whole = this };
        }

        return parts;
    }

    /// <summary>A tensor that lies in it with others. When all that were asked for are released, it is.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="from">Its first byte, counted from this one's.</param>
    /// <param name="byteLength">Its bytes.</param>
    internal TensorInfo Part(long[] shape, long from, long byteLength)
    {
        Interlocked.Increment(ref _partsInUse);
        return new TensorInfo(_region, Name, Type, shape, Offset + from, byteLength) { _whole = this };
    }

    /// <summary>What holds it: the same for all tensors of one file.</summary>
    internal FileRegion Region => _region;

    /// <summary>Gives back the memory behind some of its bytes, which are read from the file again when they are touched.</summary>
    internal void DropPages(long from, long length) => _region.DropPages(Offset + from, length);

    /// <summary>Says that its bytes are not needed any more. What was in memory only is gone.</summary>
    internal void Release()
    {
        if (_whole is null || !_region.IsFreedWhole)
        {
            _region.Release(Offset, ByteLength);
        }
        else if (Interlocked.Decrement(ref _whole._partsInUse) == 0)
        {
            _whole.Release();
        }
    }

    /// <summary>Name, type and shape, for messages and the debugger: the name in quotes, cut, without control characters.</summary>
    public override string ToString() => $"{FileText.Quote(Name)} {Type} {FileText.Shape(Shape)}";
}
