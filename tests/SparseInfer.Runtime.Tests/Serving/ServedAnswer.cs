using System.Text;
using SparseInfer.Serving;

namespace SparseInfer.Runtime.Tests.Serving;

/// <summary>All that a service gave for a request.</summary>
internal sealed record ServedAnswer(string Text, IReadOnlyList<TokenLogProb> Tokens, IReadOnlyList<ChatToolCall> Calls, ServiceReport Report)
{
    public static async Task<ServedAnswer> OfAsync(IAsyncEnumerable<ServicePiece> pieces)
    {
        var text = new StringBuilder();
        var tokens = new List<TokenLogProb>();
        var calls = new List<ChatToolCall>();
        ServiceReport? report = null;
        await foreach (ServicePiece piece in pieces)
        {
            report.ShouldBeNull("the report is in the last piece");
            (piece.ToolCall is not null && piece.Text.Length > 0).ShouldBeFalse();
            text.Append(piece.Text);
            tokens.AddRange(piece.Tokens);
            if (piece.ToolCall is { } call)
            {
                calls.Add(call);
            }

            report = piece.Report;
        }

        return new ServedAnswer(text.ToString(), tokens, calls, report.ShouldNotBeNull());
    }
}
