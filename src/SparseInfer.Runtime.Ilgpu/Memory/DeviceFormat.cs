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
    ];

    /// <summary>The format of a type.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such type.</exception>
    public static DeviceFormat For(WeightType type) => (uint)type < All.Length
        ? All[(int)type]
        : throw new ArgumentOutOfRangeException(nameof(type), type, "There is no such weight type.");

    /// <summary>Columns that one <see cref="Words4"/> holds.</summary>
    public abstract int ColumnsPerWords { get; }

    /// <summary>Columns that share a scale, which a device keeps apart from them; 1: there is none.</summary>
    public abstract int BlockColumns { get; }

    /// <summary>Bytes of a block in the host's rows, its scale included.</summary>
    public abstract int BlockBytes { get; }

    /// <summary>Whether scales lie apart.</summary>
    public bool IsBlock => BlockColumns > 1;

    /// <summary>Writes quants of a block type as the device has them.</summary>
    /// <param name="source">Quants as the host has them, without scales: of a block, or of a neuron of a down matrix.</param>
    /// <param name="words">Room for them on the way to the device.</param>
    public virtual void CopyQuants(ReadOnlySpan<byte> source, Span<byte> words) => source.CopyTo(words);

    /// <summary>Widens a row to F32, exactly.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="row">The row.</param>
    /// <param name="destination">Room for the padded row.</param>
    public abstract void Widen(in WeightMatrix matrix, int row, Span<float> destination);

    /// <summary>The signs of a matrix: those of a prepared file, once compared, or packed now.</summary>
    /// <exception cref="InvalidDataException">The file's signs are another matrix's.</exception>
    public abstract SignPlane PackSigns(in WeightMatrix matrix, NativeMemoryPool memory);
}

/// <summary>A type whose facts are the host's, but how many columns a device loads at a time.</summary>
/// <param name="columnsPerWords">Columns that one <see cref="Words4"/> holds.</param>
internal class DeviceFormat<T>(int columnsPerWords) : DeviceFormat
    where T : IWeightFormat
{
    public sealed override int ColumnsPerWords => columnsPerWords;

    public sealed override int BlockColumns => T.BlockElements;

    public sealed override int BlockBytes => T.BlockBytes;

    public sealed override void Widen(in WeightMatrix matrix, int row, Span<float> destination) =>
        EmbeddingRow.Widen<T>(in matrix, row, ref MemoryMarshal.GetReference(destination[..matrix.PaddedColumns]), matrix.PaddedColumns);

    public sealed override SignPlane PackSigns(in WeightMatrix matrix, NativeMemoryPool memory) => SignPlane.Pack<T>(in matrix, memory);
}
