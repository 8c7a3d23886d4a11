namespace SparseInfer.Text;

/// <summary>
/// The 256 characters that stand for bytes in byte-level vocabularies: printable ones for themselves, the rest from U+0100 on. GPT-2's
/// (<c>bytes_to_unicode</c> in its encoder.py).
/// </summary>
internal static class ByteAlphabet
{
    private const int FirstStandIn = 0x100;

    private static readonly char[] Characters = new char[256];
    private static readonly short[] Bytes = new short[FirstStandIn + 256];

    static ByteAlphabet()
    {
        Array.Fill(Bytes, (short)-1);
        int standIn = FirstStandIn;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            Characters[value] = (char)(printable ? value : standIn++);
            Bytes[Characters[value]] = (short)value;
        }
    }

    /// <summary>The character that stands for a byte.</summary>
    public static char ToCharacter(byte value) => Characters[value];

    /// <summary>The byte that a character stands for, if it stands for one.</summary>
    public static bool TryGetByte(char character, out byte value)
    {
        short found = character < Bytes.Length ? Bytes[character] : (short)-1;
        value = (byte)found;
        return found >= 0;
    }
}
