namespace SparseInfer.Text.ChatTemplates;

/// <summary>
/// A text in a template that remembers which of its parts came from outside: from a conversation, not from the template. Equal texts are
/// equal wherever they came from. What an operation cannot follow part by part counts as from outside as a whole, if any of it was.
/// </summary>
internal sealed class TemplateText : IEquatable<TemplateText>
{
    public static readonly TemplateText Empty = new("");
    private static readonly TemplateText EmptyMarkup = new("", []) { IsMarkup = true };

    /// <param name="value">The text.</param>
    /// <param name="outside">Whether all of it came from outside.</param>
    public TemplateText(string value, bool outside = false)
        : this(value, outside && value.Length > 0 ? [new OutsideSpan(0, value.Length)] : [])
    {
    }

    /// <param name="value">The text.</param>
    /// <param name="outside">What came from outside: in order, none empty, none touching the next.</param>
    public TemplateText(string value, OutsideSpan[] outside)
    {
        Value = value;
        Outside = outside;
    }

    public string Value { get; }

    public OutsideSpan[] Outside { get; }

    public int Length => Value.Length;

    /// <summary>Whether it counts as HTML: see <see cref="Markup"/>. Parts of it do too, and what keeps its places.</summary>
    public bool IsMarkup { get; private init; }

    public TemplateText AsMarkup() => IsMarkup ? this : new TemplateText(Value, Outside) { IsMarkup = true };

    public TemplateText Plain() => IsMarkup ? new TemplateText(Value, Outside) : this;

    /// <summary>A part, which knows where its own parts came from.</summary>
    public TemplateText Slice(int start, int length)
    {
        if (length == 0)
        {
            return IsMarkup ? EmptyMarkup : Empty;
        }

        if (length == Length)
        {
            return this;
        }

        return new TemplateText(Value.Substring(start, length), [.. OutsideIn(start, start + length)]) { IsMarkup = IsMarkup };
    }

    /// <summary>What of a part came from outside, counted from its start.</summary>
    public IEnumerable<OutsideSpan> OutsideIn(int start, int end)
    {
        (int low, int high) = (0, Outside.Length);
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = Outside[middle].End <= start ? (middle + 1, high) : (low, middle);
        }

        for (int i = low; i < Outside.Length && Outside[i].Start < end; i++)
        {
            yield return new OutsideSpan(Math.Max(Outside[i].Start, start) - start, Math.Min(Outside[i].End, end) - start);
        }
    }

    /// <summary>What became of the text, from the same places where the length is the same.</summary>
    public TemplateText Changed(string value) =>
        new(value, value.Length == Length ? Outside : Outside.Length > 0 && value.Length > 0 ? [new OutsideSpan(0, value.Length)] : []) { IsMarkup = IsMarkup };

    public bool Equals(TemplateText? other) => other is not null && Value == other.Value;

    public override bool Equals(object? obj) => Equals(obj as TemplateText);

    public override int GetHashCode() => Value.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Value;
}
