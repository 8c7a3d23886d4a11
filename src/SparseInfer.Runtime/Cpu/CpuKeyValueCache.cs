using System.Runtime.CompilerServices;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>
/// A session's keys and values on the CPU, in the type that it asked for: for each layer and key-value head, its positions one after the other.
/// For generated code, which calls it once for each head.
/// </summary>
public abstract class CpuKeyValueCache : IDisposable
{
    private protected CpuKeyValueCache()
    {
    }

    /// <summary>Allocates a cache.</summary>
    /// <param name="type">How it stores keys and values.</param>
    /// <param name="layers">Layers.</param>
    /// <param name="heads">Key-value heads of a layer.</param>
    /// <param name="headDimension">Length of a key and of a value.</param>
    /// <param name="capacity">Most positions it can hold.</param>
    /// <param name="workers">Threads that attend side by side.</param>
    /// <exception cref="NotSupportedException">The CPU has no such type.</exception>
    /// <exception cref="InsufficientMemoryException">There is no memory for it.</exception>
    public static CpuKeyValueCache Create(KeyValueType type, int layers, int heads, int headDimension, int capacity, int workers) => type switch
    {
        KeyValueType.F32 => new CpuKeyValueCache<KeyValueF32>(layers, heads, headDimension, capacity, workers),
        KeyValueType.F16 => new CpuKeyValueCache<KeyValueF16>(layers, heads, headDimension, capacity, workers),
        KeyValueType.Q8_0 => new CpuKeyValueCache<KeyValueQ8_0>(layers, heads, headDimension, capacity, workers),
        _ => throw Unknown(type),
    };

    /// <summary>Bytes that a head's key takes, and its value, at one position.</summary>
    /// <param name="type">How they are stored.</param>
    /// <param name="headDimension">Length of a key and of a value.</param>
    /// <exception cref="NotSupportedException">The CPU has no such type.</exception>
    public static long RowBytes(KeyValueType type, int headDimension) => type switch
    {
        KeyValueType.F32 => RowBytes<KeyValueF32>(headDimension),
        KeyValueType.F16 => RowBytes<KeyValueF16>(headDimension),
        KeyValueType.Q8_0 => RowBytes<KeyValueQ8_0>(headDimension),
        _ => throw Unknown(type),
    };

    /// <summary>Stores a head's key of a position.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="head">The key-value head.</param>
    /// <param name="position">The position.</param>
    /// <param name="key">The key.</param>
    public abstract void StoreKey(int layer, int head, int position, ref float key);

    /// <summary>Stores a head's value of a position.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="head">The key-value head.</param>
    /// <param name="position">The position.</param>
    /// <param name="value">The value.</param>
    public abstract void StoreValue(int layer, int head, int position, ref float value);

    /// <summary>Attention of one query head over some positions (<see cref="AttentionHead"/>).</summary>
    /// <param name="worker">The thread, whose scratch is used.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="head">The key-value head that the query shares.</param>
    /// <param name="first">The first position attended to.</param>
    /// <param name="positions">How many, at least 1.</param>
    /// <param name="query">The query.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="output">The result, as long as the query; must not overlap it.</param>
    public abstract void Attend(
        int worker, int layer, int head, int first, int positions, ref float query, float scale, ref float output);

    /// <summary>Frees the memory.</summary>
    public abstract void Dispose();

    private protected static nint RowBytes<T>(int headDimension)
        where T : struct, IKeyValueFormat =>
        T.Bytes(T.Columns(headDimension));

    private static NotSupportedException Unknown(KeyValueType type) => new($"A CPU stores no keys and values in {type}.");
}

/// <summary>A cache of one type: its kernels are compiled for that, and nothing asks for the type while they run.</summary>
internal sealed class CpuKeyValueCache<T> : CpuKeyValueCache
    where T : struct, IKeyValueFormat
{
    private readonly int _heads;
    private readonly int _headDimension;
    private readonly int _capacity;
    private readonly int _scratchLength;
    private readonly nint _rowBytes;
    private readonly NativeBuffer _keys;
    private readonly NativeBuffer _values;
    private readonly NativeBuffer _scratch;

    public CpuKeyValueCache(int layers, int heads, int headDimension, int capacity, int workers)
    {
        _heads = heads;
        _headDimension = headDimension;
        _capacity = capacity;
        _scratchLength = AttentionHead.ScratchLength<T>(capacity, headDimension);
        _rowBytes = RowBytes<T>(headDimension);
        long bytes = (long)layers * heads * capacity * _rowBytes;
        _keys = NativeBuffer.Allocate(bytes);
        _values = NativeBuffer.Allocate(bytes);
        _scratch = NativeBuffer.Allocate((long)workers * _scratchLength * sizeof(float));
    }

    /// <inheritdoc/>
    public override void StoreKey(int layer, int head, int position, ref float key) =>
        T.Store(ref key, ref Row(_keys, layer, head, position), _headDimension);

    /// <inheritdoc/>
    public override void StoreValue(int layer, int head, int position, ref float value) =>
        T.Store(ref value, ref Row(_values, layer, head, position), _headDimension);

    /// <inheritdoc/>
    public override void Attend(
        int worker, int layer, int head, int first, int positions, ref float query, float scale, ref float output) =>
        AttentionHead.Apply<T>(
            ref query,
            ref Row(_keys, layer, head, first),
            ref Row(_values, layer, head, first),
            positions,
            _headDimension,
            scale,
            _scratch.AsSpan<float>().Slice(worker * _scratchLength, _scratchLength),
            ref output);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
        _scratch.Dispose();
    }

    private ref byte Row(NativeBuffer buffer, int layer, int head, int position) =>
        ref Unsafe.Add(ref buffer.Ref<byte>(), (nint)((((((long)layer * _heads) + head) * _capacity) + position) * _rowBytes));
}
