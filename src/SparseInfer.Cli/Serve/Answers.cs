using System.Runtime.CompilerServices;
using System.Threading.Channels;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve;

/// <summary>A part of one of a request's answers.</summary>
internal readonly record struct AnswerPiece(int Choice, ServicePiece Piece);

/// <summary>The answers of one request, as they come.</summary>
internal static class Answers
{
    /// <summary>Most answers of one request that are asked for at a time: a request with many leaves room for others.</summary>
    public const int AtATime = 4;

    /// <summary>Begins the answers, and hands their pieces out.</summary>
    /// <param name="count">How many.</param>
    /// <param name="atATime">How many of them have a place.</param>
    /// <param name="answer">One of them.</param>
    /// <param name="cancellationToken">Ends them.</param>
    /// <returns>The pieces, those of one answer in order. The first answer that fails ends the others.</returns>
    public static IAsyncEnumerable<AnswerPiece> ReadAsync(
        int count, int atATime, Func<int, CancellationToken, IAsyncEnumerable<ServicePiece>> answer, CancellationToken cancellationToken) =>
        count == 1 ? One(answer, cancellationToken) : Several(count, atATime, answer, cancellationToken);

    private static async IAsyncEnumerable<AnswerPiece> One(
        Func<int, CancellationToken, IAsyncEnumerable<ServicePiece>> answer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (ServicePiece piece in answer(0, cancellationToken))
        {
            yield return new(0, piece);
        }
    }

    private static async IAsyncEnumerable<AnswerPiece> Several(
        int count, int atATime, Func<int, CancellationToken, IAsyncEnumerable<ServicePiece>> answer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Who reads slowly holds up nobody, and keeps no place: his answers are computed, and kept.
        var pieces = Channel.CreateUnbounded<AnswerPiece>(new UnboundedChannelOptions { SingleReader = true });
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task all = ProduceAsync();
        try
        {
            await foreach (AnswerPiece piece in pieces.Reader.ReadAllAsync(cancellationToken))
            {
                yield return piece;
            }
        }
        finally
        {
            // A reader who stops leaves from the yield: nothing of it may go on.
            await ended.CancelAsync();
            await all;
        }

        async Task ProduceAsync()
        {
            Exception? fault = null;
            try
            {
                await Parallel.ForEachAsync(
                    Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = atATime, CancellationToken = ended.Token },
                    async (choice, token) =>
                    {
                        try
                        {
                            await foreach (ServicePiece piece in answer(choice, token))
                            {
                                await pieces.Writer.WriteAsync(new(choice, piece), token);
                            }
                        }
                        catch (Exception exception)
                        {
                            // The first one tells why: the others are canceled for it.
                            Interlocked.CompareExchange(ref fault, exception, null);
                            throw;
                        }
                    });
            }
            catch (Exception exception)
            {
                fault ??= exception;
            }

            pieces.Writer.Complete(fault);
        }
    }
}
