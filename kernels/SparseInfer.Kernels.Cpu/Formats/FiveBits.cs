using System.Buffers.Binary;

namespace SparseInfer.Kernels.Cpu;

/// <summary>How <see cref="Q5_0"/> and <see cref="Q5_1"/> lay quants out: fifth bits first.</summary>
internal static class FiveBits
{
    /// <summary>Writes 32 quants in 20 bytes.</summary>
    public static void Store(ReadOnlySpan<byte> quants, Span<byte> destination)
    {
        uint fifth = 0;
        for (int k = 0; k < 32; k++)
        {
            fifth |= (uint)(quants[k] >> 4) << k;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(destination, fifth);
        for (int k = 0; k < 16; k++)
        {
            destination[4 + k] = (byte)((quants[k] & 15) | (quants[k + 16] << 4));
        }
    }
}
