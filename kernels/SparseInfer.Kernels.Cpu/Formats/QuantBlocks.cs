using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// What is the same for all <see cref="IQuantFormat"/>s. A block of a down matrix has exactly the bytes of the file's blocks: a row for each half,
/// a row for each byte of integer scales and minima, then the neurons' quants, as <see cref="Quants"/> packs them.
/// </summary>
internal static unsafe class QuantBlocks
{
    public static nint RowBytes<T>(int columns)
        where T : IQuantFormat => (nint)(columns / T.BlockElements) * T.BlockBytes;

    public static nint DownScaleBytes<T>(int paddedColumns)
        where T : IQuantFormat => ((nint)T.BlockHalves * sizeof(ushort) + T.ScaleBytes) * paddedColumns;

    public static nint DownNeuronBytes<T>(int paddedColumns)
        where T : IQuantFormat => (nint)(paddedColumns / 32) * Quants.Bytes(T.HighBits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load32<T>(ref byte row, nuint column, out Vector512<float> lo, out Vector512<float> hi)
        where T : IQuantFormat
    {
        fixed (byte* first = &row)
        {
            byte* block = first + ((nint)column / T.BlockElements * T.BlockBytes);
            int part = (int)((nint)column % T.BlockElements) / 32;
            byte* scales = block + T.ScalesOffset;
            int lower = part * (32 / T.PartColumns);
            int upper = ((part * 32) + 16) / T.PartColumns;
            float scale = Half(block + T.HalvesOffset);
            Widen<T>(T.Load(block, part), out lo, out hi);
            lo *= Vector512.Create(scale * T.Scale(scales, 1, lower));
            hi *= Vector512.Create(scale * T.Scale(scales, 1, upper));
            if (T.BlockHalves > 1)
            {
                float minimum = Half(block + T.HalvesOffset + sizeof(ushort));
                lo -= Vector512.Create(minimum * T.Minimum(scales, 1, lower));
                hi -= Vector512.Create(minimum * T.Minimum(scales, 1, upper));
            }
        }
    }

    /// <summary>In true scale.</summary>
    public static void LoadDown32<T>(
        ref byte scales, ref byte neuron, int inBlock, int paddedColumns, nuint column, out Vector512<float> lo, out Vector512<float> hi)
        where T : IQuantFormat
    {
        float* scale = stackalloc float[32];
        float* minimum = stackalloc float[32];
        fixed (byte* halves = &scales, quants = &neuron)
        {
            byte* minima = halves + (paddedColumns * sizeof(ushort));
            byte* integers = halves + ((nint)paddedColumns * T.BlockHalves * sizeof(ushort));
            int part = inBlock / T.PartColumns;
            for (int k = 0; k < 32; k++)
            {
                nint at = (nint)column + k;
                scale[k] = Half(halves + (at * sizeof(ushort))) * T.Scale(integers + at, paddedColumns, part);
                minimum[k] = T.BlockHalves == 1 ? 0 : Half(minima + (at * sizeof(ushort))) * T.Minimum(integers + at, paddedColumns, part);
            }

            Widen<T>(Quants.Load(quants + DownNeuronBytes<T>((int)column), T.HighBits), out lo, out hi);
        }

        lo *= Vector512.Load(scale);
        hi *= Vector512.Load(scale + 16);
        if (T.BlockHalves > 1)
        {
            lo -= Vector512.Load(minimum);
            hi -= Vector512.Load(minimum + 16);
        }
    }

    /// <summary>See <see cref="IWeightFormat.TransposeDown"/>. A tile of 32 columns' blocks is taken apart at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeDown<T>(ref byte source, nint sourceStride, int columns, ref byte block, int neurons)
        where T : IQuantFormat
    {
        const int TileColumns = 32;
        int paddedColumns = Padding.Pad(columns);
        byte* tile = stackalloc byte[256 * TileColumns];
        byte* turned = stackalloc byte[TileColumns];
        fixed (byte* blocks = &source, destination = &block)
        {
            byte* integers = destination + ((nint)paddedColumns * T.BlockHalves * sizeof(ushort));
            byte* quants = destination + DownScaleBytes<T>(paddedColumns);
            for (int column = 0; column < columns; column += TileColumns)
            {
                int count = Math.Min(TileColumns, columns - column);
                new Span<byte>(tile, neurons * TileColumns).Clear();
                for (int j = 0; j < count; j++)
                {
                    byte* from = blocks + ((column + j) * sourceStride);
                    for (int half = 0; half < T.BlockHalves; half++)
                    {
                        nint at = ((nint)half * paddedColumns) + column + j;
                        *(ushort*)(destination + (at * sizeof(ushort))) =
                            Unsafe.ReadUnaligned<ushort>(from + T.HalvesOffset + (half * sizeof(ushort)));
                    }

                    for (int k = 0; k < T.ScaleBytes; k++)
                    {
                        integers[((nint)k * paddedColumns) + column + j] = from[T.ScalesOffset + k];
                    }

                    for (int part = 0; part < T.BlockElements / 32; part++)
                    {
                        T.Load(from, part).Store(tile + (j * T.BlockElements) + (part * 32));
                    }
                }

                for (int i = 0; i < neurons; i++)
                {
                    for (int j = 0; j < TileColumns; j++)
                    {
                        turned[j] = tile[(j * T.BlockElements) + i];
                    }

                    byte* to = quants + (i * DownNeuronBytes<T>(paddedColumns)) + DownNeuronBytes<T>(column);
                    Quants.Store(new ReadOnlySpan<byte>(turned, TileColumns), to, T.HighBits);
                }
            }
        }
    }

    /// <summary>See <see cref="IWeightFormat.FirstNonFinite"/>.</summary>
    public static nint FirstNonFinite<T>(ref byte source, nint elements)
        where T : IQuantFormat
    {
        nint blocks = elements / T.BlockElements;
        for (nint block = 0; block < blocks; block++)
        {
            ref byte halves = ref Unsafe.Add(ref source, (block * T.BlockBytes) + T.HalvesOffset);
            if (NonFinite.FirstHalf(ref halves, T.BlockHalves) >= 0)
            {
                return block * T.BlockElements;
            }
        }

        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Half(byte* half) => Widening.Half(Unsafe.ReadUnaligned<short>(half));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Widen<T>(Vector256<byte> quants, out Vector512<float> lo, out Vector512<float> hi)
        where T : IQuantFormat
    {
        Vector256<sbyte> signed = quants.AsSByte() - Vector256.Create((sbyte)T.Excess);
        lo = Vector512.ConvertToSingle(Widening.Int8(signed.GetLower()));
        hi = Vector512.ConvertToSingle(Widening.Int8(signed.GetUpper()));
    }
}
