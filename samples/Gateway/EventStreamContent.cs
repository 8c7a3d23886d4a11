using System.Net;
using System.Text;
using System.Text.Json;

namespace Gateway;

/// <summary>
/// A server's stream of events. Where the server is lost in the middle of it, the stream ends with an event that says so, in place of a connection that breaks.
/// </summary>
internal sealed class EventStreamContent : HttpContent
{
    private readonly HttpContent _content;

    public EventStreamContent(HttpContent content)
    {
        _content = content;
        foreach ((string name, IEnumerable<string> values) in content.Headers)
        {
            Headers.TryAddWithoutValidation(name, values);
        }
    }

    protected override async Task<Stream> CreateContentReadStreamAsync() => new Events(await _content.ReadAsStreamAsync());

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await using Stream events = await CreateContentReadStreamAsync();
        await events.CopyToAsync(stream);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _content.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Hands out whole events only, so that the last one of a lost server is either there or not.</summary>
    private sealed class Events(Stream events) : Stream
    {
        private byte[] _bytes = new byte[16 << 10];
        private int _next;
        private int _whole;
        private int _count;
        private bool _ended;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (_next == _whole && !_ended)
            {
                await Fill(cancellationToken);
            }

            int count = Math.Min(buffer.Length, _whole - _next);
            _bytes.AsMemory(_next, count).CopyTo(buffer);
            _next += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                events.Dispose();
            }

            base.Dispose(disposing);
        }

        private async Task Fill(CancellationToken cancellationToken)
        {
            _bytes.AsSpan(_whole.._count).CopyTo(_bytes);
            _count -= _whole;
            _next = _whole = 0;
            if (_count == _bytes.Length)
            {
                Array.Resize(ref _bytes, 2 * _bytes.Length);
            }

            int read;
            try
            {
                read = await events.ReadAsync(_bytes.AsMemory(_count), cancellationToken);
            }
            catch (Exception exception) when (exception is IOException or HttpRequestException && !cancellationToken.IsCancellationRequested)
            {
                string error = JsonSerializer.Serialize(GatewayError.Of(
                    "The server that wrote this answer is gone, and the answer ends here. Ask again: another server takes it.", "server_error", "server_lost"));
                _bytes = Encoding.UTF8.GetBytes($"data: {error}\n\n");
                _whole = _count = _bytes.Length;
                _ended = true;
                return;
            }

            _count += read;
            _ended = read == 0;
            int end = _bytes.AsSpan(0, _count).LastIndexOf("\n\n"u8);
            _whole = _ended ? _count : end < 0 ? 0 : end + 2;
        }
    }
}
