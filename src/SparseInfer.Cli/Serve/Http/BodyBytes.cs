using System.Buffers;

namespace SparseInfer.Cli.Serve.Http;

/// <summary>The bytes of a body, as far as they have come.</summary>
/// <param name="limit">Most of them.</param>
/// <param name="budget">What they are counted in, from <see cref="BodyBudget.Free"/> on.</param>
internal sealed class BodyBytes(long limit, BodyBudget budget) : IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(4096);
    private int _length;
    private int _taken;

    /// <summary>What has come, without a byte order mark.</summary>
    public ReadOnlyMemory<byte> Text => _bytes.AsMemory(0, _length) is var all && all.Span.StartsWith("\uFEFF"u8) ? all[3..] : all;

    /// <summary>Reads to the end.</summary>
    /// <exception cref="ApiException">There is no room for it.</exception>
    public async Task ReadAsync(Stream body, CancellationToken cancellationToken)
    {
        while (await body.ReadAsync(_bytes.AsMemory(_length), cancellationToken) is var read && read > 0)
        {
            _length += read;
            if (_length == _bytes.Length)
            {
                Grow();
            }
        }
    }

    public void Dispose()
    {
        // It is what somebody wrote: the next one who rents the array shall not find it.
        ArrayPool<byte>.Shared.Return(_bytes, clearArray: true);
        budget.GiveBack(_taken);
        _bytes = [];
        _taken = 0;
    }

    private void Grow()
    {
        // One more than there may be: only then it shows that there are no more.
        int size = (int)Math.Min(2L * _bytes.Length, Math.Max(limit, _length) + 1);
        int more = Math.Max(size, BodyBudget.Free) - BodyBudget.Free - _taken;
        if (more > 0)
        {
            budget.Take(more);
            _taken += more;
        }

        byte[] larger = ArrayPool<byte>.Shared.Rent(size);
        _bytes.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes, clearArray: true);
        _bytes = larger;
    }
}
