using Microsoft.Extensions.AI;

namespace SparseInfer.Extensions.AI.Tests;

/// <summary>What a message has is said in its order, however it is put together.</summary>
public sealed class ChatTurnsTests
{
    private static readonly FunctionCallContent Call = new("c1", "weather", new Dictionary<string, object?>());

    private static readonly FunctionResultContent Result = new("c1", "sunny");

    [Fact]
    public void A_result_stands_where_it_came()
    {
        Turns(new(ChatRole.User, [Result, new TextContent("And tomorrow?")])).ShouldBe(["tool c1: sunny", "user: And tomorrow?"]);
        Turns(new(ChatRole.User, [new TextContent("Here it is."), Result])).ShouldBe(["user: Here it is.", "tool c1: sunny"]);
        Turns(new(ChatRole.User, [new TextContent("Here "), new TextContent("it is."), Result, new FunctionResultContent("c2", "rain"), new TextContent("Well?")]))
            .ShouldBe(["user: Here it is.", "tool c1: sunny", "tool c2: rain", "user: Well?"]);
    }

    [Fact]
    public void A_call_its_result_and_the_answer_may_be_one_message()
    {
        IReadOnlyList<ChatTurn> turns = ChatTurns.Of([new(ChatRole.Assistant, [new TextReasoningContent("I must look."), Call, Result, new TextReasoningContent("Good."), new TextContent("It is sunny.")])], null);
        turns.Select(Text).ShouldBe(["assistant: + weather", "tool c1: sunny", "assistant: It is sunny."]);
        turns.Select(turn => turn.Reasoning).ShouldBe(["I must look.", null, "Good."]);
        turns[1].Name.ShouldBe("weather");
    }

    [Fact]
    public void Nothing_is_made_of_results_alone_and_a_turn_of_an_empty_message()
    {
        Turns(new(ChatRole.Tool, [Result])).ShouldBe(["tool c1: sunny"]);
        Turns(new(ChatRole.User, "")).ShouldBe(["user: "]);
    }

    private static IEnumerable<string> Turns(ChatMessage message) => ChatTurns.Of([message], null).Select(Text);

    private static string Text(ChatTurn turn) =>
        $"{turn.Role}{(turn.ToolCallId is { } id ? $" {id}" : "")}: {turn.Content}{string.Concat(turn.ToolCalls.Select(call => $"+ {call.Name}"))}";
}
