namespace SparseInfer.Cli.Tests.Metadata;

/// <summary>A tiny model in double precision, straight from the definitions.</summary>
/// <param name="model">The model.</param>
/// <param name="halfSplit">Which dimensions of a head its file pairs.</param>
internal class TinyReference(TinyModel model, bool halfSplit)
{
    private readonly List<double[]>[] _keys = [.. Enumerable.Range(0, model.Depth).Select(_ => new List<double[]>())];
    private readonly List<double[]>[] _values = [.. Enumerable.Range(0, model.Depth).Select(_ => new List<double[]>())];

    /// <summary>The logits after one more token.</summary>
    public double[] Next(int token) => Scale(Linear(model.Tied ? "token_embd" : "output", Hidden(token)), model.LogitScale);

    /// <summary>What the head reads of one more token.</summary>
    public double[] Hidden(int token)
    {
        float[] embedding = model.Weights("token_embd.weight")!;
        double[] x = [.. embedding.AsSpan(token * TinyModel.Hidden, TinyModel.Hidden).ToArray().Select(value => value * model.EmbeddingScale)];
        if (model.PositionOffset is { } offset)
        {
            x = Add(x, [.. model.Weights("position_embd.weight")!.AsSpan((_keys[0].Count + offset) * TinyModel.Hidden, TinyModel.Hidden).ToArray().Select(value => (double)value)]);
        }

        for (int layer = 0; layer < model.Depth; layer++)
        {
            string block = $"blk.{layer}.";
            double[] attended = Scale(Attention(layer, block, Norm(x, block + model.AttentionNorm)), model.ResidualScale);
            double[] normed = Norm(model.ParallelNorms > 0 ? x : Add(x, attended), block + model.FeedForwardNorm);
            double[] fed = model.Experts > 0 ? Experts(block, model.EarlyRouter ? x : normed, normed) : FeedForward(block, normed);
            x = Add(Add(x, attended), Scale(fed, model.ResidualScale));
        }

        return Norm(x, "output_norm");
    }

    private static double[] Scale(double[] x, double factor) => [.. x.Select(value => value * factor)];

    private double[] Attention(int layer, string block, double[] x)
    {
        const int Size = TinyModel.HeadSize;
        int position = _keys[layer].Count;
        int first = model.Window(layer) is > 0 and int window ? Math.Max(0, position + 1 - window) : 0;
        double[] query = Rotate(layer, Heads(block + "attn_q", x), position);
        _keys[layer].Add(Rotate(layer, Heads(block + "attn_k", x), position));
        _values[layer].Add(Linear(block + "attn_v", x));
        double[] attended = new double[query.Length];
        for (int head = 0; head < TinyModel.Heads; head++)
        {
            int q = head * Size;
            int kv = head * model.KeyValues / TinyModel.Heads * Size;
            double[] powers = [.. _keys[layer].Skip(first).Select(key => Math.Exp(Enumerable.Range(0, Size).Sum(i => query[q + i] * key[kv + i]) / Math.Sqrt(Size)))];
            for (int i = 0; i < Size; i++)
            {
                attended[q + i] = powers.Select((power, p) => power * _values[layer][first + p][kv + i]).Sum() / powers.Sum();
            }
        }

        return Linear(block + "attn_output", model.SubNorms ? Norm(attended, block + "attn_sub_norm") : attended);
    }

    private double[] Heads(string name, double[] x)
    {
        double[] heads = Linear(name, x);
        return model.QueryKeyNorms ? [.. heads.Chunk(TinyModel.HeadSize).SelectMany(head => Norm(head, name + "_norm"))] : heads;
    }

    private double[] Rotate(int layer, double[] heads, int position)
    {
        if (model.IsUnrotated(layer))
        {
            return heads;
        }

        double[] turned = [.. heads];
        int pairs = model.RopeDimensions / 2;
        for (int head = 0; head < heads.Length; head += TinyModel.HeadSize)
        {
            for (int i = 0; i < pairs; i++)
            {
                int a = head + (halfSplit ? i : 2 * i);
                int b = head + (halfSplit ? i + pairs : (2 * i) + 1);
                double angle = position * model.ScaleFrequency(i, Math.Pow(model.RopeTheta, -2.0 * i / model.RopeDimensions)) / model.RopeScaling;
                turned[a] = model.RopeMagnitude * ((heads[a] * Math.Cos(angle)) - (heads[b] * Math.Sin(angle)));
                turned[b] = model.RopeMagnitude * ((heads[a] * Math.Sin(angle)) + (heads[b] * Math.Cos(angle)));
            }
        }

        return turned;
    }

    /// <summary>The experts with the largest logits, each by its share.</summary>
    private double[] Experts(string block, double[] routed, double[] x)
    {
        double[] logits = Linear(block + "ffn_gate_inp", routed);
        int[] chosen = [.. Enumerable.Range(0, logits.Length).OrderByDescending(expert => logits[expert]).Take(model.ActiveExperts)];
        double Power(int expert) => model.SigmoidGating ? 1 / (1 + Math.Exp(-logits[expert])) : Math.Exp(logits[expert]);
        return chosen
            .Select(expert => FeedForward(block, x, "_exps", expert).Select(value => value * Power(expert) / chosen.Sum(Power)).ToArray())
            .Aggregate(Add);
    }

    /// <summary>A feed-forward, or an expert whose matrices lie behind those of the others.</summary>
    private double[] FeedForward(string block, double[] x, string suffix = "", int expert = 0)
    {
        double[] Linear(string name, double[] input)
        {
            double[] all = this.Linear(name + suffix, input);
            int rows = suffix.Length == 0 ? all.Length : all.Length / model.Experts;
            return all[(expert * rows)..((expert + 1) * rows)];
        }

        double[] up = Linear(block + "ffn_up", x);
        if (model.Activation == Activation.DRelu)
        {
            up = [.. up.Select(Activate)];
        }

        double[] h = model.Gated
            ? [.. Linear(block + "ffn_gate", x).Zip(up, (gate, factor) => Activate(gate) * factor)]
            : [.. up.Select(Activate)];
        return Linear(block + "ffn_down", model.SubNorms ? Norm(h, block + "ffn_sub_norm") : h);
    }

    /// <summary>GELU's tanh form.</summary>
    protected virtual double Gelu(double x) => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))));

    /// <summary>What a matrix is multiplied with.</summary>
    protected virtual double Operand(double x) => x;

    private double Activate(double x) => model.Activation switch
    {
        Activation.Relu or Activation.DRelu => Math.Max(0, x),
        Activation.FatRelu => x > 0.01f ? x : 0,
        Activation.SquaredRelu => Math.Pow(Math.Max(0, x), 2),
        Activation.Silu => x / (1 + Math.Exp(-x)),
        Activation.Gelu => Gelu(x),
        _ => throw new NotSupportedException(),
    };

    private double[] Norm(double[] x, string name)
    {
        float[] factors = model.Weights(name + ".weight")!;
        float[]? terms = model.Weights(name + ".bias");
        double mean = model.LayerNorm ? x.Average() : 0;
        double scale = 1 / Math.Sqrt(x.Average(value => (value - mean) * (value - mean)) + TinyModel.Epsilon);
        return [.. x.Select((value, j) => ((value - mean) * scale * factors[j]) + (terms?[j] ?? 0))];
    }

    private double[] Linear(string name, double[] x)
    {
        float[] matrix = model.Weights(name + ".weight")!;
        float[]? bias = model.Weights(name + ".bias");
        x = [.. x.Select(Operand)];
        double[] y = new double[matrix.Length / x.Length];
        for (int row = 0; row < y.Length; row++)
        {
            y[row] = (bias?[row] ?? 0) + x.Select((value, j) => value * matrix[(row * x.Length) + j]).Sum();
        }

        return y;
    }

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (left, right) => left + right)];
}
