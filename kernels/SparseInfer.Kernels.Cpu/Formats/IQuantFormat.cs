using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A block type of four, five or six bits: <c>w = half * scale * (quant - excess) - half' * minimum</c>, where scale and minimum are integers of a
/// part of the block, of 16 or 32 columns. <see cref="QuantBlocks"/> makes of it what <see cref="IWeightFormat"/> asks for.
/// </summary>
internal unsafe interface IQuantFormat : IWeightFormat
{
    /// <summary>Bits of a quant above its lower four.</summary>
    static abstract int HighBits { get; }

    /// <summary>What each quant has too much.</summary>
    static abstract int Excess { get; }

    /// <summary>Columns that share an integer scale: 16 or 32.</summary>
    static abstract int PartColumns { get; }

    /// <summary>Where in a block its halves are, the scale and perhaps the minimum.</summary>
    static abstract int HalvesOffset { get; }

    /// <summary>Where in a block its integer scales and minima are.</summary>
    static abstract int ScalesOffset { get; }

    /// <summary>Bytes that they take; 0: scales are 1.</summary>
    static abstract int ScaleBytes { get; }

    /// <summary>32 consecutive columns' quants, as bytes.</summary>
    /// <param name="block">The block.</param>
    /// <param name="part">Which 32 of it.</param>
    static abstract Vector256<byte> Load(byte* block, int part);

    /// <summary>A part's integer scale.</summary>
    /// <param name="scales">The first byte of the scales.</param>
    /// <param name="stride">Distance between two of their bytes: 1 in a block, a row's length in a down matrix.</param>
    /// <param name="part">Which part.</param>
    static abstract int Scale(byte* scales, nint stride, int part);

    /// <summary>A part's integer minimum; the arguments are those of <see cref="Scale"/>.</summary>
    static abstract int Minimum(byte* scales, nint stride, int part);

    /// <summary>The integer scales of 32 columns of a down matrix.</summary>
    /// <param name="scales">The first column's first byte.</param>
    /// <param name="stride">A row's length.</param>
    /// <param name="part">Which part of the block.</param>
    static abstract Vector256<sbyte> LoadScales(byte* scales, nint stride, int part);

    /// <summary>Their integer minima; the arguments are those of <see cref="LoadScales"/>.</summary>
    static abstract Vector256<sbyte> LoadMinima(byte* scales, nint stride, int part);
}
