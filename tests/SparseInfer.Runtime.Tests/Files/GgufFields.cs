using System.Buffers.Binary;

namespace SparseInfer.Runtime.Tests.Files;

/// <summary>
/// Where the numbers of a sound GGUF file lie that a reader must not trust: every length, count, type, size and offset. Walks the file
/// on its own, so that the reader under test has no part in it.
/// </summary>
internal sealed class GgufFields
{
    private readonly byte[] _file;
    private readonly List<(int Offset, int Width)> _fields = [];
    private int _position;

    public GgufFields(byte[] file)
    {
        _file = file;
        _position = 4;
        Field(4);
        ulong tensors = Field(8);
        ulong keys = Field(8);
        for (ulong i = 0; i < keys; i++)
        {
            Text();
            Value((uint)Field(4));
        }

        for (ulong i = 0; i < tensors; i++)
        {
            Text();
            for (ulong dimensions = Field(4); dimensions > 0; dimensions--)
            {
                Field(8);
            }

            Field(4);
            Field(8);
        }

        HeaderLength = (_position + 31) / 32 * 32;
    }

    /// <summary>Offset and width of each.</summary>
    public (int Offset, int Width)[] All => [.. _fields];

    /// <summary>Where the data starts.</summary>
    public int HeaderLength { get; }

    private ulong Field(int width)
    {
        _fields.Add((_position, width));
        ulong value = width == 4
            ? BinaryPrimitives.ReadUInt32LittleEndian(_file.AsSpan(_position))
            : BinaryPrimitives.ReadUInt64LittleEndian(_file.AsSpan(_position));
        _position += width;
        return value;
    }

    private void Text()
    {
        ulong length = Field(8);
        _position += (int)length;
    }

    private void Value(uint type)
    {
        switch (type)
        {
            case 8:
                Text();
                break;
            case 9:
                uint elementType = (uint)Field(4);
                for (ulong count = Field(8); count > 0; count--)
                {
                    Value(elementType);
                }

                break;
            default:
                _position += type switch { 0 or 1 or 7 => 1, 2 or 3 => 2, 4 or 5 or 6 => 4, _ => 8 };
                break;
        }
    }
}
