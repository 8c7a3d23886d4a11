using ILGPU;
using SparseInfer.Kernels.Ilgpu;

namespace SparseInfer.Runtime;

/// <summary>
/// A session's keys and values on a device: a buffer a layer, [positions x row]. A row holds the keys of all heads and then the values of
/// all, so that more positions are more rows at the end. Layers grow one after another: of only one of them there are two copies at a time.
/// </summary>
public sealed class KeyValueCache : IDisposable
{
    /// <summary>
    /// Positions that it grows by. Each time the cache is zeroed, read and written once, where every token's attention reads it: 1% more.
    /// </summary>
    public const int PagePositions = 256;

    private readonly GrowingBuffer<Words4>[] _layers;
    private readonly int _capacity;
    private readonly long _rowWords;

    /// <summary>Allocates the first page.</summary>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    internal KeyValueCache(IlgpuDevice device, KeyValueType type, int layers, int rowElements, int capacity)
    {
        Type = type;
        _capacity = capacity;
        _rowWords = rowElements / (type == KeyValueType.F16 ? 8 : 4);
        _layers = new GrowingBuffer<Words4>[layers];
        int positions = Whole(1);
        try
        {
            for (int layer = 0; layer < layers; layer++)
            {
                _layers[layer] = new GrowingBuffer<Words4>(device, positions * _rowWords, What(positions));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How numbers are stored.</summary>
    public KeyValueType Type { get; }

    /// <summary>Positions that every layer has room for.</summary>
    public int Positions => (int)(_layers.Min(layer => layer.Count) / _rowWords);

    /// <summary>A layer's keys and values, 16 bytes an element; until it grows.</summary>
    /// <param name="layer">The layer.</param>
    public ArrayView<Words4> View(int layer) => _layers[layer].View;

    /// <summary>
    /// Makes room for so many positions, in whole pages. Where memory ends on the way, layers that have grown keep what they got, none has
    /// lost anything, and another call goes on from there.
    /// </summary>
    /// <param name="positions">At most the session's capacity.</param>
    /// <param name="held">Positions that are written already: these are kept.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for it.</exception>
    public void Reserve(int positions, int held)
    {
        int whole = Whole(positions);
        foreach (GrowingBuffer<Words4> layer in _layers)
        {
            // Once a token: most need no more, and no name for it.
            if (layer.Count < whole * _rowWords)
            {
                layer.Grow(whole * _rowWords, held * _rowWords, What(whole));
            }
        }
    }

    /// <summary>Frees it.</summary>
    public void Dispose()
    {
        foreach (GrowingBuffer<Words4>? layer in _layers)
        {
            layer?.Dispose();
        }
    }

    private int Whole(int positions) => (int)Math.Min(_capacity, ((long)positions + PagePositions - 1) / PagePositions * PagePositions);

    private string What(int positions) => $"a layer's key-value cache of {positions} positions in {Type}";
}
