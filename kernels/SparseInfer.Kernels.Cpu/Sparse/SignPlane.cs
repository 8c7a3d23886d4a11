using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// The signs of a weight matrix, or another bit of each weight, neuron-major: a row of 64-bit words for each row of the matrix, bits as <see cref="Signs"/> packs them.
/// In bytes, and so in a file, 32 signs are one little-endian 32-bit word, and a row has an even number of those.
/// </summary>
public readonly unsafe partial struct SignPlane
{
    private readonly ulong* _words;

    private SignPlane(ulong* words, int rows, int columns)
    {
        _words = words;
        Rows = rows;
        Columns = columns;
        WordsPerRow = Signs.WordsPerRow(columns);
    }

    /// <summary>Number of rows: neurons.</summary>
    public int Rows { get; }

    /// <summary>Number of signs to a row.</summary>
    public int Columns { get; }

    /// <summary>64-bit words to a row: <see cref="Columns"/> over 64, rounded up.</summary>
    public int WordsPerRow { get; }

    /// <summary>Bytes of a plane.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of signs to a row.</param>
    public static long ByteCount(int rows, int columns) => (long)rows * Signs.WordsPerRow(columns) * sizeof(ulong);

    /// <summary>Allocates a plane of positive signs, for <see cref="Pack{T}(in WeightMatrix, int, int)"/> to fill.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of signs to a row.</param>
    /// <param name="owner">Its memory, for the caller to keep and dispose of.</param>
    /// <exception cref="InsufficientMemoryException">There is no memory for the plane.</exception>
    public static SignPlane Allocate(int rows, int columns, out NativeBuffer owner)
    {
        owner = NativeBuffer.Allocate(ByteCount(rows, columns));
        return FromMemory(owner.Address, rows, columns);
    }

    /// <summary>Describes a plane that lies in memory already, a mapped file's for one.</summary>
    /// <param name="address">First byte, 8-byte aligned. The memory must outlive the plane, and must not move.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of signs to a row.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative, or zero columns.</exception>
    public static SignPlane FromMemory(nint address, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        return new SignPlane((ulong*)address, rows, columns);
    }

    /// <summary>First word of a row. Not bounds-checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref ulong Row(int row) => ref *(_words + ((nint)row * WordsPerRow));

    /// <summary>In how many places a row disagrees with an input's signs.</summary>
    /// <param name="signs">The input's signs, as <see cref="Signs.Pack(ref readonly float, ref ulong, int)"/> packs them.</param>
    /// <param name="row">The row. Not bounds-checked.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Disagreeing(ref readonly ulong signs, int row)
    {
        nint bytes = (nint)WordsPerRow * sizeof(ulong);
        fixed (ulong* input = &signs)
        {
            return SignDisagreement.Count((byte*)_words + (row * bytes), (byte*)input, bytes);
        }
    }

    /// <summary>Lists the rows of a range that disagree with an input's signs in few enough places: those a predictor lets through.</summary>
    /// <param name="signs">The input's signs, as <see cref="Signs.Pack(ref readonly float, ref ulong, int)"/> packs them.</param>
    /// <param name="fromRow">First row.</param>
    /// <param name="toRow">End of the range.</param>
    /// <param name="most">The largest number of disagreements that is let through; a negative one lets nothing through.</param>
    /// <param name="list">Room for a number for every row of the range; what lies behind those that are listed may be overwritten.</param>
    /// <returns>How many are listed, in ascending order.</returns>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public int Agreeing(ref readonly ulong signs, int fromRow, int toRow, int most, ref int list)
    {
        int count = 0;
        nint bytes = (nint)WordsPerRow * sizeof(ulong);
        byte* row = (byte*)_words + (fromRow * bytes);
        fixed (ulong* input = &signs)
        {
            for (int i = fromRow; i < toRow; i++, row += bytes)
            {
                // Without a branch: which neurons are let through cannot be foretold, or there would be no need to test.
                int disagreements = SignDisagreement.Count(row, (byte*)input, bytes);
                Unsafe.Add(ref list, count) = i;
                count += disagreements <= most ? 1 : 0;
            }
        }

        return count;
    }

    /// <summary>
    /// Lists the rows of a range that neither this plane nor another bars: see
    /// <see cref="Agreeing(ref readonly ulong, int, int, int, ref int)"/>.
    /// </summary>
    /// <param name="other">A plane of this one's rows and columns.</param>
    /// <param name="signs">The input's signs, compared with both.</param>
    /// <param name="fromRow">First row.</param>
    /// <param name="toRow">End of the range.</param>
    /// <param name="most">The largest number of disagreements, in each plane, that is let through.</param>
    /// <param name="list">Room for a number for every row of the range.</param>
    /// <returns>How many are listed, in ascending order.</returns>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public int Agreeing(in SignPlane other, ref readonly ulong signs, int fromRow, int toRow, int most, ref int list)
    {
        int count = 0;
        nint bytes = (nint)WordsPerRow * sizeof(ulong);
        byte* row = (byte*)_words + (fromRow * bytes);
        byte* otherRow = (byte*)other._words + (fromRow * bytes);
        fixed (ulong* input = &signs)
        {
            for (int i = fromRow; i < toRow; i++, row += bytes, otherRow += bytes)
            {
                int disagreements = Math.Max(
                    SignDisagreement.Count(row, (byte*)input, bytes), SignDisagreement.Count(otherRow, (byte*)input, bytes));
                Unsafe.Add(ref list, count) = i;
                count += disagreements <= most ? 1 : 0;
            }
        }

        return count;
    }
}
