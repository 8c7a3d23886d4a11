using System.Text;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>Puts a text together, keeping track of where its parts came from, within a budget.</summary>
internal sealed class TemplateTextBuilder(Budget budget)
{
    private readonly StringBuilder _text = new();
    private readonly List<OutsideSpan> _outside = [];

    public int Length => _text.Length;

    /// <summary>Appends text of the template itself.</summary>
    public TemplateTextBuilder Append(string text)
    {
        budget.SpendText(_text.Length, text.Length);
        _text.Append(text);
        return this;
    }

    public TemplateTextBuilder Append(TemplateText text) => Append(text, 0, text.Length);

    /// <summary>Appends a part of a text.</summary>
    public TemplateTextBuilder Append(TemplateText text, int start, int length)
    {
        budget.SpendText(_text.Length, length);
        foreach (OutsideSpan span in text.OutsideIn(start, start + length))
        {
            AddOutside(_text.Length + span.Start, _text.Length + span.End);
        }

        _text.Append(text.Value, start, length);
        return this;
    }

    public TemplateText ToText() => _text.Length == 0 ? TemplateText.Empty : new TemplateText(_text.ToString(), [.. _outside]);

    private void AddOutside(int start, int end)
    {
        if (_outside.Count > 0 && _outside[^1].End == start)
        {
            _outside[^1] = _outside[^1] with { End = end };
        }
        else
        {
            _outside.Add(new OutsideSpan(start, end));
        }
    }
}
