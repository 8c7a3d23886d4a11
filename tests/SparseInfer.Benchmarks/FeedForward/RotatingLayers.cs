namespace SparseInfer.Benchmarks;

/// <summary>
/// A layer several times over, as many as it takes to be larger than the caches, and a token that goes on from one to the next, and from input to input.
/// </summary>
internal sealed class RotatingLayers : IDisposable
{
    /// <summary>Four times the third-level cache of the largest machine at hand.</summary>
    private const double LargerThanCaches = 128 << 20;

    private readonly SyntheticLayer _data;
    private readonly ILayer[] _layers;
    private readonly float[] _y;
    private int _token;

    /// <summary>Loads the copies.</summary>
    /// <param name="data">The weights.</param>
    /// <param name="load">Makes a layer that computes with them.</param>
    public RotatingLayers(SyntheticLayer data, Func<SyntheticLayer, ILayer> load)
    {
        _data = data;
        _y = new float[data.Shape.Hidden];
        int copies = (int)Math.Ceiling(LargerThanCaches / (data.Gate.Length + data.Up.Length + data.Down.Length));
        _layers = [.. Enumerable.Range(0, copies).Select(_ => load(data))];
    }

    /// <summary>The next token through the next layer.</summary>
    public void Step(SparsityMode mode)
    {
        int token = _token++ & int.MaxValue;
        _layers[token % _layers.Length].Forward(_data.X[token / _layers.Length % SyntheticLayer.Inputs], _y, mode);
    }

    /// <summary>What an input gives.</summary>
    public float[] Output(int input, SparsityMode mode)
    {
        float[] y = new float[_y.Length];
        _layers[0].Forward(_data.X[input], y, mode);
        return y;
    }

    public void Dispose()
    {
        foreach (ILayer layer in _layers)
        {
            layer.Dispose();
        }
    }
}

/// <summary>A layer with its weights, on one thread.</summary>
internal interface ILayer : IDisposable
{
    void Forward(float[] x, float[] y, SparsityMode mode);
}

/// <summary>A layer with the interface that generated ones have.</summary>
internal sealed class KernelLayer : ILayer
{
    private readonly FeedForwardKernel _kernel;

    public KernelLayer(FeedForwardKernel kernel, SyntheticLayer data)
    {
        _kernel = kernel;
        _kernel.Load(data.Weights);
    }

    public void Forward(float[] x, float[] y, SparsityMode mode)
    {
        _kernel.Mode = mode;
        _kernel.Forward(x, y);
    }

    public void Dispose() => _kernel.Dispose();
}
