namespace SparseInfer.Benchmarks;

/// <summary>
/// A layer several times over, as many as it takes to be larger than the caches, and tokens that go on from one to the next, and from
/// input to
/// input.
/// </summary>
internal sealed class RotatingLayers : IDisposable
{
    /// <summary>Four times a third-level cache of 32 MiB.</summary>
    private const double LargerThanCaches = 128 << 20;

    private readonly SyntheticLayer _data;
    private readonly LoadedLayer[] _layers;
    private readonly float[] _y;
    private int _token;

    public RotatingLayers(SyntheticLayer data)
    {
        _data = data;
        _y = new float[data.Shape.Hidden];
        int copies = (int)Math.Ceiling(LargerThanCaches / (data.Gate.Length + data.Up.Length + data.Down.Length));
        _layers = [.. Enumerable.Range(0, copies).Select(_ => LoadedLayer.Load(data))];
    }

    /// <summary>The programs of one kind, one for each of the layers.</summary>
    public LayerProgram[] Run(Func<LoadedLayer, LayerProgram> program) => [.. _layers.Select(program)];

    /// <summary>
    /// What takes the next token through the next layer. Variants share the count: each goes on where another stopped, and none finds in
    /// the cache what the one before it has read of the same layer and input.
    /// </summary>
    public Variant Variant(string group, string name, LayerProgram[] programs, SparsityMode mode) =>
        new(group, name, SyntheticLayer.BytesPerToken(_data.Shape.Hidden, _data.Type, mode), () =>
        {
            int token = _token++ & int.MaxValue;
            programs[token % programs.Length].Forward(_data.X[token / programs.Length % SyntheticLayer.Inputs], _y, mode);
        });

    public void Dispose()
    {
        foreach (LoadedLayer layer in _layers)
        {
            layer.Dispose();
        }
    }
}
