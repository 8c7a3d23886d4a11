using SparseInfer.Text;
using SparseInfer.Text.ChatTemplates;

namespace SparseInfer;

/// <summary>
/// A rendered conversation. It knows which parts of its text came from the conversation: in these,
/// <see cref="Tokenizer.EncodeChat"/> takes the name of a control token for ordinary text, so that nobody can end his
/// own turn and speak for somebody else.
/// </summary>
public sealed class ChatPrompt
{
    internal ChatPrompt(string text)
        : this(new TemplateText(text, outside: true))
    {
    }

    internal ChatPrompt(TemplateText text)
    {
        Text = text.Value;
        Outside = text.Outside;
    }

    /// <summary>The text, which usually begins with the begin-of-sequence token.</summary>
    public string Text { get; }

    /// <summary>What came from the conversation, in order.</summary>
    internal IReadOnlyList<OutsideSpan> Outside { get; }

    /// <summary>Whether no part of it is a template's: a plain text, with no control tokens.</summary>
    internal bool IsAllFromOutside => Text.Length == 0 || (Outside is [var all] && all == new OutsideSpan(0, Text.Length));

    /// <summary>The text.</summary>
    public override string ToString() => Text;
}
