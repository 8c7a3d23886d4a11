using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using SparseInfer.Cli.Serve;
using SparseInfer.Cli.Serve.Endpoints;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Cli.Serve.Protocol;
using SparseInfer.Serving;

namespace SparseInfer.Serve.Tests;

/// <summary>Calls of tools, which the bundled model never makes: pieces that a service would give, and what clients get of them.</summary>
public sealed class ToolCallTests
{
    private static readonly ServicePiece[] Pieces =
    [
        new("Let me see. ", [], null, null),
        new("", [], new("weather", """{"city":"Bonn"}""", "call_1"), null),
        new("", [], new("time", "{}"), null),
        new("", [], null, new(FinishReason.ToolCalls) { PromptTokens = 10, CompletionTokens = 20 }),
    ];

    [Fact]
    public async Task A_whole_answer_has_its_calls()
    {
        JsonElement choice = (await WriteAsync("", Pieces)).Single().GetProperty("choices")[0];

        choice.GetProperty("finish_reason").GetString().ShouldBe("tool_calls");
        choice.GetProperty("message").GetProperty("content").GetString().ShouldBe("Let me see. ");
        JsonElement[] calls = [.. choice.GetProperty("message").GetProperty("tool_calls").EnumerateArray()];
        calls[0].GetRawText().ShouldBe("""{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Bonn\"}"}}""");
        calls[1].GetProperty("id").GetString().ShouldNotBeNull().ShouldStartWith("call_");
        calls.Length.ShouldBe(2);
    }

    [Fact]
    public async Task A_call_alone_leaves_no_content()
    {
        JsonElement choice = (await WriteAsync("", Pieces[1..])).Single().GetProperty("choices")[0];

        choice.GetProperty("message").GetProperty("content").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task Events_number_the_calls()
    {
        JsonElement[] events = await WriteAsync(""","stream":true""", Pieces);

        JsonElement[] deltas = [.. events.Select(item => item.GetProperty("choices")[0].GetProperty("delta"))];
        deltas[2].GetProperty("tool_calls")[0].GetRawText().ShouldBe("""{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Bonn\"}"}}""");
        deltas[3].GetProperty("tool_calls")[0].GetProperty("index").GetInt32().ShouldBe(1);
        events[^1].GetProperty("choices")[0].GetProperty("finish_reason").GetString().ShouldBe("tool_calls");
    }

    private static async Task<JsonElement[]> WriteAsync(string more, ServicePiece[] pieces)
    {
        using JsonDocument body = JsonDocument.Parse($$$$"""
            {"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"5"}],
            "tools":[{"type":"function","function":{"name":"weather","description":"Of a city","parameters":{"type":"object"}}}]{{{{more}}}}}
            """);
        ChatCall call = ChatCall.Read(new Parameters(body.RootElement), new GenerationOptions());
        call.Turns[1].ToolCalls.ShouldHaveSingleItem().ShouldBe(new ChatToolCall("f", "{}", "a"));
        call.Turns[2].ToolCallId.ShouldBe("a");
        call.Calls.Tools.ShouldHaveSingleItem().Description.ShouldBe("Of a city");
        var context = new DefaultHttpContext();
        using var written = new MemoryStream();
        context.Response.Body = written;
        var writer = new ChatWriter(call, new ServedModel("m", 0, "fp_", null!));
        EventStream? events = writer.IsStream ? new(context, TimeSpan.FromSeconds(10)) : null;
        if (events is not null)
        {
            writer.WriteBegin(events);
        }

        foreach (ServicePiece piece in pieces)
        {
            writer.Take(new(0, piece), events);
        }

        await (events is null ? writer.SendAsync(context, TimeSpan.FromSeconds(10), CancellationToken.None) : events.FlushAsync(CancellationToken.None));
        string text = Encoding.UTF8.GetString(written.ToArray());
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(item => JsonDocument.Parse(item[(events is null ? 0 : "data: ".Length)..]).RootElement)];
    }
}
