using System.Runtime.InteropServices;
using SparseInfer;
using SparseInfer.Files;
using static Rwkv.Vectors;

namespace Rwkv;

/// <summary>The network that reverses digits: two layers of RWKV-7, 32 wide, over the tokens 0 to 9, comma and end.</summary>
internal sealed class Network : IDisposable
{
    public const int Width = 32;

    private readonly Dictionary<string, float[]> _weights = [];
    private readonly Layer[] _layers;

    /// <summary>Loads the network.</summary>
    /// <param name="file">Its weights, as safetensors. They are copied.</param>
    /// <exception cref="ModelFormatException">A tensor is missing, or not F32.</exception>
    public Network(ModelFile file)
    {
        foreach (TensorInfo tensor in file.Tensors)
        {
            _weights[tensor.Name] = tensor.Weight == WeightType.F32
                ? MemoryMarshal.Cast<byte, float>(tensor.Bytes).ToArray()
                : throw new ModelFormatException(file.Path, $"tensor {tensor.Name} is {tensor.Type}, but must be F32.");
        }

        float[] Weight(string name) =>
            _weights.GetValueOrDefault(name) ?? throw new ModelFormatException(file.Path, $"tensor {name} is missing: this is no network that reverses digits.");
        _layers = [new Layer(1, Weight), new Layer(2, Weight)];
        foreach (string name in new[] { "e.weight", "lno.weight", "lno.bias", "o.weight", "o.bias" })
        {
            Weight(name);
        }
    }

    /// <summary>How channel mixes are computed.</summary>
    public SparsityMode Mode
    {
        set => Array.ForEach(_layers, layer => layer.ChannelMix.Mode = value);
    }

    /// <summary>What channel mixes did since <see cref="Meter"/>.</summary>
    public IReadOnlyList<LayerMetrics> Metrics => [.. _layers.Select(layer => layer.ChannelMix.ReadMetrics())];

    /// <summary>Counts from here on.</summary>
    public void Meter() => Array.ForEach(_layers, layer => layer.ChannelMix.Metering = true);

    /// <summary>Forgets what it has read.</summary>
    public void Reset() => Array.ForEach(_layers, layer => layer.Reset());

    /// <summary>Reads a token.</summary>
    /// <returns>A logit for each token that may follow.</returns>
    public float[] Next(int token)
    {
        float[] x = _weights["e.weight"].AsSpan(token * Width, Width).ToArray();
        float[] firstValue = [];
        foreach (Layer layer in _layers)
        {
            x = layer.Next(x, ref firstValue);
        }

        return Add(Multiply(_weights["o.weight"], Norm(x, _weights["lno.weight"], _weights["lno.bias"])), _weights["o.bias"]);
    }

    public void Dispose() => Array.ForEach(_layers, layer => layer.ChannelMix.Dispose());

    /// <summary>A layer: time mix, then channel mix. The file's layers have a third branch, trained to be a constant.</summary>
    private sealed class Layer
    {
        private readonly Func<string, float[]> _weight;
        private readonly TimeMix _timeMix;
        private readonly int _number;
        private float[] _before = new float[Width];

        public Layer(int number, Func<string, float[]> weight)
        {
            _number = number;
            _weight = weight;
            _timeMix = new TimeMix(name => weight($"rwkv{number}.{name}"), isFirst: number == 1);
            ChannelMix = Layers.ChannelMix.New();
            ChannelMix.Load(new FeedForwardWeights { Up = weight($"ffn{number}.key.weight"), Down = weight($"ffn{number}.value.weight") });
        }

        public FeedForwardKernel ChannelMix { get; }

        public void Reset()
        {
            _timeMix.Reset();
            _before = new float[Width];
        }

        public float[] Next(float[] x, ref float[] firstValue)
        {
            x = Add(x, _timeMix.Next(Normed(x, "a"), ref firstValue), _weight($"rosa{_number}.o.bias"));
            float[] normed = Normed(x, "b");
            float[] mixed = new float[Width];
            ChannelMix.Forward(Mix(normed, _before, _weight($"ffn{_number}.x_k")), mixed);
            _before = normed;
            return Add(x, mixed);
        }

        private float[] Normed(float[] x, string norm) => Norm(x, _weight($"ln{_number}{norm}.weight"), _weight($"ln{_number}{norm}.bias"));
    }
}
