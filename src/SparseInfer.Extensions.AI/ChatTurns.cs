using System.Text;
using Microsoft.Extensions.AI;

namespace SparseInfer.Extensions.AI;

/// <summary>Messages as turns of a chat template.</summary>
internal static class ChatTurns
{
    /// <param name="messages">The messages.</param>
    /// <param name="instructions"><see cref="ChatOptions.Instructions"/>: what the system says first; null: nothing.</param>
    /// <exception cref="NotSupportedException">A message has something that is no text and no call.</exception>
    public static IReadOnlyList<ChatTurn> Of(IEnumerable<ChatMessage> messages, string? instructions)
    {
        List<ChatTurn> turns = [];
        var names = new Dictionary<string, string>();
        foreach (ChatMessage message in messages)
        {
            Add(message, turns, names);
        }

        if (!string.IsNullOrEmpty(instructions))
        {
            // Many templates take one system turn only.
            bool hasSystem = turns is [{ Role: "system" }, ..];
            var system = new ChatTurn("system", hasSystem ? $"{instructions}\n\n{turns[0].Content}" : instructions);
            turns = [system, .. turns.Skip(hasSystem ? 1 : 0)];
        }

        return turns;
    }

    /// <summary>What a message says, in its order: results of functions are turns of their own, and end the turn before them.</summary>
    private static void Add(ChatMessage message, List<ChatTurn> turns, Dictionary<string, string> names)
    {
        bool hasResults = message.Contents.OfType<FunctionResultContent>().Any();
        var text = new StringBuilder();
        var reasoning = new StringBuilder();
        List<ChatToolCall> calls = [];
        foreach (AIContent content in message.Contents)
        {
            switch (content)
            {
                case TextContent part:
                    text.Append(part.Text);
                    break;
                case TextReasoningContent part:
                    reasoning.Append(part.Text);
                    break;
                case FunctionCallContent call:
                    calls.Add(ToolArguments.Of(call));
                    names[call.CallId] = call.Name;
                    break;
                case FunctionResultContent result:
                    End();
                    turns.Add(new ChatTurn("tool", ToolArguments.Of(result)) { ToolCallId = result.CallId, Name = names.GetValueOrDefault(result.CallId) });
                    break;
                case UsageContent:
                    break; // of an answer before, and nothing that was said
                default:
                    throw new NotSupportedException(
                        $"A message of the role '{message.Role}' has {content.GetType().Name}, and the model reads text only: leave it out, or put its text into TextContent.");
            }
        }

        End();

        void End()
        {
            if (text.Length > 0 || reasoning.Length > 0 || calls.Count > 0 || !hasResults)
            {
                turns.Add(new ChatTurn(message.Role.Value, text.Length == 0 && calls.Count > 0 ? null : text.ToString())
                {
                    ToolCalls = calls,
                    Reasoning = reasoning.Length > 0 ? reasoning.ToString() : null,
                    Name = message.AuthorName,
                });
            }

            text.Clear();
            reasoning.Clear();
            calls = [];
        }
    }
}
