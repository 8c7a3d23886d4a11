using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>
/// Weights of a gated layer, and ten inputs of which each makes another tenth of the neurons active: rows of gate lean towards their own
/// input and away from the nine others, so far that signs tell them apart without a mistake. After ten tokens every row has been read once,
/// as in a model, where nothing that was read survives in a cache until it is read again. Real models are harder to predict: speeds are
/// those
/// of kernels, not of a model.
/// </summary>
internal sealed class SyntheticLayer
{
    public const int Inputs = 10;

    /// <summary>Rows that differ; more are copies of these, since only their addresses matter.</summary>
    private const int DistinctRows = 61;

    private SyntheticLayer(int hidden, int intermediate, WeightType type)
    {
        Shape = new FeedForwardShape
        {
            Hidden = hidden,
            Intermediate = intermediate,
            Activation = Activation.Relu,
            Threshold = 0,
            Gated = true,
            Biases = false,
        };
        Type = type;
    }

    public FeedForwardShape Shape { get; }

    public WeightType Type { get; }

    public float[][] X { get; private init; } = [];

    /// <summary>[Intermediate x Hidden].</summary>
    public byte[] Gate { get; private init; } = [];

    /// <summary>[Intermediate x Hidden].</summary>
    public byte[] Up { get; private init; } = [];

    /// <summary>[Hidden x Intermediate].</summary>
    public byte[] Down { get; private init; } = [];

    public FeedForwardWeights Weights => new()
    {
        Gate = WeightTensor.From(Type, Gate),
        Up = WeightTensor.From(Type, Up),
        Down = WeightTensor.From(Type, Down),
    };

    public static SyntheticLayer Create(int hidden, WeightType type) => type switch
    {
        WeightType.F16 => Create<F16>(hidden, type),
        WeightType.Q8_0 => Create<Q8_0>(hidden, type),
        _ => Create<Q4_0>(hidden, type),
    };

    public static int IntermediateOf(int hidden) => hidden == 2048 ? 5632 : 11008;

    /// <summary>Bytes that a token touches, as the kernels' meter counts them.</summary>
    public static double BytesPerToken(int hidden, WeightType type, SparsityMode mode)
    {
        double row = RowBytes(hidden, type);
        int neurons = IntermediateOf(hidden);
        double active = neurons / (double)Inputs;
        return mode switch
        {
            SparsityMode.Dense => 3 * neurons * row,
            SparsityMode.Exact => (neurons + (2 * active)) * row,
            _ => (3 * active * row) + (neurons * (hidden / 8.0)),
        };
    }

    private static double RowBytes(int hidden, WeightType type) => hidden / 32 * (type switch
    {
        WeightType.F16 => 64,
        WeightType.Q8_0 => 34,
        _ => 18,
    });

    private static SyntheticLayer Create<T>(int hidden, WeightType type)
        where T : IWeightFormat
    {
        var random = new Random(1);
        int intermediate = IntermediateOf(hidden);
        float[][] x = [.. Enumerable.Range(0, Inputs).Select(_ => Noise(random, hidden))];
        float[][] noise = [.. Enumerable.Range(0, DistinctRows).Select(_ => Noise(random, hidden))];
        byte[][][] leaning = [.. x.Select(own => noise.Select(row => Encoded<T>(Lean(row, x, own))).ToArray())];
        byte[][] plain = [.. noise.Select(row => Encoded<T>(row))];
        byte[][] down = [.. Enumerable.Range(0, DistinctRows).Select(_ => Encoded<T>(Noise(random, intermediate)))];
        int[] owners = [.. Enumerable.Range(0, intermediate).Select(i => i % Inputs)];
        random.Shuffle(owners);
        return new SyntheticLayer(hidden, intermediate, type)
        {
            X = x,
            Gate = Rows(intermediate, i => leaning[owners[i]][i % DistinctRows]),
            Up = Rows(intermediate, i => plain[i % DistinctRows]),
            Down = Rows(hidden, j => down[j % DistinctRows]),
        };
    }

    private static float[] Noise(Random random, int length)
    {
        float[] values = new float[length];
        for (int i = 0; i < length; i++)
        {
            values[i] = (random.NextSingle() * 2) - 1;
        }

        return values;
    }

    private static float[] Lean(float[] noise, float[][] inputs, float[] own)
    {
        float[] row = new float[noise.Length];
        for (int j = 0; j < row.Length; j++)
        {
            row[j] = noise[j] + own[j] - (0.5f * inputs.Sum(x => x[j]));
        }

        return row;
    }

    private static byte[] Encoded<T>(float[] row)
        where T : IWeightFormat
    {
        byte[] bytes = new byte[T.RowBytes(row.Length)];
        WeightConversion.Encode<T>(row, bytes);
        return bytes;
    }

    private static byte[] Rows(int count, Func<int, byte[]> row)
    {
        int length = row(0).Length;
        byte[] bytes = new byte[count * length];
        for (int i = 0; i < count; i++)
        {
            row(i).CopyTo(bytes, i * length);
        }

        return bytes;
    }
}
