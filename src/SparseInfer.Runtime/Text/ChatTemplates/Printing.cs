using System.Globalization;
using System.Numerics;
using System.Text;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>Values as text: Python's <c>str</c> and <c>repr</c>.</summary>
internal static class Printing
{
    /// <summary>As <c>str</c>.</summary>
    public static TemplateText Show(object? value, Budget budget)
    {
        switch (value)
        {
            case TemplateText text:
                return text;
            case UndefinedValue:
                return TemplateText.Empty;
            case null or bool or long or double or BigInteger:
                budget.SpendOn(value);
                return new TemplateText(Scalar(value));
            default:
                var text2 = new TemplateTextBuilder(budget);
                Represent(value, text2, budget);
                return text2.ToText();
        }
    }

    /// <summary>As <c>repr</c>.</summary>
    public static void Represent(object? value, TemplateTextBuilder text, Budget budget)
    {
        budget.Enter();
        switch (value)
        {
            case null or bool or long or double or BigInteger:
                budget.SpendOn(value);
                text.Append(Scalar(value));
                break;
            case TemplateText string_:
                budget.SpendWalk(string_.Length);
                text.Append(string_.IsMarkup ? "Markup(" : "").Append(new TemplateText(Quote(string_.Value), string_.Outside.Length > 0)).Append(string_.IsMarkup ? ")" : "");
                break;
            case ListValue list:
                text.Append("[");
                RepresentAll(list.Items, text, budget);
                text.Append("]");
                break;
            case ViewValue view:
                text.Append($"{view.Name}([");
                RepresentAll(view.Items, text, budget);
                text.Append("])");
                break;
            case TupleValue tuple:
                text.Append("(");
                RepresentAll(tuple.Items, text, budget);
                text.Append(tuple.Items.Length == 1 ? ",)" : ")");
                break;
            case RangeValue range:
                text.Append(string.Create(CultureInfo.InvariantCulture, $"range({range.Start}, {range.Stop}{(range.Step == 1 ? "" : $", {range.Step}")})"));
                break;
            case DictValue dict:
                string separator = "{";
                foreach ((object key, object? item) in dict.Items)
                {
                    text.Append(separator);
                    Represent(DictValue.FromKey(key), text, budget);
                    text.Append(": ");
                    Represent(item, text, budget);
                    separator = ", ";
                }

                text.Append(dict.Items.Count == 0 ? "{}" : "}");
                break;
            case UndefinedValue:
                text.Append("Undefined");
                break;
            default:
                throw new TemplateFault($"a {Values.TypeOf(value)} cannot be printed");
        }

        budget.Leave();
    }

    /// <summary>As <c>repr</c>, a text of its own.</summary>
    public static TemplateText Represent(object? value, Budget budget)
    {
        var text = new TemplateTextBuilder(budget);
        Represent(value, text, budget);
        return text.ToText();
    }

    /// <summary>As <c>ascii</c>: <c>repr</c> with what is not ASCII spelled as escapes.</summary>
    public static TemplateText RepresentInAscii(object? value, Budget budget)
    {
        TemplateText text = Represent(value, budget);
        budget.SpendWalk(text.Length);
        return text.Changed(string.Concat(text.Value.EnumerateRunes().Select(rune => rune.IsAscii ? rune.ToString() : Escaped(rune))));
    }

    private static void RepresentAll(IReadOnlyList<object?> items, TemplateTextBuilder text, Budget budget)
    {
        for (int i = 0; i < items.Count; i++)
        {
            text.Append(i > 0 ? ", " : "");
            Represent(items[i], text, budget);
        }
    }

    private static string Scalar(object? value) => value switch
    {
        null => "None",
        bool truth => truth ? "True" : "False",
        double number => Numbers.Show(number),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => "",
    };

    private static string Quote(string text)
    {
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        var quoted = new StringBuilder(text.Length + 2).Append(quote);
        foreach (Rune rune in text.EnumerateRunes())
        {
            string? escaped = rune.Value switch
            {
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\\' => "\\\\",
                _ when rune.Value == quote => $"\\{quote}",
                _ => Characters.IsPrintable(rune) ? null : Escaped(rune),
            };
            quoted.Append(escaped ?? rune.ToString());
        }

        return quoted.Append(quote).ToString();
    }

    private static string Escaped(Rune rune) => rune.Value switch
    {
        < 0x100 => string.Create(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}"),
        < 0x10000 => string.Create(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}"),
    };
}
