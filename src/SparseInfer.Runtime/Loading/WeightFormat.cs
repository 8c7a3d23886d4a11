using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Loading;

/// <summary>The primitives of one weight type, chosen at run time: loading is where a file's types become type arguments.</summary>
internal abstract class WeightFormat
{
    /// <summary>A type each, in the vocabulary's order.</summary>
    private static readonly WeightFormat[] All =
    [
        new Of<F32>(),
        new Of<F16>(),
        new Of<BF16>(),
        new Of<Q8_0>(),
        new Of<Q4_0>(),
        new Of<Q5_0>(),
        new Of<Q5_1>(),
        new Of<Q4_K>(),
        new Of<Q5_K>(),
        new Of<Q6_K>(),
    ];

    public static WeightFormat For(WeightType type) => All[(int)type];

    public abstract nint SourceRowBytes(int columns);

    /// <summary>Where a column lies in a row of a file's matrix: a whole number of blocks.</summary>
    public nint Offset(int column) => column == 0 ? 0 : SourceRowBytes(column);

    public abstract WeightMatrix Pack(nint source, int rows, int columns, out NativeBuffer? owner);

    public abstract WeightMatrix PackPermuted(nint source, int rows, int columns, ReadOnlySpan<int> sourceRows, out NativeBuffer owner);

    public abstract DownMatrix PackDown(nint source, int rows, int columns, out NativeBuffer owner);

    /// <summary>Neurons that share scales in a neuron-major matrix.</summary>
    public abstract int DownBlock { get; }

    /// <summary>Bytes of a neuron-major matrix, padded.</summary>
    public abstract long DownByteCount(int neurons, int columns);

    /// <summary>Transposes a band of neurons into zeroed memory.</summary>
    public abstract void Transpose(nint source, nint sourceStride, nint destination, int neurons, int columns);

    /// <summary>Packs the signs of some rows of a file's matrix.</summary>
    public abstract void PackSigns(nint source, int rows, int columns, nint destination);

    public abstract DownMatrix PlaceDown(nint source, int neurons, int columns, out NativeBuffer? owner);

    public abstract (int Neuron, int Column)? FirstNonFiniteDown(nint source, int neurons, int columns);

    public abstract (int Row, int Column)? FirstNonFinite(nint source, int rows, int columns);

    public abstract void Decode(ReadOnlySpan<byte> source, Span<float> destination);

    public abstract void Encode(ReadOnlySpan<float> source, Span<byte> destination);

    /// <summary>A copy of a matrix in another type, row by row through F32.</summary>
    public unsafe NativeBuffer ConvertTo(WeightFormat target, nint source, int rows, int columns)
    {
        nint targetRow = target.SourceRowBytes(columns);
        NativeBuffer converted = NativeBuffer.Allocate(checked((long)targetRow * rows));
        nint destination = converted.Address;
        ParallelLoop.For(0, rows, () => new float[columns], (row, values) =>
        {
            DecodeRow(source, columns, row, values);
            target.Encode(values, new Span<byte>((void*)(destination + (row * targetRow)), (int)targetRow));
        });
        return converted;
    }

    /// <summary>A copy of a neuron-major matrix in a plain type, neuron by neuron through F32.</summary>
    public unsafe NativeBuffer ConvertDownTo(WeightFormat target, nint source, int neurons, int columns)
    {
        nint targetRow = target.SourceRowBytes(columns);
        NativeBuffer converted = NativeBuffer.Allocate(checked((long)targetRow * neurons));
        nint destination = converted.Address;
        ParallelLoop.For(0, neurons, () => new float[Padding.Pad(columns)], (neuron, values) =>
        {
            DecodeDown(source, neurons, columns, neuron, values);
            target.Encode(values.AsSpan(0, columns), new Span<byte>((void*)(destination + (neuron * targetRow)), (int)targetRow));
        });
        return converted;
    }

    private unsafe void DecodeRow(nint source, int columns, int row, Span<float> values)
    {
        nint bytes = SourceRowBytes(columns);
        Decode(new ReadOnlySpan<byte>((void*)(source + (row * bytes)), (int)bytes), values[..columns]);
    }

    protected abstract void DecodeDown(nint source, int neurons, int columns, int neuron, Span<float> values);

    /// <summary>Widens a row of a prepared matrix, which has one for each input.</summary>
    public abstract void DecodeDown(in DownMatrix matrix, int neuron, Span<float> values);

    private sealed class Of<T> : WeightFormat
        where T : IWeightFormat
    {
        public override nint SourceRowBytes(int columns) => WeightPacking.SourceRowBytes<T>(columns);

        public override WeightMatrix Pack(nint source, int rows, int columns, out NativeBuffer? owner) =>
            WeightPacking.Pack<T>(source, rows, columns, out owner);

        public override WeightMatrix PackPermuted(nint source, int rows, int columns, ReadOnlySpan<int> sourceRows, out NativeBuffer owner) =>
            WeightPacking.PackPermuted<T>(source, rows, columns, sourceRows, out owner);

        public override DownMatrix PackDown(nint source, int rows, int columns, out NativeBuffer owner) =>
            WeightPacking.PackDown<T>(source, rows, columns, Environment.ProcessorCount, out owner);

        public override int DownBlock => DownMatrix.Sharing<T>();

        public override long DownByteCount(int neurons, int columns) => DownMatrix.ByteCount<T>(neurons, columns);

        public override void Transpose(nint source, nint sourceStride, nint destination, int neurons, int columns) => WeightPacking.Transpose<T>(
            source, sourceStride, DownMatrix.FromMemory<T>(destination, neurons, columns), Environment.ProcessorCount);

        public override void PackSigns(nint source, int rows, int columns, nint destination)
        {
            WeightMatrix matrix = WeightPacking.Pack<T>(source, rows, columns, out NativeBuffer? owner);
            SignPlane plane = SignPlane.FromMemory(destination, rows, columns);
            int parts = Math.Min(rows, Environment.ProcessorCount);
            ParallelLoop.For(0, parts, part =>
            {
                (int from, int to) = WorkerGroup.Slice(rows, parts, part, 1);
                plane.Pack<T>(in matrix, from, to);
            });
            owner?.Dispose();
        }

        public override DownMatrix PlaceDown(nint source, int neurons, int columns, out NativeBuffer? owner) =>
            WeightPacking.PlaceDown<T>(source, neurons, columns, out owner);

        public override (int Neuron, int Column)? FirstNonFiniteDown(nint source, int neurons, int columns) =>
            WeightPacking.FirstNonFiniteDown<T>(source, neurons, columns);

        protected override void DecodeDown(nint source, int neurons, int columns, int neuron, Span<float> values)
        {
            if (T.BlockElements > 1)
            {
                WeightConversion.DecodeDown<T>(DownMatrix.FromMemory<T>(source, neurons, columns), neuron, values);
            }
            else
            {
                DecodeRow(source, columns, neuron, values);
            }
        }

        public override void DecodeDown(in DownMatrix matrix, int neuron, Span<float> values) => WeightConversion.DecodeDown<T>(in matrix, neuron, values);

        public override (int Row, int Column)? FirstNonFinite(nint source, int rows, int columns) =>
            WeightPacking.FirstNonFinite<T>(source, rows, columns);

        public override void Decode(ReadOnlySpan<byte> source, Span<float> destination) => WeightConversion.Decode<T>(source, destination);

        public override void Encode(ReadOnlySpan<float> source, Span<byte> destination) => WeightConversion.Encode<T>(source, destination);
    }
}
