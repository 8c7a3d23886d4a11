using System.Buffers.Binary;
using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>Goes through the fields of a protocol buffer message.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message, string path)
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int LengthDelimited = 2;
    private const int Fixed32 = 5;

    private ReadOnlySpan<byte> _rest = message;

    /// <summary>The number of the field that <see cref="Read"/> came to.</summary>
    public int Field { get; private set; }

    /// <summary>Its value where it is an integer, or the bits of a float.</summary>
    public ulong Number { get; private set; }

    /// <summary>Its value where it is a text, bytes or a message; else empty.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Goes to the next field.</summary>
    /// <exception cref="ModelFormatException">The bytes are no message.</exception>
    public bool Read()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }

        ulong tag = ReadVarint();
        Field = (int)Math.Min(tag >> 3, int.MaxValue);
        Bytes = default;
        switch (tag & 7)
        {
            case Varint:
                Number = ReadVarint();
                break;
            case Fixed64:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case LengthDelimited:
                Bytes = Take(ReadVarint());
                break;
            case Fixed32:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                break;
            default:
                throw Damaged();
        }

        return true;
    }

    /// <summary>The reader of the message that is the value.</summary>
    public readonly ProtobufReader Message() => new(Bytes, path);

    /// <summary>The text that is the value.</summary>
    public readonly string Text() => FileText.TryDecode(Bytes, out string? text)
        ? text
        : throw new ModelFormatException(path, $"a text in it is not valid UTF-8. {FileText.Mend}");

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = Take(1)[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Damaged();
    }

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)_rest.Length)
        {
            throw Damaged();
        }

        ReadOnlySpan<byte> taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }

    private readonly ModelFormatException Damaged() => new(path, $"this is no SentencePiece model. {FileText.Mend}");
}
