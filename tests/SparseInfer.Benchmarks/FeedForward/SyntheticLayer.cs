using System.Numerics.Tensors;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>
/// Weights of a gated layer, and ten inputs of which each makes another tenth of the neurons active: rows of gate lean towards their own
/// input and away from the nine others, so far that signs tell them apart without a mistake. After ten tokens every row has been read once,
/// as in a model, where nothing that was read survives in a cache until it is read again. Rows of up lean as those of gate do, to inputs of their
/// own. Real models are harder to predict: speeds are those of kernels, not of a model.
/// </summary>
internal sealed class SyntheticLayer
{
    public const int Inputs = 10;

    /// <summary>
    /// How often neurons fire, the most active first, at equal distances from the first to the last: measured in layer 0 of the bundled model on 4,096
    /// held-out tokens. 7% fire at a time, and four in five of the activations are made by 26% of the neurons, as has been published of large models
    /// (PowerInfer, arXiv 2312.12456).
    /// </summary>
    private static readonly (double Place, double Frequency)[] Firing =
    [
        (0, 0.809), (0.01, 0.670), (0.02, 0.580), (0.05, 0.348), (0.1, 0.210), (0.2, 0.084), (0.3, 0.054), (0.4, 0.038), (0.5, 0.027), (0.6, 0.018),
        (0.7, 0.011), (0.8, 0.005), (0.9, 0.002), (1, 0),
    ];

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

    /// <summary>Share of the neurons that a token activates, of all its neurons.</summary>
    public double ActiveShare { get; private init; } = 1.0 / Inputs;

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

    /// <summary>Whether layers of this width are those of models that stay in the caches.</summary>
    public static bool IsSmall(int hidden) => hidden < 2048;

    public static SyntheticLayer Create(int hidden, WeightType type) => type switch
    {
        WeightType.F16 => Create<F16>(hidden, type),
        WeightType.Q8_0 => Create<Q8_0>(hidden, type),
        _ => Create<Q4_0>(hidden, type),
    };

    /// <summary>
    /// A layer whose neurons fire as often as a real model's: each with a frequency of its own, independent of the others. It has <see cref="Inputs"/>
    /// inputs for which frequent neurons lie anywhere; as many for which the same numbers of neurons fire, but frequent ones come first; and as many for
    /// which they come first in each slice, their blocks of 32 dealt out, so that threads have as much to do. So one layer, in one place in memory, shows
    /// what the order of neurons does.
    /// </summary>
    public static SyntheticLayer CreateFiring(int hidden, WeightType type) => type switch
    {
        WeightType.F16 => CreateFiring<F16>(hidden, type),
        WeightType.Q8_0 => CreateFiring<Q8_0>(hidden, type),
        _ => CreateFiring<Q4_0>(hidden, type),
    };

    public static int IntermediateOf(int hidden) => hidden switch
    {
        64 => 192,
        256 => 1024,
        288 => 768,
        2048 => 5632,
        _ => 11008,
    };

    /// <summary>Bytes that a token touches, as the kernels' meter counts them.</summary>
    /// <param name="hidden">The layer's width.</param>
    /// <param name="type">Its weights' type.</param>
    /// <param name="mode">The mode.</param>
    /// <param name="activeShare">Share of the neurons that are active.</param>
    public static double BytesPerToken(int hidden, WeightType type, SparsityMode mode, double activeShare = 1.0 / Inputs)
    {
        double row = RowBytes(hidden, type);
        int neurons = IntermediateOf(hidden);
        double active = neurons * activeShare;
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
        byte[][] down = [.. Enumerable.Range(0, DistinctRows).Select(_ => Encoded<T>(Noise(random, intermediate)))];
        int[] owners = Owners();
        int[] otherOwners = Owners();
        return new SyntheticLayer(hidden, intermediate, type)
        {
            X = x,
            Gate = Rows(intermediate, i => leaning[owners[i]][i % DistinctRows]),
            Up = Rows(intermediate, i => leaning[otherOwners[i]][i % DistinctRows]),
            Down = Rows(hidden, j => down[j % DistinctRows]),
        };

        int[] Owners()
        {
            int[] owners = [.. Enumerable.Range(0, intermediate).Select(i => i % Inputs)];
            random.Shuffle(owners);
            return owners;
        }
    }

    private static SyntheticLayer CreateFiring<T>(int hidden, WeightType type)
        where T : IWeightFormat
    {
        var random = new Random(1);
        int neurons = IntermediateOf(hidden);
        float[][] x = [.. Enumerable.Range(0, 3 * Inputs).Select(_ => Noise(random, hidden))];
        float[][] noise = [.. Enumerable.Range(0, DistinctRows).Select(_ => Noise(random, hidden))];
        byte[][] up = [.. noise.Select(row => Encoded<T>(row))];
        byte[][] down = [.. Enumerable.Range(0, DistinctRows).Select(_ => Encoded<T>(Noise(random, neurons)))];

        bool[][] byFrequency = [.. Enumerable.Range(0, neurons).Select(i => Fires(i / (neurons - 1.0)))];
        bool[][] anywhere = [.. byFrequency];
        random.Shuffle(anywhere);
        bool[][] dealt = Deal(byFrequency);
        return new SyntheticLayer(hidden, neurons, type)
        {
            X = x,
            ActiveShare = byFrequency.Sum(fires => fires.Count(one => one)) / (double)(neurons * Inputs),
            Gate = Rows(neurons, i => Encoded<T>(Gate(noise[i % DistinctRows], [.. anywhere[i], .. byFrequency[i], .. dealt[i]]))),
            Up = Rows(neurons, i => up[i % DistinctRows]),
            Down = Rows(hidden, j => down[j % DistinctRows]),
        };

        bool[] Fires(double place)
        {
            int next = Math.Max(1, Array.FindIndex(Firing, point => point.Place >= place));
            (double from, double first) = Firing[next - 1];
            (double to, double last) = Firing[next];
            double frequency = double.Lerp(first, last, (place - from) / (to - from));
            return [.. Enumerable.Range(0, Inputs).Select(_ => random.NextDouble() < frequency)];
        }

        float[] Gate(float[] row, bool[] fires)
        {
            float[] gate = [.. row];
            for (int k = 0; k < fires.Length; k++)
            {
                TensorPrimitives.MultiplyAdd(x[k], fires[k] ? 0.5f : -0.5f, gate, gate);
            }

            return gate;
        }
    }

    /// <summary>Deals blocks of neurons out to slices, one to each, and again.</summary>
    private static T[] Deal<T>(T[] neurons)
    {
        var slices = new NeuronSlices(neurons.Length, LoadedLayer.PlannedSlices(neurons.Length));
        var places = from slice in Enumerable.Range(0, slices.Count)
                     from first in Enumerable.Range(0, neurons.Length / DownMatrix.BlockNeurons).Select(block => block * DownMatrix.BlockNeurons)
                     where first >= slices.First(slice) && first < slices.First(slice + 1)
                     orderby first - slices.First(slice)
                     select first;
        var dealt = new T[neurons.Length];
        foreach ((int place, T[] block) in places.Zip(neurons.Chunk(DownMatrix.BlockNeurons)))
        {
            block.CopyTo(dealt, place);
        }

        return dealt;
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
