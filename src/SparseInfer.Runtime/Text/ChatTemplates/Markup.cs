namespace SparseInfer.Text.ChatTemplates;

/// <summary>
/// Texts that count as HTML, which <c>safe</c> and <c>escape</c> return: what an operator or a method of theirs puts beside them is escaped. No text becomes one by itself.
/// </summary>
internal static class Markup
{
    /// <summary>A text with HTML's characters spelled as entities.</summary>
    public static TemplateText Escape(TemplateText text, Budget budget)
    {
        var escaped = new TemplateTextBuilder(budget);
        budget.Spend(text.Length / 4);
        for (int i = 0; i < text.Length; i++)
        {
            string? entity = text.Value[i] switch
            {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '\'' => "&#39;",
                '"' => "&#34;",
                _ => null,
            };
            _ = entity is null ? escaped.Append(text, i, 1) : escaped.Append(text.Slice(i, 1).Changed(entity));
        }

        return escaped.ToText().AsMarkup();
    }

    /// <summary>A text as it goes beside another: escaped where that is HTML, and it is not.</summary>
    public static TemplateText Beside(TemplateText text, TemplateText other, Budget budget) => other.IsMarkup && !text.IsMarkup ? Escape(text, budget) : text;

    /// <summary>The first and the second.</summary>
    public static TemplateText Concatenate(TemplateText first, TemplateText second, Budget budget)
    {
        TemplateText text = new TemplateTextBuilder(budget).Append(Beside(first, second, budget)).Append(Beside(second, first, budget)).ToText();
        return first.IsMarkup || second.IsMarkup ? text.AsMarkup() : text;
    }
}
