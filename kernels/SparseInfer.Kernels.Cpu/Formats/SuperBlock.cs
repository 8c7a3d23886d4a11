namespace SparseInfer.Kernels.Cpu;

/// <summary>How quants of four bits lie in blocks of 256 columns.</summary>
internal static class SuperBlock
{
    /// <summary>Writes 256 quants' lower four bits: of each 64 the first 32 in the lower halves of 32 bytes, the others in the upper ones.</summary>
    public static void StoreFourBits(ReadOnlySpan<byte> quants, Span<byte> destination)
    {
        for (int k = 0; k < 128; k++)
        {
            int first = (k / 32 * 64) + (k % 32);
            destination[k] = (byte)((quants[first] & 15) | (quants[first + 32] << 4));
        }
    }
}
