using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Cli.Serve.Protocol;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Endpoints;

/// <summary>Writes the answers of one request in the form that its endpoint has.</summary>
/// <param name="count">Answers.</param>
/// <param name="sampling">How the request is answered.</param>
internal abstract class AnswerWriter(int count, SamplingParameters sampling)
{
    private readonly ServiceReport?[] _reports = new ServiceReport?[count];

    public int Count => count;

    public bool IsStream => sampling.IsStream;

    /// <summary>Whether events tell the usage.</summary>
    protected bool IncludesUsage => sampling.IncludeUsage;

    /// <summary>How the answers went, when all have ended.</summary>
    public IReadOnlyList<ServiceReport> Reports => [.. _reports.OfType<ServiceReport>()];

    /// <summary>What the answers took.</summary>
    protected UsageReply Usage => UsageReply.Of(Reports, sampling.Count);

    /// <summary>One of the answers.</summary>
    public abstract IAsyncEnumerable<ServicePiece> Answer(int choice, ServicePlaces places, CancellationToken cancellationToken);

    /// <summary>Writes the events that come before all others.</summary>
    public abstract void WriteBegin(EventStream events);

    /// <summary>Takes a piece.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="events">Where it is written; null: it is kept.</param>
    public void Take(AnswerPiece piece, EventStream? events)
    {
        if (piece.Piece.Report is { } report)
        {
            _reports[piece.Choice] = report;
        }

        if (events is null)
        {
            Keep(piece);
        }
        else
        {
            Write(piece, events);
        }
    }

    /// <summary>Writes the events that come after all pieces.</summary>
    public abstract void WriteEnd(EventStream events);

    /// <summary>Sends what was kept.</summary>
    public abstract Task SendAsync(HttpContext context, TimeSpan timeout, CancellationToken cancellationToken);

    protected abstract void Keep(AnswerPiece piece);

    protected abstract void Write(AnswerPiece piece, EventStream events);

    /// <summary>How the answer of a choice went.</summary>
    protected ServiceReport ReportOf(int choice) => _reports[choice]!;
}
