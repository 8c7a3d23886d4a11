using System.Runtime.InteropServices;
using ILGPU;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Runtime;

/// <summary>
/// Cosines and sines of positions on a device: one table for all sessions of a model, made when the first wants it, and made anew for one
/// that is longer. Those before it stay as long as the model, since sessions read them; each is at least twice as long as the last.
/// </summary>
internal sealed class SharedRotaryTables(IlgpuDevice device, NativeMemoryPool memory)
{
    /// <summary>Floats that a part of a buffer starts at a multiple of.</summary>
    private const int Alignment = 64;

    private readonly Lock _lock = new();
    private ArrayView<float> _cos;
    private ArrayView<float> _sin;
    private int _positions;

    /// <summary>Tables that hold a number of positions at least, [positions x pairs] each.</summary>
    /// <param name="table">Where they are worked out.</param>
    /// <param name="pairs">Pairs of dimensions that are rotated.</param>
    /// <param name="positions">Positions of a session.</param>
    /// <param name="context">Most positions that a session can have.</param>
    /// <exception cref="InsufficientDeviceMemoryException">The device has no room for them.</exception>
    public (ArrayView<float> Cos, ArrayView<float> Sin) For(RopeTable table, int pairs, int positions, int context)
    {
        lock (_lock)
        {
            if (_positions < positions)
            {
                Make(table, pairs, (int)Math.Max(positions, Math.Min(context, 2L * _positions)));
            }

            return (_cos, _sin);
        }
    }

    private void Make(RopeTable table, int pairs, int positions)
    {
        long count = (long)positions * pairs;
        long sinFrom = (count + Alignment - 1) / Alignment * Alignment;
        float[] both = new float[checked((int)(sinFrom + count))];
        for (int position = 0; position < positions; position++)
        {
            int row = position * pairs;
            MemoryMarshal.CreateReadOnlySpan(in table.Cos(position), pairs).CopyTo(both.AsSpan(row, pairs));
            MemoryMarshal.CreateReadOnlySpan(in table.Sin(position), pairs).CopyTo(both.AsSpan((int)sinFrom + row, pairs));
        }

        DeviceBuffer<float> buffer = device.Allocate<float>(both.Length, "the rotary embedding", zeroed: false);
        try
        {
            buffer.CopyFrom(both);
        }
        catch
        {
            buffer.Dispose();
            throw;
        }

        memory.Own(buffer);
        _cos = buffer.View.SubView(0, count);
        _sin = buffer.View.SubView(sinFrom, count);
        _positions = positions;
    }
}
