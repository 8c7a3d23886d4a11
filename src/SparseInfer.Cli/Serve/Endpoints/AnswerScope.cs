using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Http;

namespace SparseInfer.Cli.Serve.Endpoints;

/// <summary>How long a request may be answered: until its client leaves, its time is over, or the server ends.</summary>
internal sealed class AnswerScope : IDisposable
{
    private readonly HttpContext _context;
    private readonly ServerState _state;
    private readonly TimeSpan _limit;
    private readonly CancellationTokenSource _time;
    private readonly CancellationTokenSource _all;

    public AnswerScope(HttpContext context, ServerState state, TimeSpan limit)
    {
        _context = context;
        _state = state;
        _limit = limit;
        _time = new CancellationTokenSource(limit);
        _all = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _time.Token, state.Ended);
    }

    public CancellationToken Token => _all.Token;

    /// <summary>Why it was canceled, as an error; null: the client has left, and nobody has to be told.</summary>
    public ApiException? Reason() =>
        _context.RequestAborted.IsCancellationRequested ? null
        : _state.Ended.IsCancellationRequested ? ApiException.Stopping()
        : _time.IsCancellationRequested ? ApiException.TimedOut(_limit)
        : null;

    public void Dispose()
    {
        _all.Dispose();
        _time.Dispose();
    }
}
