using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Endpoints;

/// <summary>The pieces of a request's answers, asked for one ahead: what is there already is sent together.</summary>
internal sealed class PieceReader : IAsyncDisposable
{
    private readonly CancellationTokenSource _ended;
    private readonly IAsyncEnumerator<AnswerPiece> _pieces;
    private Task<bool>? _next;

    /// <summary>Begins the answers.</summary>
    /// <param name="writer">What they are.</param>
    /// <param name="places">The request's places.</param>
    /// <param name="cancellationToken">Ends them.</param>
    public PieceReader(AnswerWriter writer, ServicePlaces places, CancellationToken cancellationToken)
    {
        _ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _pieces = Answers.ReadAsync(writer.Count, places.AtATime, (choice, token) => writer.Answer(choice, places, token), _ended.Token).GetAsyncEnumerator(CancellationToken.None);
    }

    /// <summary>The piece.</summary>
    public AnswerPiece Current => _pieces.Current;

    /// <summary>Whether the next piece, or the end, is there. It is asked for, so <see cref="Current"/> is no more.</summary>
    public bool IsNextThere => (_next ??= _pieces.MoveNextAsync().AsTask()).IsCompleted;

    /// <summary>Waits for the next piece.</summary>
    /// <returns>Whether there is one.</returns>
    public async Task<bool> MoveNextAsync()
    {
        Task<bool> next = _next ?? _pieces.MoveNextAsync().AsTask();
        _next = null;
        return await next;
    }

    /// <summary>Ends the answers that have not ended, and waits for that.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        if (_next is { } next)
        {
            // What became of it interests nobody.
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await _pieces.DisposeAsync();
        _ended.Dispose();
    }
}
