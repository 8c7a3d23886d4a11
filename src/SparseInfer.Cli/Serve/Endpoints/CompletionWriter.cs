using System.Text;
using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Cli.Serve.Protocol;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Endpoints;

/// <summary>Writes continuations of texts.</summary>
/// <param name="call">The request.</param>
/// <param name="model">What answers it.</param>
internal sealed class CompletionWriter(CompletionCall call, ServedModel model) : AnswerWriter(call.Count, call.Sampling)
{
    private readonly string _id = Identifiers.OfCompletion();
    private readonly long _created = Identifiers.Now();
    private readonly Kept[] _answers = [.. Enumerable.Range(0, call.Count).Select(_ => new Kept())];

    public override IAsyncEnumerable<ServicePiece> Answer(int choice, ServicePlaces places, CancellationToken cancellationToken) =>
        model.Service.AnswerAsync(call.Request(choice), places, cancellationToken);

    public override void WriteBegin(EventStream events)
    {
        for (int choice = 0; choice < Count && call.Echo; choice++)
        {
            Write(events, choice, PromptText(choice), null, null);
        }
    }

    public override void WriteEnd(EventStream events)
    {
        if (IncludesUsage)
        {
            events.Write(new CompletionReplyWithUsage(Reply([], null), Usage), ReplyJson.Default.CompletionReplyWithUsage);
        }
    }

    public override Task SendAsync(HttpContext context, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var choices = _answers.Select((answer, i) => new CompletionChoice(
            (call.Echo ? PromptText(i) : "") + answer.Text, i, LogProbs(answer, answer.Tokens), FinishWords.Of(ReportOf(i).Reason))).ToArray();
        var reply = new CompletionReplyWithUsage(Reply(choices, TimingsReply.Of(ReportOf(0))), Usage);
        return Sending.JsonAsync(context, 200, reply, ReplyJson.Default.CompletionReplyWithUsage, timeout, cancellationToken);
    }

    protected override void Keep(AnswerPiece piece)
    {
        _answers[piece.Choice].Text.Append(piece.Piece.Text);
        _answers[piece.Choice].Tokens.AddRange(piece.Piece.Tokens);
    }

    protected override void Write(AnswerPiece piece, EventStream events)
    {
        (int choice, ServicePiece part) = piece;
        if (part.Text.Length > 0 || part.Tokens.Count > 0 || part.Report is not null)
        {
            Write(events, choice, part.Text, LogProbs(_answers[choice], part.Tokens), part.Report);
        }
    }

    private void Write(EventStream events, int choice, string text, CompletionLogProbs? logProbs, ServiceReport? report)
    {
        CompletionReply reply = Reply([new(text, choice, logProbs, report is null ? null : FinishWords.Of(report.Reason))], report is null ? null : TimingsReply.Of(report));
        if (IncludesUsage)
        {
            events.Write(new CompletionReplyWithUsage(reply, null), ReplyJson.Default.CompletionReplyWithUsage);
        }
        else
        {
            events.Write(reply, ReplyJson.Default.CompletionReply);
        }
    }

    private CompletionLogProbs? LogProbs(Kept answer, IReadOnlyList<TokenLogProb> tokens) =>
        call.LogProbs is null ? null : TokenTexts.OfCompletion(tokens, ref answer.Offset);

    private string PromptText(int choice) =>
        call.PromptOf(choice) is { Tokens: { } tokens } ? model.Tokenizer.Decode(tokens) : call.PromptOf(choice).Text!;

    private CompletionReply Reply(CompletionChoice[] choices, TimingsReply? timings) =>
        new(_id, "text_completion", _created, model.Name, choices, timings, model.Fingerprint);

    /// <summary>One of the continuations, as far as it has come.</summary>
    private sealed class Kept
    {
        /// <summary>Characters of the tokens that were told.</summary>
        public int Offset;

        public StringBuilder Text { get; } = new();

        public List<TokenLogProb> Tokens { get; } = [];
    }
}
