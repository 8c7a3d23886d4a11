using System.Runtime.CompilerServices;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>
/// A decoder in double precision, one token at a time, straight from the definitions. Nothing here is shared with the code under test.
/// </summary>
/// <param name="onGpu">Whether a GPU is meant: there 32 elements of an input share steps, in blocks of 256 as well.</param>
/// <param name="roundsInput">Whether block formats round what they are multiplied with: on CPUs they do, on GPUs they do not.</param>
internal class DecoderReference(DecoderCase model, DecoderWeights weights, SparsityMode mode, bool roundsInput = true, bool onGpu = false)
{
    private readonly List<double[]>[] _keys = [.. Enumerable.Range(0, model.Layers).Select(_ => new List<double[]>())];
    private readonly List<double[]>[] _values = [.. Enumerable.Range(0, model.Layers).Select(_ => new List<double[]>())];

    /// <summary>What each layer's predictor could read of the last token: the residual stream, and what the neurons read.</summary>
    private readonly (double[] Residual, double[] Normed)[] _inputs = new (double[], double[])[model.Layers];

    /// <summary>Of each layer, and of all tokens so far: neurons that no trained predictor left out, and those of them that down gets.</summary>
    public (long Candidates, long Kept)[] Counts { get; } = new (long, long)[model.Layers];

    /// <summary>The sum of each layer's neurons' shares over the tokens of prompts; null: there was none.</summary>
    private readonly double[]?[] _shares = new double[model.Layers][];

    private bool _isPrompt;

    /// <summary>The logits after one more token of a prompt, which is computed densely.</summary>
    public double[] NextOfPrompt(int token)
    {
        _isPrompt = true;
        double[] logits = Next(token);
        _isPrompt = false;
        return logits;
    }

    /// <summary>The logits after one more token.</summary>
    public double[] Next(int token)
    {
        ReadOnlySpan<float> embedding = weights.Matrix("token_embd.weight").Row(token);
        double[] x = new double[model.Hidden];
        for (int j = 0; j < x.Length; j++)
        {
            x[j] = (double)embedding[j] * model.EmbeddingScale;
        }

        if (model.LearnedPositions > 0)
        {
            x = Add(x, [.. weights.Matrix("position_embd.weight").Row(_keys[0].Count + model.PositionOffset)]);
        }

        for (int layer = 0; layer < model.Layers; layer++)
        {
            x = Layer(layer, $"blk.{layer}.", x);
        }

        x = Norm(x, "output_norm");
        double[] logits = Logits(Multiply(weights.Matrix(model.Tied ? "token_embd.weight" : "output.weight"), null, x));
        if (model.Words is not { } words || mode != SparsityMode.Predicted)
        {
            return logits;
        }

        Scores = Multiply(weights.Matrix(DecoderWeights.WordSecond), null, Multiply(weights.Matrix(DecoderWeights.WordFirst), null, x));
        return Scores.Any(score => score > words.Threshold)
            ? [.. logits.Select((logit, word) => Scores[word] > words.Threshold ? logit : double.NegativeInfinity)]
            : logits;
    }

    /// <summary>The words' scores of the last token, where they are predicted.</summary>
    public double[] Scores { get; private set; } = [];

    /// <summary>The residual stream after a layer.</summary>
    protected virtual double[] Layer(int layer, string block, double[] x)
    {
        double[] input = x;
        x = Add(x, Added(block + "attn", Attention(layer, block, Norm(x, block + "attn_norm"))));
        return Add(x, Added(block + "ffn", FeedForward(layer, block, input, x, Norm(x, block + "ffn_norm"))));
    }

    /// <summary>What is added to the residual stream.</summary>
    /// <param name="part">The part of the layer that made it: <c>blk.0.attn</c>, <c>blk.0.ffn</c>.</param>
    protected virtual double[] Added(string part, double[] x) => x;

    /// <summary>What attention's output projection gets.</summary>
    protected virtual double[] Attended(string block, double[] x) => x;

    /// <summary>What down gets.</summary>
    protected virtual double[] Activated(string block, double[] h) => h;

    protected virtual double[] Logits(double[] x) => x;

    protected double[] Attention(int layer, string block, double[] x)
    {
        int position = _keys[layer].Count;
        int first = model.Window(layer) is { } window ? Math.Max(0, position + 1 - window) : 0;
        double[] normed = x;
        float centre = Centre(layer, centres => centres.Heads);
        x = Kept(layer, x, thresholds => thresholds.Heads, centre, block + "attn_q", block + "attn_k", block + "attn_v");
        int? together = Together(thresholds => thresholds.Heads);
        double[] query = Rotate(layer, Heads(block + "attn_q", x, together, centre), position);
        _keys[layer].Add(Rotate(layer, Heads(block + "attn_k", x, together, centre), position));
        _values[layer].Add(WithCentre(block + "attn_v", Linear(block + "attn_v", x, together), centre));

        int sharing = model.Heads / model.KeyValueHeads;
        HashSet<int>? kept = KeptHeads(layer, block, normed, query);
        double[] attended = new double[query.Length];
        for (int head = 0; head < model.Heads; head++)
        {
            if (kept?.Contains(head / sharing) == false)
            {
                SkippedHeads++;
                continue;
            }

            int q = head * model.HeadDimension;
            int kv = head * model.KeyValueHeads / model.Heads * model.HeadDimension;
            double[] scores = [.. _keys[layer].Skip(first).Select(key =>
                Enumerable.Range(0, model.HeadDimension).Sum(i => query[q + i] * key[kv + i]) / Math.Sqrt(model.HeadDimension))];
            double largest = scores.Max();
            double[] powers = [.. scores.Select(score => Math.Exp(score - largest))];
            for (int i = 0; i < model.HeadDimension; i++)
            {
                attended[q + i] = powers.Select((power, p) => power * _values[layer][first + p][kv + i]).Sum() / powers.Sum();
            }
        }

        centre = Centre(layer, centres => centres.Output);
        double[] output = Linear(
            block + "attn_output", Kept(layer, Attended(block, attended), thresholds => thresholds.Output, centre), model.HeadChoices.Any(heads => heads is not null) && !onGpu ? 32 : Together(thresholds => thresholds.Output));
        return WithCentre(block + "attn_output", output, centre);
    }

    /// <summary>Query heads that were left out so far, over all layers.</summary>
    public int SkippedHeads { get; private set; }

    /// <summary>Which key-value heads are attended to; null: all.</summary>
    private HashSet<int>? KeptHeads(int layer, string block, double[] normed, double[] query)
    {
        if (mode != SparsityMode.Predicted || model.HeadChoices.ElementAtOrDefault(layer) is not { } heads)
        {
            return null;
        }

        return heads.Kept(heads.Router
            ? Linear(block + DecoderWeights.Router, normed)
            : [.. query.Chunk(model.Heads / model.KeyValueHeads * model.HeadDimension).Select(group => group.Sum(q => q * q))]);
    }

    /// <summary>What an input's channels are measured from: 0 where none are left out.</summary>
    private float Centre(int layer, Func<(float Heads, float Output, float FeedForward, float Down), float> of) =>
        mode == SparsityMode.Predicted ? of(model.Centres.ElementAtOrDefault(layer)) : 0;

    /// <summary>A product with distances from a centre, and what the centre adds: itself times the sum of each row.</summary>
    private double[] WithCentre(string name, double[] y, float centre) => centre == 0 ? y
        : [.. y.Select((value, row) => value + (centre * weights.Matrix(name + ".weight").Row(row).ToArray().Sum(weight => (double)weight)))];

    /// <summary>
    /// An input's distances from a centre, 0 for the channels that are left out of it: those whose distance, times the norm of their columns where that counts, is not
    /// larger than the threshold.
    /// </summary>
    private double[] Kept(int layer, double[] x, Func<(float Heads, float Output), float> of, float centre, params string[] matrices) =>
        model.InputThresholds.ElementAtOrDefault(layer) is { } thresholds ? Larger(layer, x, of(thresholds), centre, matrices) : x;

    private double[] Larger(int layer, double[] x, float threshold, float centre, params string[] matrices)
    {
        if (mode != SparsityMode.Predicted || threshold == 0)
        {
            return x;
        }

        bool hasNorms = matrices.Length > 0 && model.ColumnNorms.ElementAtOrDefault(layer);
        return [.. x.Select((value, j) => Math.Abs(value - centre) * (hasNorms ? ColumnNorm(matrices, j) : 1) > threshold ? value - centre : 0)];
    }

    private double ColumnNorm(string[] names, int column) => Math.Sqrt(names.Select(name => weights.Matrix(name + ".weight"))
        .Sum(matrix => Enumerable.Range(0, matrix.Values.Length / matrix.Columns).Sum(row => Math.Pow(matrix.Row(row)[column], 2))));

    /// <summary>Elements that are quantized together where matrices have a row for each channel, whatever their blocks; null: those of a block.</summary>
    private int? Together(Func<(float Heads, float Output), float> of) => model.InputThresholds.Any(layer => layer is { } thresholds && of(thresholds) > 0) ? 32 : null;

    /// <summary>Queries or keys, each head normalised where heads have norms.</summary>
    private double[] Heads(string name, double[] x, int? together, float centre)
    {
        double[] heads = WithCentre(name, Linear(name, x, together), centre);
        return weights.Vector(name + "_norm.weight") is null ? heads : [.. heads.Chunk(model.HeadDimension).SelectMany(head => Norm(head, name + "_norm"))];
    }

    /// <summary>Pair i of a head's first dimensions turns by position times its frequency.</summary>
    private double[] Rotate(int layer, double[] heads, int position)
    {
        if (model.IsUnrotated(layer))
        {
            return heads;
        }

        double[] turned = [.. heads];
        int pairs = model.RopeDimensions / 2;
        double magnitude = model.Yarn is var (factor, _) ? (0.1 * Math.Log(factor)) + 1 : 1;
        for (int head = 0; head < heads.Length; head += model.HeadDimension)
        {
            for (int i = 0; i < pairs; i++)
            {
                bool interleaved = model.Pairing == RopePairing.Interleaved;
                int a = head + (interleaved ? 2 * i : i);
                int b = head + (interleaved ? (2 * i) + 1 : i + pairs);
                double angle = position * Frequency(i);
                turned[a] = magnitude * ((heads[a] * Math.Cos(angle)) - (heads[b] * Math.Sin(angle)));
                turned[b] = magnitude * ((heads[a] * Math.Sin(angle)) + (heads[b] * Math.Cos(angle)));
            }
        }

        return turned;
    }

    /// <summary><c>theta^(-2i / dimensions) / scaling</c>, or as YaRN's definition or the file's factors make it.</summary>
    private double Frequency(int pair)
    {
        double frequency = Math.Pow(model.RopeTheta, -2.0 * pair / model.RopeDimensions) / model.RopeScaling;
        if (model.Yarn is not var (factor, original))
        {
            return frequency / (model.FrequencyFactors?[pair] ?? 1);
        }

        double low = Math.Max(0, Math.Floor(Pair(32)));
        double interpolated = Math.Clamp((pair - low) / (Math.Ceiling(Pair(1)) - low), 0, 1);
        return (frequency * (1 - interpolated)) + (frequency / factor * interpolated);

        double Pair(double turns) => model.RopeDimensions * Math.Log(original / (turns * 2 * Math.PI)) / (2 * Math.Log(model.RopeTheta));
    }

    /// <summary>A layer's feed-forward, or its experts.</summary>
    /// <param name="input">What the layer reads.</param>
    /// <param name="residual">The residual stream, where the feed-forward is.</param>
    /// <param name="x">What the feed-forward reads.</param>
    protected double[] FeedForward(int layer, string block, double[] input, double[] residual, double[] x) => model.Experts > 0
        ? Experts(layer, block, model.Router == RouterInput.Layer ? input : x, residual, x)
        : FeedForward(layer, block, "", 0, x, IsLow(layer, block, "", 0, residual, x));

    /// <summary>The experts with the largest logits, each by its share.</summary>
    private double[] Experts(int layer, string block, double[] routed, double[] residual, double[] x)
    {
        double[] logits = Linear(block + "ffn_gate_inp", routed);
        int[] chosen = [.. Enumerable.Range(0, logits.Length).OrderByDescending(expert => logits[expert]).Take(model.ActiveExperts)];
        double[] shares = [.. chosen.Select(expert => model.Gating == ExpertGating.Softmax ? Math.Exp(logits[expert]) : 1 / (1 + Math.Exp(-logits[expert])))];
        double[] sum = new double[x.Length];
        for (int i = 0; i < chosen.Length; i++)
        {
            double[] output = FeedForward(layer, block, "_exps", chosen[i], x, IsLow(layer, block, "_exps", chosen[i], residual, x));
            sum = Add(sum, [.. output.Select(value => value * shares[i] / shares.Sum())]);
        }

        return sum;
    }

    /// <summary>A feed-forward, or an expert whose matrices lie behind those of the others.</summary>
    private double[] FeedForward(int layer, string block, string suffix, int expert, double[] x, bool[]? isLow)
    {
        (float input, float down) = model.FeedForwardThresholds.ElementAtOrDefault(layer);
        float centre = Centre(layer, centres => centres.FeedForward);
        string[] matrices = model.Gated ? [block + "ffn_gate", block + "ffn_up"] : [block + "ffn_up"];
        x = Larger(layer, x, input, centre, matrices);
        int? together = model.FeedForwardThresholds.Any(thresholds => thresholds.FeedForward > 0) ? 32 : null;
        double[] up = WithCentre(block + "ffn_up", Linear(block + "ffn_up" + suffix, x, expert, model.Intermediate, together), centre);
        double[] first = model.Gated
            ? WithCentre(block + "ffn_gate", Linear(block + "ffn_gate" + suffix, x, expert, model.Intermediate, together), centre)
            : up;
        double cut = Cut(first);
        double[] h = new double[model.Intermediate];
        Counts[layer] = (Counts[layer].Candidates + h.Length - (isLow?.Count(low => low) ?? 0), Counts[layer].Kept);
        for (int i = 0; i < h.Length; i++)
        {
            double a = Activate(first[i] - cut);
            h[i] = !model.Gated ? a : a * (model.Activation == Activation.DRelu ? Activate(up[i]) : up[i]);
            if (mode == SparsityMode.Predicted && !_isPrompt && (IsPredictedInactive(layer, block, suffix, (expert * model.Intermediate) + i, x) || isLow?[i] == true || IsSmall(layer, $"{block}ffn_threshold{suffix}.weight", (expert * model.Intermediate) + i, Math.Abs(a))))
            {
                h[i] = 0;
            }
        }

        h = OfPrompts(layer, h);
        Counts[layer] = (Counts[layer].Candidates, Counts[layer].Kept + h.Count(value => value != 0));

        // Activations are rounded 32 at a time, whatever the blocks.
        centre = Centre(layer, centres => centres.Down);
        return WithCentre(
            block + "ffn_down", Linear(block + "ffn_down" + suffix, Larger(layer, Activated(block, h), down, centre), expert, model.Hidden, together: 32), centre);
    }

    /// <summary>A prompt's neurons, which count; or those that prompts use most, in Predicted mode.</summary>
    private double[] OfPrompts(int layer, double[] h)
    {
        if (model.PromptCount(layer) is not { } count)
        {
            return h;
        }

        if (_isPrompt)
        {
            double squares = h.Sum(value => value * value);
            double[] before = _shares[layer] ??= new double[h.Length];
            _shares[layer] = squares == 0 ? before : [.. h.Select((value, i) => before[i] + (Math.Abs(value) / Math.Sqrt(squares) * (Math.Abs(value) / Math.Sqrt(squares))))];
            return h;
        }

        if (mode != SparsityMode.Predicted || _shares[layer] is not { } shares)
        {
            return h;
        }

        HashSet<int> chosen = [.. Enumerable.Range(0, h.Length).OrderByDescending(i => shares[i]).ThenBy(i => i).Take(count)];
        return [.. h.Select((value, i) => chosen.Contains(i) ? value : 0)];
    }

    /// <summary>Which neurons' scores a trained predictor finds too low; null: there is none.</summary>
    private bool[]? IsLow(int layer, string block, string suffix, int expert, double[] residual, double[] x)
    {
        _inputs[layer] = (residual, x);
        if (model.Predictors.ElementAtOrDefault(layer) is not { } predictor)
        {
            return null;
        }

        (residual, x) = _inputs[layer - predictor.Lookahead];
        double[] factors = Linear($"{block}fc1{suffix}", predictor.Input == PredictorInput.Residual ? residual : x, expert, predictor.Rank);
        double[] scores = Linear(
            $"{block}fc2{suffix}", predictor.Relu ? [.. factors.Select(factor => Math.Max(0, factor))] : factors, expert, model.Intermediate);
        return predictor.IsLow(scores);
    }

    private bool IsSmall(int layer, string thresholds, int neuron, double activation) => model.NeuronThresholds.Contains(layer)
        ? activation <= weights.Vector(thresholds)![neuron]
        : activation < model.ActivationThreshold;

    private bool IsPredictedInactive(int layer, string block, string suffix, int neuron, double[] x)
    {
        if (model.Alphas.ElementAtOrDefault(layer) is not { } alpha)
        {
            return false;
        }

        string[] tested = model.Activation == Activation.DRelu ? ["ffn_gate", "ffn_up"] : [model.Gated ? "ffn_gate" : "ffn_up"];
        return tested.Any(name =>
        {
            float[] row = weights.Matrix($"{block}{name}{suffix}.weight").Row(neuron).ToArray();
            return LayerReference.IsPredictedInactive(
                row, weights.Vector($"{block}{name}{suffix}.bias")?[neuron], [.. x.Select(value => (float)value)], alpha);
        });
    }

    /// <summary>What is cut off a token's gates: their mean and so many deviations that a share of a normal distribution lies below; 0 where nothing is.</summary>
    private double Cut(double[] gates)
    {
        if (model.Activation != Activation.GaussianTopK)
        {
            return 0;
        }

        double deviations = model.Sparsity switch { 0.5f => 0, 0.8f => 0.8416212335729143, 0.95f => 1.6448536269514722, _ => throw new InvalidOperationException() };
        double mean = gates.Average();
        return mean + (deviations * Math.Sqrt(gates.Average(gate => (gate - mean) * (gate - mean))));
    }

    private double Activate(double x) => model.Activation switch
    {
        Activation.GaussianTopK when x <= 0 => 0,
        Activation.FatRelu => x > model.FatReluThreshold ? x : 0,
        Activation.SquaredRelu => Math.Pow(Math.Max(0, x), 2),
        Activation.Silu => x / (1 + Math.Exp(-x)),
        Activation.Gelu or Activation.GaussianTopK => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        _ => Math.Max(0, x),
    };

    protected double[] Norm(double[] x, string name)
    {
        float[] factors = weights.Vector(name + ".weight")!;
        float[]? terms = weights.Vector(name + ".bias");
        double mean = model.LayerNorm ? x.Average() : 0;
        double scale = 1 / Math.Sqrt(x.Average(value => (value - mean) * (value - mean)) + DecoderCase.Epsilon);
        return [.. x.Select((value, j) => ((value - mean) * scale * factors[j]) + (terms?[j] ?? 0))];
    }

    private double[] Linear(string name, double[] x, int? together = null) =>
        Multiply(weights.Matrix(name + ".weight"), weights.Vector(name + ".bias"), x, together: together);

    /// <summary>The same with some rows of a matrix: an expert's.</summary>
    private double[] Linear(string name, double[] x, int expert, int rows, int? together = null) =>
        Multiply(weights.Matrix(name + ".weight"), weights.Vector(name + ".bias"), x, expert * rows, rows, together);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private double[] Multiply(StoredMatrix matrix, float[]? bias, double[] x, int from = 0, int? rows = null, int? together = null)
    {
        x = roundsInput && matrix.InputSteps is { } steps ? Quantize(x, steps, together ?? (onGpu ? 32 : matrix.InputBlock)) : x;
        double[] y = new double[rows ?? matrix.Values.Length / matrix.Columns];
        for (int row = 0; row < y.Length; row++)
        {
            ReadOnlySpan<float> w = matrix.Row(from + row);
            double sum = bias?[from + row] ?? 0;
            for (int j = 0; j < x.Length; j++)
            {
                sum += w[j] * x[j];
            }

            y[row] = sum;
        }

        return y;
    }

    /// <summary>Block formats divide the elements of a block of what they are multiplied with into steps of their largest.</summary>
    private static double[] Quantize(double[] x, int steps, int together)
    {
        double[] rounded = new double[x.Length];
        for (int block = 0; block < x.Length; block += together)
        {
            int end = Math.Min(block + together, x.Length);
            double largest = x[block..end].Max(Math.Abs);
            for (int j = block; j < end && largest > 0; j++)
            {
                rounded[j] = Math.Round(x[j] / largest * steps) / steps * largest;
            }
        }

        return rounded;
    }

    protected static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (left, right) => left + right)];
}
