namespace SparseInfer.Models.Tests.Reversing;

/// <summary>RWKV-7 in double precision, with whole matrices of state, straight from the formulas. Nothing here is shared with the sample.</summary>
internal sealed class RwkvReference(Dictionary<string, float[]> weights)
{
    private const int C = 32;
    private const int N = 16;

    private readonly Dictionary<string, double[]> _before = [];
    private readonly Dictionary<string, double[,]> _states = [];
    private double[] _firstValue = [];

    public double[] Next(int token)
    {
        double[] x = Zip(C, i => W("e.weight")[(token * C) + i]);
        foreach (int layer in new[] { 1, 2 })
        {
            double[] mixed = TimeMix($"rwkv{layer}.", layer, Norm(x, $"ln{layer}a", C, 1e-5));
            x = Zip(C, i => x[i] + mixed[i] + W($"rosa{layer}.o.bias")[i]);
            double[] channel = ChannelMix($"ffn{layer}.", Norm(x, $"ln{layer}b", C, 1e-5));
            x = Zip(C, i => x[i] + channel[i]);
        }

        double[] logits = Linear("o.weight", Norm(x, "lno", C, 1e-5));
        return Zip(12, i => logits[i] + W("o.bias")[i]);
    }

    private double[] ChannelMix(string name, double[] x)
    {
        double[] shifted = Shift(name + "x_k", x, Before(name));
        _before[name] = x;
        return Linear(name + "value.weight", [.. Linear(name + "key.weight", shifted).Select(h => Math.Pow(Math.Max(0, h), 2))]);
    }

    private double[] TimeMix(string name, int layer, double[] x)
    {
        double[] before = Before(name);
        _before[name] = x;
        double[] Mixed(string what) => Shift($"{name}x_{what}", x, before);
        double[] Low(string what, double[] input, Func<double, double> activate)
        {
            double[] narrow = Zip(8, i => activate(Sum(C, j => input[j] * W($"{name}{what}1")[(j * 8) + i])));
            return Zip(C, i => Sum(8, j => narrow[j] * W($"{name}{what}2")[(j * C) + i]));
        }

        double[] r = Linear(name + "receptance.weight", Mixed("r"));
        double[] k = Linear(name + "key.weight", Mixed("k"));
        double[] v = Linear(name + "value.weight", Mixed("v"));
        double[] lowW = Low("w", Mixed("w"), Math.Tanh);
        double[] lowA = Low("a", Mixed("a"), value => value);
        double[] lowV = Low("v", Mixed("v"), value => value);
        double[] g = Low("g", Mixed("g"), Sigmoid);
        double[] w = Zip(C, i => Math.Exp(-Math.Exp(-Math.Log(1 + Math.Exp(-(W(name + "w0")[i] + lowW[i]))) - 0.5)));
        double[] a = Zip(C, i => Sigmoid(W(name + "a0")[i] + lowA[i]));
        if (layer == 1)
        {
            _firstValue = v;
        }
        else
        {
            double[] own = v;
            v = Zip(C, i => own[i] + ((_firstValue[i] - own[i]) * Sigmoid(W(name + "v0")[i] + lowV[i])));
        }

        double[] y = new double[C];
        double[] added = Zip(C, i => k[i] * (1 + ((a[i] - 1) * W(name + "k_a")[i])));
        double[] raw = Zip(C, i => k[i] * W(name + "k_k")[i]);
        for (int h = 0; h < C; h += N)
        {
            double length = Math.Sqrt(Sum(N, i => raw[h + i] * raw[h + i]));
            double[] removed = Zip(N, i => raw[h + i] / length);
            double[,] old = _states.GetValueOrDefault(name + h) ?? new double[N, N];
            double[,] state = new double[N, N];
            for (int i = 0; i < N; i++)
            {
                for (int j = 0; j < N; j++)
                {
                    state[i, j] = (old[i, j] * w[h + j]) - (Sum(N, n => old[i, n] * removed[n]) * removed[j] * a[h + j]) + (v[h + i] * added[h + j]);
                }

                y[h + i] = Sum(N, j => state[i, j] * r[h + j]);
            }

            _states[name + h] = state;
        }

        y = Norm(y, name + "ln_x", N, 64e-5);
        double[] all = Zip(C, i => (y[i] + (Sum(N, j => r[Head(i) + j] * added[Head(i) + j] * W(name + "r_k")[Head(i) + j]) * v[i])) * g[i]);
        return Linear(name + "output.weight", all);
    }

    private static int Head(int i) => i / N * N;

    private float[] W(string name) => weights[name];

    private double[] Before(string name) => _before.GetValueOrDefault(name) ?? new double[C];

    private double[] Shift(string name, double[] x, double[] before) => Zip(C, i => x[i] + ((before[i] - x[i]) * W(name)[i]));

    private double[] Linear(string name, double[] x) => Zip(W(name).Length / x.Length, i => Sum(x.Length, j => W(name)[(i * x.Length) + j] * x[j]));

    private double[] Norm(double[] x, string name, int size, double epsilon) => Zip(C, i =>
    {
        double[] group = x[(i / size * size)..((i / size * size) + size)];
        double mean = group.Average();
        return ((x[i] - mean) / Math.Sqrt(group.Average(value => (value - mean) * (value - mean)) + epsilon) * W(name + ".weight")[i]) + W(name + ".bias")[i];
    });

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double Sum(int count, Func<int, double> term) => Enumerable.Range(0, count).Sum(term);

    private static double[] Zip(int count, Func<int, double> element) => [.. Enumerable.Range(0, count).Select(element)];
}
