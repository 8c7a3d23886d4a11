using System.Runtime.CompilerServices;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>
/// A feed-forward layer in double precision, neuron by neuron, straight from the definitions, with a bound on how far a correct
/// single-precision result may be from it. Nothing here is shared with the code under test.
/// </summary>
/// <remarks>
/// Bounds are the standard ones for floating-point sums: n additions in a row are off by at most n u / (1 - n u) times the sum of the
/// terms' magnitudes, with u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
/// </remarks>
/// <param name="onGpu">
/// Whether a GPU is meant: there the lanes of a warp share a row 16 bytes at a time.
/// </param>
internal sealed class LayerReference(LayerCase layer, LayerData data, bool onGpu = false)
{
    private const double U = 1.0 / (1 << 24);

    /// <summary>Below this, single precision may round to zero what double precision does not.</summary>
    private const double Tiny = 1e-30;

    private readonly StoredMatrix _first = data.Gate ?? data.Up;
    private readonly Dictionary<float[], (Bounded First, Bounded Second)[]> _neurons = [];

    public Expected Forward(float[] x, SparsityMode mode)
    {
        var expected = new Expected(layer.Hidden);
        var h = new Bounded[layer.Intermediate];
        bool predicts = mode == SparsityMode.Predicted && layer.Policy == LayerPolicy.SignBit;
        bool thresholds = mode == SparsityMode.Predicted && layer.Policy == LayerPolicy.ActivationThreshold;
        for (int i = 0; i < layer.Intermediate; i++)
        {
            (Bounded a, Bounded second) = Neurons(x)[i];
            Bounded product = layer.Gated ? a * second : a;

            bool active = thresholds ? Math.Abs(a.Value) >= LayerCase.Threshold
                : layer.Activation == Activation.DRelu ? a.Value > 0 && second.Value > 0
                : layer.HasZeros ? a.Value > 0
                : product.Value != 0;
            bool doubtful = thresholds ? Math.Abs(Math.Abs(a.Value) - LayerCase.Threshold) <= a.Error
                : layer.Activation == Activation.DRelu ? IsDoubtful(a) || IsDoubtful(second)
                : IsDoubtful(layer.HasZeros ? a : product);
            bool skipped = predicts && IsPredictedInactive(i, x);

            expected.Count(active, doubtful, skipped);
            expected.FirstRows += skipped ? 0 : 1;
            expected.KeptAfterFirst += !skipped && (thresholds ? active : a.Value > 0) ? 1 : 0;
            expected.Kept += !skipped && active ? 1 : 0;
            h[i] = skipped || (thresholds && !active) ? default : product;
            if (thresholds && doubtful)
            {
                h[i] = product with { Error = product.Error + Math.Abs(product.Value) };
            }
        }

        for (int j = 0; j < layer.Hidden; j++)
        {
            expected.Output[j] = Down(h, j);
        }

        return expected;
    }

    /// <summary>
    /// The policy's definition: more than alpha times as many products are negative as are not. Ties are computed. A bias counts as so many products of an
    /// average size as it is large.
    /// </summary>
    public bool IsPredictedInactive(int neuron, float[] x) =>
        IsPredictedInactive(_first.Row(neuron), (data.Gate is null ? data.UpBias : data.GateBias)?[neuron], x, layer.Alpha)
        || (layer.Activation == Activation.DRelu && IsPredictedInactive(data.Up.Row(neuron), data.UpBias?[neuron], x, layer.Alpha));

    /// <summary>The activation and what it is multiplied by, of every neuron: the same in every mode.</summary>
    private (Bounded First, Bounded Second)[] Neurons(float[] x)
    {
        if (_neurons.TryGetValue(x, out (Bounded, Bounded)[]? known))
        {
            return known;
        }

        var neurons = new (Bounded, Bounded)[layer.Intermediate];
        Bounded[] gates = [.. neurons.Select((_, i) => Dot(_first, data.Gate is null ? data.UpBias : data.GateBias, i, x))];
        Bounded cut = layer.Activation == Activation.GaussianTopK ? Cut(gates) : default;
        for (int i = 0; i < neurons.Length; i++)
        {
            Bounded first = layer.Activation == Activation.GaussianTopK ? GeluAbove(cut, gates[i]) : Activate(gates[i]);
            Bounded second = layer.Gated ? Dot(data.Up, data.UpBias, i, x) : new Bounded(1, 0);
            neurons[i] = (first, layer.Activation == Activation.DRelu ? Activate(second) : second);
        }

        return _neurons[x] = neurons;
    }

    /// <summary>Whether signs, and a bias where there is one, make a row's product negative.</summary>
    internal static bool IsPredictedInactive(ReadOnlySpan<float> row, float? bias, ReadOnlySpan<float> x, decimal alpha)
    {
        int width = x.Length;
        int disagreeing = 0;
        double weights = 0;
        double inputs = 0;
        for (int j = 0; j < width; j++)
        {
            disagreeing += float.IsNegative(row[j]) != float.IsNegative(x[j]) ? 1 : 0;
            weights += Math.Abs((double)row[j]);
            inputs += Math.Abs((double)x[j]);
        }

        if (bias is null)
        {
            return disagreeing > alpha * (width - disagreeing);
        }

        // The least alpha with the same decisions where there is no bias: most / (width - most).
        int most = (int)Math.Floor(alpha * width / (1 + alpha));
        double product = weights / width * (inputs / width);
        return (product * width * (most - disagreeing)) + ((double)bias * (width - most)) < 0;
    }

    private static bool IsDoubtful(Bounded value) =>
        value.Value != 0 ? Math.Abs(value.Value) <= Math.Max(value.Error, Tiny) : value.MayBeActive;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Bounded Dot(StoredMatrix matrix, float[]? bias, int row, float[] x)
    {
        double sum = bias?[row] ?? 0;
        double magnitude = Math.Abs(sum);
        ReadOnlySpan<float> weights = matrix.Row(row);
        for (int j = 0; j < x.Length; j++)
        {
            double product = (double)weights[j] * x[j];
            sum += product;
            magnitude += Math.Abs(product);
        }

        double quantization = InputRounding(matrix, weights, onGpu ? 32 : matrix.InputBlock, j => Math.Abs(x[j]));
        return new Bounded(sum, (Rounding(Additions(x.Length)) * (magnitude + quantization)) + quantization);
    }

    /// <summary>
    /// CPU: 16 sums of every sixteenth column, four more additions to join them, and the bias. GPU: a sum a lane, in loads of 16 bytes; five to
    /// join them; the bias, a product's own rounding and a scale's two.
    /// </summary>
    private int Additions(int columns)
    {
        if (!onGpu)
        {
            return ((columns + 31) / 32 * 2) + 5;
        }

        int perLoad = StoredFormat.For(layer.Weights).ColumnsPerLoad;
        return ((columns + (32 * perLoad) - 1) / (32 * perLoad) * perLoad) + 9;
    }

    /// <summary>
    /// What rounding the input of a block format may do to a sum: half a step, the largest element's over the number of steps, in every
    /// element. The step itself is rounded, so a little more.
    /// </summary>
    private static double InputRounding(StoredMatrix matrix, ReadOnlySpan<float> weights, int together, Func<int, double> largest)
    {
        if (matrix.InputSteps is not { } steps)
        {
            return 0;
        }

        double error = 0;
        for (int block = 0; block < weights.Length; block += together)
        {
            double magnitude = 0;
            double most = 0;
            for (int j = block; j < Math.Min(block + together, weights.Length); j++)
            {
                magnitude += Math.Abs(weights[j]);
                most = Math.Max(most, largest(j));
            }

            error += 0.5001 * most / steps * magnitude;
        }

        return error;
    }

    /// <summary>One sum in ascending order, and the bias.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Bounded Down(Bounded[] h, int column)
    {
        double sum = data.DownBias?[column] ?? 0;
        double magnitude = Math.Abs(sum);
        double error = 0;
        ReadOnlySpan<float> weights = data.Down.Row(column);
        for (int i = 0; i < h.Length; i++)
        {
            double weight = weights[i];
            sum += weight * h[i].Value;
            magnitude += Math.Abs(weight * h[i].Value);
            error += Math.Abs(weight) * h[i].Error;
        }

        error += InputRounding(data.Down, weights, 32, i => Math.Abs(h[i].Value) + h[i].Error);
        // On a GPU a product is rounded, too, before it is added, and a block's scale comes in at its end.
        int additions = h.Length + (onGpu ? 4 : 1);
        return new Bounded(sum, error + (Rounding(additions) * (magnitude + error)) + Tiny);
    }

    /// <summary>The activation, and its argument's error through it.</summary>
    private Bounded Activate(Bounded x)
    {
        double positive = Math.Max(0, x.Value);
        bool mayBeActive = x.Value <= 0 && x.Value + x.Error > 0;
        switch (layer.Activation)
        {
            case Activation.Relu:
            case Activation.DRelu:
                return new Bounded(positive, x.Error) { MayBeActive = mayBeActive };
            case Activation.FatRelu:
                bool near = Math.Abs(x.Value - LayerCase.Threshold) <= x.Error;
                double kept = x.Value > LayerCase.Threshold ? x.Value : 0;
                return new Bounded(kept, kept == 0 && !near ? 0 : near ? Math.Abs(x.Value) + x.Error : x.Error) { MayBeActive = near };
            case Activation.SquaredRelu:
                double squaredError = (((2 * positive) + x.Error) * x.Error) + (U * positive * positive);
                return new Bounded(positive * positive, squaredError) { MayBeActive = mayBeActive };
            case Activation.Silu:
                return Smooth(x, x.Value, steepest: 1.1);
            default:
                return Gelu(x);
        }
    }

    /// <summary>
    /// Mean plus 0.84 standard deviations of all gates: 0.8 of a normal distribution is below. A mean is off by no more than its terms' mean
    /// error; a deviation by no more than the errors' root mean square, for it is a norm of what is left without the mean.
    /// </summary>
    private static Bounded Cut(Bounded[] gates)
    {
        const double Deviations = 0.8416212335729143;
        double mean = gates.Average(gate => gate.Value);
        double deviation = Math.Sqrt(gates.Average(gate => (gate.Value - mean) * (gate.Value - mean)));
        double error = gates.Average(gate => gate.Error) + (Deviations * Math.Sqrt(gates.Average(gate => gate.Error * gate.Error)));
        return new Bounded(mean + (Deviations * deviation), error + (4 * U * (Math.Abs(mean) + deviation)));
    }

    private static Bounded GeluAbove(Bounded cut, Bounded gate)
    {
        double above = gate.Value - cut.Value;
        double error = gate.Error + cut.Error + (U * (Math.Abs(above) + gate.Error + cut.Error));
        return above > 0
            ? Gelu(new Bounded(above, error))
            : new Bounded(0, 1.13 * Math.Max(0, above + error)) { MayBeActive = above + error > 0 };
    }

    private static Bounded Gelu(Bounded x) =>
        Smooth(x, 2 * Math.Sqrt(2 / Math.PI) * (x.Value + (0.044715 * x.Value * x.Value * x.Value)), steepest: 1.13);

    /// <summary>
    /// <c>x / (1 + e^-z)</c>: SiLU's form, and GELU's by <c>1 + tanh(u) = 2 / (1 + e^-2u)</c>. The exponential passes on z's relative
    /// error of a few u times z, unless it is too small to count.
    /// </summary>
    private static Bounded Smooth(Bounded x, double z, double steepest)
    {
        double value = x.Value / (1 + Math.Exp(-z));
        double roundings = 16 + (8 * Math.Min(Math.Abs(z), 100));
        return new Bounded(value, (steepest * x.Error) + (roundings * U * Math.Abs(value)) + Tiny);
    }

    private static double Rounding(int additions) => additions * U / (1 - (additions * U));

    /// <summary>A value, and how far single precision may be from it.</summary>
    internal readonly record struct Bounded(double Value, double Error)
    {
        /// <summary>Whether this is zero, but single precision could see an active neuron.</summary>
        public bool MayBeActive { get; init; }

        public static Bounded operator *(Bounded a, Bounded b) => new(
            a.Value * b.Value,
            (Math.Abs(a.Value) * b.Error) + (Math.Abs(b.Value) * a.Error) + (a.Error * b.Error) + (2 * U * Math.Abs(a.Value * b.Value)));
    }

    /// <summary>What a forward pass should give.</summary>
    internal sealed class Expected(int hidden)
    {
        public Bounded[] Output { get; } = new Bounded[hidden];

        public int Neurons { get; private set; }

        public int Inactive { get; private set; }

        /// <summary>Neurons so near a threshold that rounding decides; what depends on them is not compared.</summary>
        public int Doubtful { get; private set; }

        public int Predicted { get; private set; }

        public int PredictedInactive { get; private set; }

        /// <summary>Neurons whose first row is read.</summary>
        public int FirstRows { get; set; }

        /// <summary>Neurons whose up row is read as well, where there is a gate.</summary>
        public int KeptAfterFirst { get; set; }

        /// <summary>Neurons whose row of down is read.</summary>
        public int Kept { get; set; }

        public void Count(bool active, bool doubtful, bool skipped)
        {
            Neurons++;
            Inactive += active ? 0 : 1;
            Doubtful += doubtful ? 1 : 0;
            Predicted += skipped ? 1 : 0;
            PredictedInactive += skipped && !active ? 1 : 0;
        }
    }
}
