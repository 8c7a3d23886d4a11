using System.Buffers;

namespace SparseInfer.Cli.Serve.Http;

/// <summary>An answer's bytes in parts: a long one is neither copied while it grows nor as a whole when it is sent.</summary>
internal sealed class ReplyBytes : IBufferWriter<byte>, IDisposable
{
    private const int FirstPart = 4 << 10;
    private const int LaterParts = 64 << 10;

    private readonly Queue<ArraySegment<byte>> _parts = [];
    private byte[] _last = ArrayPool<byte>.Shared.Rent(FirstPart);
    private int _written;

    /// <summary>Bytes that were written and not taken.</summary>
    public long Length { get; private set; }

    public void Advance(int count)
    {
        _written += count;
        Length += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_last.Length - _written < Math.Max(sizeHint, 1))
        {
            _parts.Enqueue(new(_last, 0, _written));
            _last = ArrayPool<byte>.Shared.Rent(Math.Max(sizeHint, LaterParts));
            _written = 0;
        }

        return _last.AsMemory(_written);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Moves the next part to where it is sent from.</summary>
    /// <returns>Whether there was one.</returns>
    public bool MoveTo(IBufferWriter<byte> output)
    {
        if (Length == 0)
        {
            return false;
        }

        if (!_parts.TryDequeue(out ArraySegment<byte> part))
        {
            part = new(_last, 0, _written);
            _last = [];
            _written = 0;
        }

        output.Write(part);
        Length -= part.Count;
        ArrayPool<byte>.Shared.Return(part.Array!);
        return true;
    }

    public void Dispose()
    {
        foreach (ArraySegment<byte> part in _parts)
        {
            ArrayPool<byte>.Shared.Return(part.Array!);
        }

        _parts.Clear();
        ArrayPool<byte>.Shared.Return(_last);
        _last = [];
    }
}
