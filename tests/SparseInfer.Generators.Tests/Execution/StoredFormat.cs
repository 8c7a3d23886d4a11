using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>What references have to know of a weight type, and how a test stores a matrix in it.</summary>
internal abstract class StoredFormat
{
    private static readonly StoredFormat[] All =
    [
        new Of<F32>(WeightType.F32, columnsPerLoad: 4),
        new Of<F16>(WeightType.F16, columnsPerLoad: 8),
        new Of<BF16>(WeightType.BF16, columnsPerLoad: 8),
        new Of<Q8_0>(WeightType.Q8_0, columnsPerLoad: 16, inputSteps: 32767),
        new Of<Q4_0>(WeightType.Q4_0, columnsPerLoad: 32, inputSteps: 127),
    ];

    /// <summary>Columns that a GPU's lane takes with 16 bytes.</summary>
    public abstract int ColumnsPerLoad { get; }

    /// <summary>
    /// How finely block formats divide what they are multiplied with: each 32 elements into steps of their largest one's 32,767th or 127th. Null:
    /// not at all.
    /// </summary>
    public abstract int? InputSteps { get; }

    public bool IsBlock => InputSteps is not null;

    /// <summary>Bytes of 32 columns.</summary>
    public abstract int BytesOf32 { get; }

    protected abstract WeightType Type { get; }

    public static StoredFormat For(WeightType type) => All.Single(format => format.Type == type);

    /// <summary>The bytes of some values in a file, and the values that those mean.</summary>
    public abstract (byte[] Bytes, float[] Values) Encode(float[] values);

    private sealed class Of<T>(WeightType type, int columnsPerLoad, int? inputSteps = null) : StoredFormat
        where T : IWeightFormat
    {
        public override int ColumnsPerLoad => columnsPerLoad;

        public override int? InputSteps => inputSteps;

        public override int BytesOf32 => 32 / T.BlockElements * T.BlockBytes;

        protected override WeightType Type => type;

        public override (byte[] Bytes, float[] Values) Encode(float[] values)
        {
            byte[] bytes = new byte[values.Length / T.BlockElements * T.BlockBytes];
            float[] stored = new float[values.Length];
            WeightConversion.Encode<T>(values, bytes);
            WeightConversion.Decode<T>(bytes, stored);
            return (bytes, stored);
        }
    }
}
