using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>
/// A block type of four, five or six bits: 16 bytes have four bits of 32 columns, in the order that the host has in its down matrices; what is above
/// comes at the end of a row. Halves and integers keep their bits: see <c>QuantFormat</c> of the kernels.
/// </summary>
internal sealed unsafe class QuantDeviceFormat<T>() : DeviceFormat<T>(columnsPerWords: 32)
    where T : struct, IQuantFormat
{
    private const ulong FourBits = 0x0f0f0f0f_0f0f0f0f;

    /// <summary>Halves of 256 weights: a scale and a minimum, then two bytes for each 32.</summary>
    private const int SharedHalves = 10;

    /// <summary>Bytes that 32 columns have beyond 16.</summary>
    private static int HighBytes => 4 * T.HighBits;

    private static bool HasIntegers => T.ScaleBytes > 0;

    public override int RowWords(int columns) => (columns / 32) + (((columns / 32 * HighBytes) + 15) / 16);

    public override int ScaleHalves => HasIntegers ? SharedHalves : T.BlockHalves;

    public override void SplitRow(ReadOnlySpan<byte> source, Span<byte> words, Span<ushort> scales)
    {
        int blocks = source.Length / T.BlockBytes;
        int parts = blocks * (T.BlockElements / 32);
        fixed (byte* first = source)
        {
            for (int part = 0; part < parts; part++)
            {
                Store(T.Load(first + (part * 32 / T.BlockElements * T.BlockBytes), part % (T.BlockElements / 32)), words, part, parts);
            }

            for (int block = 0; block < blocks; block++)
            {
                byte* from = first + (block * T.BlockBytes);
                Span<ushort> to = scales.Slice(block * ScaleHalves, ScaleHalves);
                for (int half = 0; half < T.BlockHalves; half++)
                {
                    to[half] = Unsafe.ReadUnaligned<ushort>(from + T.HalvesOffset + (half * sizeof(ushort)));
                }

                if (HasIntegers)
                {
                    // Kernels read both halves, whether or not there is a second one.
                    to[1] = T.BlockHalves > 1 ? to[1] : (ushort)0;
                    for (int part = 0; part < 8; part++)
                    {
                        to[2 + part] = Integers(from + T.ScalesOffset, 1, part);
                    }
                }
            }
        }

        words[(parts * (16 + HighBytes))..].Clear();
    }

    public override void SplitNeuron(ReadOnlySpan<byte> source, Span<byte> words)
    {
        int parts = source.Length / Quants.Bytes(T.HighBits);
        fixed (byte* first = source)
        {
            for (int part = 0; part < parts; part++)
            {
                Store(Quants.Load(first + (part * Quants.Bytes(T.HighBits)), T.HighBits), words, part, parts);
            }
        }

        words[(parts * (16 + HighBytes))..].Clear();
    }

    public override void SplitDownScales(byte* source, int columns, Span<ushort> scales)
    {
        ushort* halves = (ushort*)source;
        byte* integers = source + ((nint)columns * T.BlockHalves * sizeof(ushort));
        if (!HasIntegers && T.BlockHalves == 1)
        {
            new ReadOnlySpan<ushort>(halves, columns).CopyTo(scales);
            return;
        }

        for (int column = 0; column < columns; column++)
        {
            scales[2 * column] = halves[column];
            scales[(2 * column) + 1] = T.BlockHalves > 1 ? halves[columns + column] : (ushort)0;
        }

        for (int part = 0; HasIntegers && part < 8; part++)
        {
            Span<ushort> row = scales.Slice((2 + part) * columns, columns);
            for (int column = 0; column < columns; column++)
            {
                row[column] = Integers(integers + column, columns, part);
            }
        }
    }

    /// <summary>Two bytes of 32 weights: a scale and a minimum, or the scales of both halves.</summary>
    private static ushort Integers(byte* scales, nint stride, int part)
    {
        bool isSplit = T.PartColumns < 32;
        int first = T.Scale(scales, stride, isSplit ? 2 * part : part);
        int second = isSplit ? T.Scale(scales, stride, (2 * part) + 1) : T.Minimum(scales, stride, part);
        return (ushort)((first & 0xff) | ((second & 0xff) << 8));
    }

    /// <summary>Writes 32 quants: four bits of columns i and i + 16 in byte i, bits above of column 4 k + j at place k of byte j.</summary>
    private static void Store(Vector256<byte> quants, Span<byte> words, int part, int parts)
    {
        Vector256<ulong> eights = quants.AsUInt64();
        Span<ulong> four = MemoryMarshal.Cast<byte, ulong>(words.Slice(part * 16, 16));
        four[0] = (eights[0] & FourBits) | ((eights[2] & FourBits) << 4);
        four[1] = (eights[1] & FourBits) | ((eights[3] & FourBits) << 4);
        if (T.HighBits == 0)
        {
            return;
        }

        Vector256<uint> fours = (quants.AsUInt16() >>> 4).AsUInt32() & Vector256.Create(T.HighBits == 1 ? 0x01010101u : 0x03030303u);
        Span<uint> high = MemoryMarshal.Cast<byte, uint>(words.Slice((parts * 16) + (part * HighBytes), HighBytes));
        high.Clear();
        for (int k = 0; k < 8; k++)
        {
            int place = k * T.HighBits;
            high[place / 8] |= fours[k] << (place % 8);
        }
    }
}
