namespace SparseInfer.Sampling;

/// <summary>
/// Ranges of code points as sequences of ranges of bytes, as RE2 compiles them (Russ Cox, Regular Expression Matching in the Wild, 2010): U+0080 to U+07FF
/// is C2..DF, 80..BF.
/// </summary>
internal static class Utf8Ranges
{
    private const int ContinuationBits = 6;

    /// <summary>The sequences of a range, in ascending order.</summary>
    /// <param name="first">The first code point.</param>
    /// <param name="last">The last one; no surrogate is between them.</param>
    /// <param name="sequences">Gets them: one to four ranges of bytes each.</param>
    public static void Split(int first, int last, List<(byte First, byte Last)[]> sequences)
    {
        int length = LengthOf(first);
        int end = LastOf(length);
        if (last > end)
        {
            Split(first, end, sequences);
            Split(end + 1, last, sequences);
            return;
        }

        for (int i = 1; i < length; i++)
        {
            int mask = (1 << (ContinuationBits * i)) - 1;
            if ((first & ~mask) == (last & ~mask))
            {
                continue;
            }

            if ((first & mask) != 0)
            {
                Split(first, first | mask, sequences);
                Split((first | mask) + 1, last, sequences);
                return;
            }

            if ((last & mask) != mask)
            {
                Split(first, (last & ~mask) - 1, sequences);
                Split(last & ~mask, last, sequences);
                return;
            }
        }

        var sequence = new (byte, byte)[length];
        for (int i = 0; i < length; i++)
        {
            sequence[i] = (ByteOf(first, i, length), ByteOf(last, i, length));
        }

        sequences.Add(sequence);
    }

    private static int LengthOf(int codePoint) => codePoint switch { <= 0x7F => 1, <= 0x7FF => 2, <= 0xFFFF => 3, _ => 4 };

    private static int LastOf(int length) => length switch { 1 => 0x7F, 2 => 0x7FF, 3 => 0xFFFF, _ => CodePointSet.Last };

    private static byte ByteOf(int codePoint, int index, int length)
    {
        int bits = codePoint >> (ContinuationBits * (length - 1 - index));
        int lead = length switch { 1 => 0, 2 => 0xC0, 3 => 0xE0, _ => 0xF0 };
        return (byte)(index == 0 ? lead | bits : 0x80 | (bits & 0x3F));
    }
}
