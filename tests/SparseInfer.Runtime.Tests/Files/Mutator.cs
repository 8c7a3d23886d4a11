using System.Buffers.Binary;
using SparseInfer.Files;

namespace SparseInfer.Runtime.Tests.Files;

/// <summary>
/// Damages one file over and over, in a pinned buffer: bits and bytes, fields, truncations, and header regions that are overwritten,
/// repeated or dropped. Nine changes in ten hit the header.
/// </summary>
internal sealed unsafe class Mutator
{
    private const int LongestRegion = 256;

    private static readonly ulong[] FieldValues =
        [0, 1, 2, 31, 255, 1ul << 31, uint.MaxValue, 1ul << 32, long.MaxValue, 1ul << 63, ulong.MaxValue, ulong.MaxValue - 31];

    private readonly byte[] _original;
    private readonly int _headerLength;
    private readonly (int Offset, int Width)[] _fields;
    private readonly byte[] _buffer;
    private readonly List<int> _changedData = [];
    private bool _shifted;
    private int _length;

    /// <param name="original">The sound file.</param>
    /// <param name="headerLength">Where its data starts.</param>
    /// <param name="fields">Its lengths, counts, types and offsets: 4 or 8 bytes wide.</param>
    public Mutator(byte[] original, int headerLength, (int Offset, int Width)[] fields)
    {
        _original = original;
        _headerLength = headerLength;
        _fields = fields;
        _buffer = GC.AllocateUninitializedArray<byte>(original.Length + 4 * LongestRegion, pinned: true);
        original.CopyTo(_buffer, 0);
        _length = original.Length;
    }

    /// <summary>How many changes of those that move the whole data part are really made; they cost a copy of the file.</summary>
    public double ShareOfShifts { get; init; } = 1;

    /// <summary>The file as it is now.</summary>
    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _length);

    /// <summary>Makes one to three changes to the sound file.</summary>
    public void Mutate(Random random)
    {
        Restore();
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            Change(random);
        }
    }

    /// <summary>Opens the file as it is now.</summary>
    public ModelFile Open(string name)
    {
        fixed (byte* start = _buffer)
        {
            return ModelFile.Open(new FileRegion(name, start, _length));
        }
    }

    private void Change(Random random)
    {
        int header = Math.Min(_headerLength, _length);
        if (header == 0)
        {
            return;
        }

        int position = random.Next(10) == 0 ? random.Next(_length) : random.Next(header);
        switch (random.Next(9))
        {
            case 0:
                Set(position, (byte)(_buffer[position] ^ 1 << random.Next(8)));
                break;
            case 1:
                Set(position, 0);
                break;
            case 2:
                Set(position, 0xFF);
                break;
            case 3 or 4 or 5 when _fields.Length > 0:
                var (offset, width) = _fields[random.Next(_fields.Length)];
                ulong value = random.Next(4) == 0 ? (ulong)random.Next(100_000) : FieldValues[random.Next(FieldValues.Length)];
                Span<byte> bytes = stackalloc byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
                if (offset + width <= header)
                {
                    bytes[..width].CopyTo(_buffer.AsSpan(offset));
                }

                break;
            case 6:
                _length = random.Next(position + 1);
                break;
            case 7:
                int size = random.Next(1, Math.Min(LongestRegion, header) + 1);
                int from = random.Next(header - size + 1);
                _buffer.AsSpan(from, size).CopyTo(_buffer.AsSpan(random.Next(header - size + 1)));
                break;
            default:
                if (random.NextDouble() < ShareOfShifts)
                {
                    Shift(random, header);
                }

                break;
        }
    }

    /// <summary>Repeats a region of the header behind itself, or drops it; everything after it moves.</summary>
    private void Shift(Random random, int header)
    {
        int size = random.Next(1, Math.Min(LongestRegion, header) + 1);
        int from = random.Next(header - size + 1);
        bool repeats = random.Next(2) == 0 && _length + size <= _buffer.Length;
        int to = repeats ? from + size : from;
        int source = repeats ? from : from + size;
        _buffer.AsSpan(source, _length - source).CopyTo(_buffer.AsSpan(to));
        _length += to - source;
        _shifted = true;
    }

    private void Set(int position, byte value)
    {
        _buffer[position] = value;
        if (position >= _headerLength)
        {
            _changedData.Add(position);
        }
    }

    private void Restore()
    {
        _length = _original.Length;
        _original.AsSpan(0, _shifted ? _length : _headerLength).CopyTo(_buffer);
        foreach (int position in _changedData.Where(position => position < _length))
        {
            _buffer[position] = _original[position];
        }

        _changedData.Clear();
        _shifted = false;
    }
}
