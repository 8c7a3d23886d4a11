using System.Text;

namespace SparseInfer.Text.ChatTemplates;

/// <content>Filters that write texts anew.</content>
internal static partial class Filters
{
    /// <summary>Words begin behind spaces, hyphens and opening brackets, whatever else is in them.</summary>
    private static string TitleOf(string text)
    {
        var titled = new StringBuilder(text.Length);
        bool begins = true;
        foreach (char character in text)
        {
            titled.Append(begins ? char.ToUpperInvariant(character) : char.ToLowerInvariant(character));
            begins = Characters.IsSpace(character) || character is '-' or '(' or '{' or '[' or '<';
        }

        return titled.ToString();
    }

    private static object? Truncate(BuiltinCall call)
    {
        long length = call.Whole(0, 255);
        TemplateText end = call.Has(2) ? call.Text(2) : new TemplateText("...");
        long kept = length - Characters.Count(end.Value);
        long leeway = call.Value(3) is null ? 5 : call.Whole(3);
        if (kept < 0 || leeway < 0)
        {
            throw call.Wrong("needs a length of at least its end's, and no leeway below 0");
        }

        if (Values.Length(call.Self) is { } all && all <= length + leeway)
        {
            return call.Self;
        }

        TemplateText text = call.Self as TemplateText ?? throw call.Wrong($"does not take a {Values.TypeOf(call.Self)}");
        var cut = (TemplateText)Items.Slice(text, 0, kept, null, call.Budget)!;
        return Markup.Concatenate(call.Truth(1) ? cut : Methods.SplitRight(cut, new TemplateText(" "), 1, call.Budget)[0], end, call.Budget);
    }

    private static object? Indent(BuiltinCall call)
    {
        if (call.Self is not TemplateText self)
        {
            throw (call.Self as UndefinedValue)?.Fault() ?? call.Wrong($"does not take a {Values.TypeOf(call.Self)}");
        }

        TemplateText by = call.Value(0) is TemplateText given ? given : new TemplateText(new string(' ', call.Width(0, 4)));
        List<TemplateText> lines = Methods.Lines(self, keepEnds: false, call.Budget);
        var text = new TemplateTextBuilder(call.Budget);
        if (self.Length == 0 || Characters.EndsLine(self.Value[^1]))
        {
            lines.Add(TemplateText.Empty); // Jinja puts a line end behind the text before it cuts
        }

        for (int i = 0; i < lines.Count; i++)
        {
            text.Append(i > 0 ? "\n" : "");
            if (i == 0 ? call.Truth(1) : lines[i].Length > 0 || call.Truth(2))
            {
                text.Append(by);
            }

            text.Append(lines[i]);
        }

        return self.IsMarkup ? text.ToText().AsMarkup() : text.ToText();
    }

    private static object? ToJson(BuiltinCall call)
    {
        TemplateText? indent = call.Value(1) switch
        {
            null => null,
            TemplateText text => text,
            _ => new TemplateText(new string(' ', call.Width(1, 0))),
        };
        IReadOnlyList<object?>? separators = call.Value(2) is null ? null : Values.Items(call.Values[2], call.Budget);
        if (separators is not (null or [TemplateText, TemplateText]))
        {
            throw call.Wrong("needs two str as its argument 'separators'");
        }

        var json = new TemplateTextBuilder(call.Budget);
        new JsonPrinting(json, call.Budget)
        {
            Indent = indent,
            ItemSeparator = separators?[0] as TemplateText ?? new TemplateText(indent is null ? ", " : ","),
            KeySeparator = separators?[1] as TemplateText ?? new TemplateText(": "),
            Ascii = call.Truth(0),
            SortKeys = call.Truth(3),
        }.Print(call.Self);
        return json.ToText();
    }
}
