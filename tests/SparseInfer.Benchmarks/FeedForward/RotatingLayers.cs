namespace SparseInfer.Benchmarks;

/// <summary>
/// A layer several times over, as many as it takes to be larger than the caches, or where the layer is a small model's as many as such a model has; and
/// tokens that go on from one to the next, and from input to input.
/// </summary>
internal sealed class RotatingLayers : IDisposable
{
    /// <summary>Four times a third-level cache of 32 MiB.</summary>
    private const double LargerThanCaches = 128 << 20;

    /// <summary>Of the bundled model.</summary>
    private const int SmallModelLayers = 6;

    private readonly SyntheticLayer _data;
    private readonly LoadedLayer[] _layers;
    private readonly float[] _y;
    private int _token;

    /// <summary>Loads the layers.</summary>
    /// <param name="data">What each of them is.</param>
    /// <param name="readShare">Share of the layers that is read before a layer is read again.</param>
    public RotatingLayers(SyntheticLayer data, double readShare = 1)
    {
        _data = data;
        _y = new float[data.Shape.Hidden];
        int copies = SyntheticLayer.IsSmall(data.Shape.Hidden)
            ? SmallModelLayers
            : (int)Math.Ceiling(LargerThanCaches / readShare / (data.Gate.Length + data.Up.Length + data.Down.Length));
        _layers = [.. Enumerable.Range(0, copies).Select(_ => LoadedLayer.Load(data))];
    }

    /// <summary>The programs of one kind, one for each of the layers.</summary>
    public LayerProgram[] Run(Func<LoadedLayer, LayerProgram> program) => Select(program);

    /// <summary>Something made of each of the layers.</summary>
    public T[] Select<T>(Func<LoadedLayer, T> make) => [.. _layers.Select(make)];

    /// <summary>
    /// What takes the next token through the next layer. Variants share the count: each goes on where another stopped, and none finds in
    /// the cache what the one before it has read of the same layer and input.
    /// </summary>
    /// <param name="group">The variant's group.</param>
    /// <param name="name">Its name.</param>
    /// <param name="programs">The programs, one for each of the layers.</param>
    /// <param name="mode">The mode they run in.</param>
    /// <param name="firstInput">The first of the inputs that they are given.</param>
    public Variant Variant(string group, string name, LayerProgram[] programs, SparsityMode mode, int firstInput = 0) =>
        new(group, name, SyntheticLayer.BytesPerToken(_data.Shape.Hidden, _data.Type, mode, _data.ActiveShare), () =>
        {
            int token = _token++ & int.MaxValue;
            programs[token % programs.Length].Forward(_data.X[firstInput + (token / programs.Length % SyntheticLayer.Inputs)], _y, mode);
        });

    public void Dispose()
    {
        foreach (LoadedLayer layer in _layers)
        {
            layer.Dispose();
        }
    }
}
