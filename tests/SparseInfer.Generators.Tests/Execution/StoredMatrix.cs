extern alias vocabulary;

using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>A matrix of weights as a file stores it, and the very values that it stores.</summary>
internal sealed class StoredMatrix
{
    private StoredMatrix(WeightType type, byte[] bytes, float[] values, int columns)
    {
        Type = type;
        Bytes = bytes;
        Values = values;
        Columns = columns;
    }

    public WeightType Type { get; }

    public byte[] Bytes { get; }

    /// <summary>What the bytes mean: every reference is computed from these.</summary>
    public float[] Values { get; }

    public int Columns { get; }

    public WeightTensor Tensor => WeightTensor.From((vocabulary::SparseInfer.WeightType)Type, Bytes);

    /// <summary>
    /// How finely block formats divide what they are multiplied with: each 32 elements into steps of their largest one's 32,767th or 127th. Null:
    /// not at all.
    /// </summary>
    public int? InputSteps => Type switch
    {
        WeightType.Q8_0 => 32767,
        WeightType.Q4_0 => 127,
        _ => null,
    };

    public ReadOnlySpan<float> Row(int row) => Values.AsSpan(row * Columns, Columns);

    public static StoredMatrix Encode(WeightType type, float[] values, int columns) => type switch
    {
        WeightType.F32 => Encode<F32>(type, values, columns),
        WeightType.F16 => Encode<F16>(type, values, columns),
        WeightType.BF16 => Encode<BF16>(type, values, columns),
        WeightType.Q8_0 => Encode<Q8_0>(type, values, columns),
        _ => Encode<Q4_0>(type, values, columns),
    };

    private static StoredMatrix Encode<T>(WeightType type, float[] values, int columns)
        where T : IWeightFormat
    {
        byte[] bytes = new byte[values.Length / T.BlockElements * T.BlockBytes];
        float[] stored = new float[values.Length];
        WeightConversion.Encode<T>(values, bytes);
        WeightConversion.Decode<T>(bytes, stored);
        return new StoredMatrix(type, bytes, stored, columns);
    }
}
