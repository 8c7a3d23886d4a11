using System.Buffers.Binary;

namespace SparseInfer.Files;

/// <summary>
/// Reads a GGUF file front to back. Every length is compared with what is left of the file before anything is done with it, and every
/// failure names what was being read.
/// </summary>
internal sealed class GgufCursor(FileRegion region)
{
    /// <summary>The specification's limit for keys; for tensor names it says 64, which tools exceed.</summary>
    private const int MaximumNameBytes = 65535;

    private string _kind = "the file header";
    private string? _name;
    private long? _number;

    public FileRegion Region => region;

    public long Position { get; private set; }

    public long Remaining => region.Length - Position;

    /// <summary>Says what the bytes that follow belong to, for messages: a kind of thing, and its place until its name is known.</summary>
    public void Enter(string kind, long number) => (_kind, _name, _number) = (kind, null, number);

    /// <summary>Says what the bytes that follow belong to, for messages: a kind of thing, and its name.</summary>
    public void Enter(string kind, string name) => (_kind, _name, _number) = (kind, name, null);

    public uint ReadUInt32(string what)
    {
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(Peek(4, what));
        Position += 4;
        return value;
    }

    public ulong ReadUInt64(string what)
    {
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(Peek(8, what));
        Position += 8;
        return value;
    }

    public ReadOnlySpan<byte> ReadBytes(int length, string what)
    {
        var bytes = Peek(length, what);
        Position += length;
        return bytes;
    }

    /// <summary>Reads a count of things that take at least <paramref name="minimumSize"/> bytes each.</summary>
    public long ReadCount(int minimumSize, string things)
    {
        ulong count = ReadUInt64("a count");
        if (count > (ulong)(Remaining / minimumSize))
        {
            throw Error($"claims {count} {things}, but only {Remaining} bytes are left in the file. {FileText.Mend}");
        }

        return (long)count;
    }

    /// <summary>Reads a key or tensor name.</summary>
    public string ReadName(string what)
    {
        long length = ReadTextLength(what);
        if (length is 0 or > MaximumNameBytes)
        {
            throw Error($"has {what} of {length} bytes, but it must have 1 to {MaximumNameBytes}. {FileText.Mend}");
        }

        return FileText.TryDecode(ReadBytes((int)length, what), out string? name)
            ? name
            : throw Error($"has {what} that is not valid UTF-8. {FileText.Mend}");
    }

    /// <summary>Steps over a string; its text starts where <see cref="Position"/> then is, less the length returned.</summary>
    public long SkipText(string what)
    {
        long length = ReadTextLength(what);
        Position += length;
        return length;
    }

    public void Skip(long length, string what)
    {
        if (length > Remaining)
        {
            throw Truncated(length, what);
        }

        Position += length;
    }

    public ModelFormatException Error(string fault)
    {
        string subject = _name is null ? $"{_kind} {_number}".TrimEnd() : $"{_kind} {FileText.Quote(_name)}";
        return new ModelFormatException(region.Path, $"{subject} {fault}");
    }

    private long ReadTextLength(string what)
    {
        ulong length = ReadUInt64(what);
        if (length > (ulong)Remaining)
        {
            throw Error($"has {what} of {length} bytes, but only {Remaining} bytes are left in the file. {FileText.Mend}");
        }

        return (long)length;
    }

    private ReadOnlySpan<byte> Peek(int length, string what) =>
        length <= Remaining ? region.Span(Position, length) : throw Truncated(length, what);

    private ModelFormatException Truncated(long length, string what) =>
        Error($"is cut off: {what} takes {length} bytes at offset {Position}, but the file ends at {region.Length}. {FileText.Mend}");
}
