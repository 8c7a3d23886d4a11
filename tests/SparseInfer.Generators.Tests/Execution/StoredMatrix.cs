extern alias vocabulary;


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

    /// <inheritdoc cref="StoredFormat.InputSteps"/>
    public int? InputSteps => StoredFormat.For(Type).InputSteps;

    /// <summary>How many elements of an input share steps.</summary>
    public int InputBlock => Math.Max(32, StoredFormat.For(Type).BlockColumns);

    public ReadOnlySpan<float> Row(int row) => Values.AsSpan(row * Columns, Columns);

    public static StoredMatrix Encode(WeightType type, float[] values, int columns)
    {
        (byte[] bytes, float[] stored) = StoredFormat.For(type).Encode(values);
        return new StoredMatrix(type, bytes, stored, columns);
    }
}
