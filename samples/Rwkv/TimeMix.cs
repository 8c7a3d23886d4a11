using static Rwkv.Vectors;

namespace Rwkv;

/// <summary>
/// RWKV-7's time mix, one token at a time: what attention is elsewhere, with a matrix of state a head in place of a cache. Source: BlinkDL/RWKV-LM,
/// <c>RWKV_Tmix_x070</c> in RWKV-v8/251105_reverse_run.py.
/// </summary>
/// <param name="weight">Weights by their names in the file, without the layer's.</param>
/// <param name="isFirst">Whether it is the first layer's, whose values later layers mix in.</param>
internal sealed class TimeMix(Func<string, float[]> weight, bool isFirst)
{
    private const int HeadSize = 16;
    private const int Heads = Network.Width / HeadSize;

    private readonly float[] _state = new float[Heads * HeadSize * HeadSize];
    private float[] _before = new float[Network.Width];

    public void Reset()
    {
        Array.Clear(_state);
        _before = new float[Network.Width];
    }

    /// <summary>The output for one more token.</summary>
    /// <param name="x">Its input.</param>
    /// <param name="firstValue">The first layer's value: written there, read elsewhere.</param>
    public float[] Next(float[] x, ref float[] firstValue)
    {
        float[] Mixed(string name) => Mix(x, _before, weight("x_" + name));
        float[] receptance = Multiply(weight("receptance.weight"), Mixed("r"));
        float[] key = Multiply(weight("key.weight"), Mixed("k"));
        float[] value = Multiply(weight("value.weight"), Mixed("v"));
        float[] decay = Add(weight("w0"), Narrow("w", Mixed("w"), MathF.Tanh));
        float[] rate = [.. Add(weight("a0"), Narrow("a", Mixed("a"))).Select(Sigmoid)]; // the in-context learning rate
        float[] gate = Narrow("g", Mixed("g"), Sigmoid);
        if (isFirst)
        {
            firstValue = value;
        }
        else
        {
            value = Mix(value, firstValue, [.. Add(weight("v0"), Narrow("v", Mixed("v"))).Select(Sigmoid)]);
        }

        float[] removed = Normalize([.. key.Zip(weight("k_k"), (k, factor) => k * factor)]);
        float[] added = [.. key.Select((k, i) => k * (1 + ((rate[i] - 1) * weight("k_a")[i])))];
        float[] y = Step(receptance, [.. decay.Select(Decay)], added, value, removed, rate);
        y = Norm(y, weight("ln_x.weight"), weight("ln_x.bias"), Heads, epsilon: 64e-5f);
        AddBonus(y, receptance, added, value);
        _before = x;
        return Multiply(weight("output.weight"), [.. y.Zip(gate, (a, b) => a * b)]);
    }

    /// <summary>Through a few dimensions and back.</summary>
    private float[] Narrow(string name, float[] x, Func<float, float>? activate = null)
    {
        float[] narrow = Multiply((ReadOnlySpan<float>)x, weight(name + "1"));
        return Multiply((ReadOnlySpan<float>)(activate is null ? narrow : [.. narrow.Select(activate)]), weight(name + "2"));
    }

    /// <summary>What is left of the state after a token: exp(-exp(w)), w below -0.5.</summary>
    private static float Decay(float x) => MathF.Exp(-MathF.Exp(-MathF.Log(1 + MathF.Exp(-x)) - 0.5f));

    /// <summary>Each head to length 1.</summary>
    private static float[] Normalize(float[] x)
    {
        for (int first = 0; first < x.Length; first += HeadSize)
        {
            Span<float> head = x.AsSpan(first, HeadSize);
            float length = MathF.Sqrt(Dot(head, head));
            foreach (ref float value in head)
            {
                value /= MathF.Max(length, 1e-12f);
            }
        }

        return x;
    }

    /// <summary>S = S (diag(decay) - removed (rate removed)ᵀ) + value addedᵀ, and S receptance, a head at a time.</summary>
    private float[] Step(float[] receptance, float[] decay, float[] added, float[] value, float[] removed, float[] rate)
    {
        float[] y = new float[Network.Width];
        for (int i = 0; i < Network.Width; i++)
        {
            int head = i / HeadSize * HeadSize;
            Span<float> row = _state.AsSpan(i * HeadSize, HeadSize);
            float old = Dot(row, removed.AsSpan(head, HeadSize));
            for (int j = 0; j < HeadSize; j++)
            {
                int k = head + j;
                row[j] = (row[j] * decay[k]) - (old * removed[k] * rate[k]) + (value[i] * added[k]);
            }

            y[i] = Dot(row, receptance.AsSpan(head, HeadSize));
        }

        return y;
    }

    /// <summary>This token's own value, by how well its key fits.</summary>
    private void AddBonus(float[] y, float[] receptance, float[] key, float[] value)
    {
        float[] share = weight("r_k");
        for (int first = 0; first < y.Length; first += HeadSize)
        {
            float fit = 0;
            for (int i = first; i < first + HeadSize; i++)
            {
                fit += receptance[i] * key[i] * share[i];
            }

            for (int i = first; i < first + HeadSize; i++)
            {
                y[i] += fit * value[i];
            }
        }
    }

    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        float sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }
}
