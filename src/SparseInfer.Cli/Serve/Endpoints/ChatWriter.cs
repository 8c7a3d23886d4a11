using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Cli.Serve.Protocol;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Endpoints;

/// <summary>Writes the answers to a conversation.</summary>
/// <param name="call">The request.</param>
/// <param name="model">What answers it.</param>
internal sealed class ChatWriter(ChatCall call, ServedModel model) : AnswerWriter(call.Sampling.Count, call.Sampling)
{
    private static readonly IReadOnlyList<TokenLogProb> None = [];

    private readonly string _id = Identifiers.OfChat();
    private readonly long _created = Identifiers.Now();
    private readonly Kept[] _answers = [.. Enumerable.Range(0, call.Sampling.Count).Select(_ => new Kept())];

    private bool HasLogProbs => call.LogProbs is not null;

    public override IAsyncEnumerable<ServicePiece> Answer(int choice, ServicePlaces places, CancellationToken cancellationToken)
    {
        IAsyncEnumerable<ServicePiece> pieces = model.Service.AnswerAsync(call.Request(choice), places, cancellationToken);
        return call.OneCall ? UpToOneCall(pieces, cancellationToken) : pieces;
    }

    public override void WriteBegin(EventStream events)
    {
        for (int choice = 0; choice < Count; choice++)
        {
            Write(events, choice, new ChunkDelta("assistant", ""), null, null);
        }
    }

    public override void WriteEnd(EventStream events)
    {
        if (IncludesUsage)
        {
            events.Write(new ChatChunkWithUsage(Chunk([], null), Usage), ReplyJson.Default.ChatChunkWithUsage);
        }
    }

    public override Task SendAsync(HttpContext context, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var choices = _answers.Select((answer, i) => new ChatChoice(
            i, answer.Message, TokenTexts.OfChat(answer.Tokens, HasLogProbs), FinishWords.Of(ReportOf(i).Reason))).ToArray();
        var reply = new ChatReply(_id, "chat.completion", _created, model.Name, choices, Usage, TimingsReply.Of(ReportOf(0)), "default", model.Fingerprint);
        return Sending.JsonAsync(context, 200, reply, ReplyJson.Default.ChatReply, timeout, cancellationToken);
    }

    protected override void Keep(AnswerPiece piece)
    {
        Kept answer = _answers[piece.Choice];
        answer.Text.Append(piece.Piece.Text);
        answer.Tokens.AddRange(piece.Piece.Tokens);
        if (piece.Piece.ToolCall is { } made)
        {
            answer.Calls.Add(Reply(made, null));
        }
    }

    protected override void Write(AnswerPiece piece, EventStream events)
    {
        (int choice, ServicePiece part) = piece;
        if (part.Text.Length > 0 || part.Tokens.Count > 0 && part.ToolCall is null)
        {
            Write(events, choice, new ChunkDelta(Content: part.Text), TokenTexts.OfChat(part.Tokens, HasLogProbs), null);
        }
        else if (part.ToolCall is { } made)
        {
            ToolCallReply reply = Reply(made, _answers[choice].CallCount++);
            Write(events, choice, new ChunkDelta(ToolCalls: [reply]), TokenTexts.OfChat(part.Tokens, HasLogProbs), null);
        }

        if (part.Report is { } report)
        {
            Write(events, choice, new ChunkDelta(), null, report);
        }
    }

    private void Write(EventStream events, int choice, ChunkDelta delta, ChatLogProbs? logProbs, ServiceReport? report)
    {
        ChatChunk chunk = Chunk([new(choice, delta, logProbs, report is null ? null : FinishWords.Of(report.Reason))], report is null ? null : TimingsReply.Of(report));
        if (IncludesUsage)
        {
            events.Write(new ChatChunkWithUsage(chunk, null), ReplyJson.Default.ChatChunkWithUsage);
        }
        else
        {
            events.Write(chunk, ReplyJson.Default.ChatChunk);
        }
    }

    private ChatChunk Chunk(ChunkChoice[] choices, TimingsReply? timings) =>
        new(_id, "chat.completion.chunk", _created, model.Name, "default", model.Fingerprint, choices, timings);

    private static ToolCallReply Reply(ChatToolCall call, int? index) => new(index, call.Id ?? Identifiers.OfCall(), "function", new(call.Name, call.Arguments));

    /// <summary>An answer that may call one tool ends with it.</summary>
    private static async IAsyncEnumerable<ServicePiece> UpToOneCall(IAsyncEnumerable<ServicePiece> pieces, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        bool isCalled = false;
        await foreach (ServicePiece piece in pieces.WithCancellation(cancellationToken))
        {
            // What follows the call is computed, and not shown: its report says what it took.
            yield return isCalled ? piece with { Text = "", Tokens = None, ToolCall = null } : piece;
            isCalled |= piece.ToolCall is not null;
        }
    }

    /// <summary>One of the answers, as far as it has come.</summary>
    private sealed class Kept
    {
        public StringBuilder Text { get; } = new();

        public List<TokenLogProb> Tokens { get; } = [];

        public List<ToolCallReply> Calls { get; } = [];

        /// <summary>Calls that were written as events.</summary>
        public int CallCount { get; set; }

        public ChatAnswer Message => new("assistant", Text.Length == 0 && Calls.Count > 0 ? null : Text.ToString(), null, Calls.Count > 0 ? Calls : null);
    }
}
