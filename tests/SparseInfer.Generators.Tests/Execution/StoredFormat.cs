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
        new Of<Q5_0>(WeightType.Q5_0, columnsPerLoad: 32, inputSteps: 127, isCovered: true),
        new Of<Q5_1>(WeightType.Q5_1, columnsPerLoad: 32, inputSteps: 127, isCovered: true),
        new Of<Q4_K>(WeightType.Q4_K, columnsPerLoad: 32, inputSteps: 127, isCovered: true),
        new Of<Q5_K>(WeightType.Q5_K, columnsPerLoad: 32, inputSteps: 127, isCovered: true),
        new Of<Q6_K>(WeightType.Q6_K, columnsPerLoad: 32, inputSteps: 127, isCovered: true),
    ];

    /// <summary>Columns that a GPU's lane takes with 16 bytes.</summary>
    public abstract int ColumnsPerLoad { get; }

    /// <summary>Whether it shares its kernels with other types, so that a few layers of each cover them.</summary>
    public abstract bool IsCovered { get; }

    /// <summary>Columns of a block; 1: there are none.</summary>
    public abstract int BlockColumns { get; }

    /// <summary>
    /// How finely block formats divide what they are multiplied with: the elements of a block into steps of their largest one's 32,767th or 127th,
    /// and activations, 32 at a time, likewise. Null: not at all.
    /// </summary>
    public abstract int? InputSteps { get; }

    public bool IsBlock => InputSteps is not null;

    /// <summary>Bytes of some columns, whole blocks.</summary>
    public abstract int Bytes(int columns);

    protected abstract WeightType Type { get; }

    public static IEnumerable<WeightType> Types => All.Select(format => format.Type);

    public static StoredFormat For(WeightType type) => All.Single(format => format.Type == type);

    /// <summary>The bytes of some values in a file, and the values that those mean.</summary>
    public abstract (byte[] Bytes, float[] Values) Encode(float[] values);

    private sealed class Of<T>(WeightType type, int columnsPerLoad, int? inputSteps = null, bool isCovered = false) : StoredFormat
        where T : IWeightFormat
    {
        public override int ColumnsPerLoad => columnsPerLoad;

        public override bool IsCovered => isCovered;

        public override int? InputSteps => inputSteps;

        public override int BlockColumns => T.BlockElements;

        public override int Bytes(int columns) => columns / T.BlockElements * T.BlockBytes;

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
