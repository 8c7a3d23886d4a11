using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime;

/// <summary>How a weight type lies on a device, and how it comes to lie so.</summary>
internal abstract class DeviceFormat
{
    /// <summary>A type each, in the vocabulary's order.</summary>
    private static readonly DeviceFormat[] All =
    [
        new DeviceFormat<Kernels.Cpu.F32>(columnsPerWords: 4),
        new DeviceFormat<Kernels.Cpu.F16>(columnsPerWords: 8),
        new DeviceFormat<Kernels.Cpu.BF16>(columnsPerWords: 8),
        new DeviceFormat<Kernels.Cpu.Q8_0>(columnsPerWords: 16),
        new DeviceFormat<Kernels.Cpu.Q4_0>(columnsPerWords: 32),
        new QuantDeviceFormat<Kernels.Cpu.Q5_0>(),
        new QuantDeviceFormat<Kernels.Cpu.Q5_1>(),
        new QuantDeviceFormat<Kernels.Cpu.Q4_K>(),
        new QuantDeviceFormat<Kernels.Cpu.Q5_K>(),
        new QuantDeviceFormat<Kernels.Cpu.Q6_K>(),
    ];

    /// <summary>The format of a type.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such type.</exception>
    public static DeviceFormat For(WeightType type) => (uint)type < All.Length
        ? All[(int)type]
        : throw new ArgumentOutOfRangeException(nameof(type), type, "There is no such weight type.");

    /// <summary>Columns that one <see cref="Words4"/> holds.</summary>
    public abstract int ColumnsPerWords { get; }

    /// <summary>Elements of <see cref="Words4"/> in a row of so many columns, padded.</summary>
    public virtual int RowWords(int columns) => columns / ColumnsPerWords;

    /// <summary>Columns of a block; 1: there are none.</summary>
    public abstract int BlockColumns { get; }

    /// <summary>Scales of a block, which a device keeps apart from quants, two bytes each.</summary>
    public virtual int ScaleHalves => 1;

    /// <summary>Bytes of a block in the host's rows, its scale included.</summary>
    public abstract int BlockBytes { get; }

    /// <summary>Whether scales lie apart.</summary>
    public bool IsBlock => BlockColumns > 1;

    /// <summary>Takes a row of a block type apart, to what the device has of it.</summary>
    /// <param name="source">The row's blocks.</param>
    /// <param name="words">Gets the quants: <see cref="RowWords"/> elements.</param>
    /// <param name="scales">Gets the scales: <see cref="ScaleHalves"/> a block.</param>
    public abstract void SplitRow(ReadOnlySpan<byte> source, Span<byte> words, Span<ushort> scales);

    /// <summary>Writes the quants of a neuron of a down matrix as the device has them.</summary>
    /// <param name="source">The neuron's row.</param>
    /// <param name="words">Gets them: <see cref="RowWords"/> elements.</param>
    public virtual void SplitNeuron(ReadOnlySpan<byte> source, Span<byte> words) => source.CopyTo(words);

    /// <summary>Writes the scales that the neurons of a block of a down matrix share.</summary>
    /// <param name="source">The host's.</param>
    /// <param name="columns">Columns of the matrix, padded.</param>
    /// <param name="scales">Gets them: <see cref="ScaleHalves"/> a column.</param>
    public abstract unsafe void SplitDownScales(byte* source, int columns, Span<ushort> scales);

    /// <summary>Widens a row to F32, exactly.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="row">The row.</param>
    /// <param name="destination">Room for the padded row.</param>
    public abstract void Widen(in WeightMatrix matrix, int row, Span<float> destination);

    /// <summary>The signs of a matrix: those of a prepared file, once compared, or packed now.</summary>
    /// <exception cref="InvalidDataException">The file's signs are another matrix's.</exception>
    public abstract SignPlane PackSigns(in WeightMatrix matrix, NativeMemoryPool memory);

    /// <summary>Which weights of a matrix are large.</summary>
    public abstract SignPlane PackMagnitudes(in WeightMatrix matrix, NativeMemoryPool memory);

    /// <summary>The mean absolute value of each row of a matrix, [rows].</summary>
    public abstract float[] RowMeans(in WeightMatrix matrix);
}

/// <summary>A type whose facts are the host's, but how many columns a device loads at a time.</summary>
/// <param name="columnsPerWords">Columns that one <see cref="Words4"/> holds.</param>
internal class DeviceFormat<T>(int columnsPerWords) : DeviceFormat
    where T : IWeightFormat
{
    public sealed override int ColumnsPerWords => columnsPerWords;

    public sealed override int BlockColumns => T.BlockElements;

    public sealed override int BlockBytes => T.BlockBytes;

    /// <summary>Blocks begin with their scale.</summary>
    public override void SplitRow(ReadOnlySpan<byte> source, Span<byte> words, Span<ushort> scales)
    {
        int quantBytes = BlockBytes - sizeof(ushort);
        for (int block = 0; block < scales.Length; block++)
        {
            ReadOnlySpan<byte> bytes = source.Slice(block * BlockBytes, BlockBytes);
            scales[block] = MemoryMarshal.Read<ushort>(bytes);
            bytes[sizeof(ushort)..].CopyTo(words[(block * quantBytes)..]);
        }
    }

    public override unsafe void SplitDownScales(byte* source, int columns, Span<ushort> scales) =>
        new ReadOnlySpan<ushort>(source, columns).CopyTo(scales);

    public sealed override void Widen(in WeightMatrix matrix, int row, Span<float> destination) =>
        EmbeddingRow.Widen<T>(in matrix, row, ref MemoryMarshal.GetReference(destination[..matrix.PaddedColumns]), matrix.PaddedColumns);

    public sealed override SignPlane PackSigns(in WeightMatrix matrix, NativeMemoryPool memory) => SignPlane.Pack<T>(in matrix, memory);

    public sealed override SignPlane PackMagnitudes(in WeightMatrix matrix, NativeMemoryPool memory) => SignPlane.PackMagnitudes<T>(in matrix, memory);

    public sealed override float[] RowMeans(in WeightMatrix matrix) => AbsoluteSums.Means<T>(in matrix);
}
