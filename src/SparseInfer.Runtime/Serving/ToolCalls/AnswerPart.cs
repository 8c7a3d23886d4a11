namespace SparseInfer.Serving;

/// <summary>A part of an answer as its reader gets it: text, a call of a tool, or thoughts.</summary>
/// <param name="Text">The text; empty where it is something else.</param>
/// <param name="Call">The call, without an id.</param>
/// <param name="Reasoning">The thoughts; empty where it is something else.</param>
internal readonly record struct AnswerPart(string Text, ChatToolCall? Call, string Reasoning)
{
    public static AnswerPart Of(string text) => new(text, Call: null, Reasoning: "");

    public static AnswerPart Of(ChatToolCall call) => new("", call, Reasoning: "");

    public static AnswerPart OfReasoning(string reasoning) => new("", Call: null, reasoning);
}

/// <summary>Takes the calls of tools out of an answer as it comes. Holds back what may become one, and nothing else.</summary>
internal abstract class AnswerReader
{
    /// <summary>Takes the next text.</summary>
    /// <param name="text">Any number of characters.</param>
    /// <param name="parts">Gets what can be handed out now; no text in it is empty.</param>
    public abstract void Append(string text, List<AnswerPart> parts);

    /// <summary>Ends the answer: what is held back is a call now, or text.</summary>
    /// <param name="parts">Gets the rest.</param>
    public abstract void Flush(List<AnswerPart> parts);

    /// <summary>Makes what reads one answer.</summary>
    /// <param name="format">How calls are written.</param>
    public static AnswerReader Of(ToolCallFormat format) => format switch
    {
        ToolCallFormat.Tags => new TagReader(),
        ToolCallFormat.Json => new JsonReader(),
        ToolCallFormat.Mistral => new MistralReader(),
        _ => new TextReader(),
    };

    private protected static void AddText(string text, List<AnswerPart> parts)
    {
        if (text.Length > 0)
        {
            parts.Add(AnswerPart.Of(text));
        }
    }

    /// <summary>Looks for no call.</summary>
    private sealed class TextReader : AnswerReader
    {
        public override void Append(string text, List<AnswerPart> parts) => AddText(text, parts);

        public override void Flush(List<AnswerPart> parts)
        {
        }
    }
}
