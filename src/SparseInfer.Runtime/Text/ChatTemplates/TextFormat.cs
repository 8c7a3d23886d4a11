using System.Globalization;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>Python's two ways to put values into a text, as far as templates use them.</summary>
internal static class TextFormat
{
    /// <summary><c>'%s of %d' % (a, b)</c>.</summary>
    /// <exception cref="TemplateFault">Too few values, too many, or a directive that is not supported.</exception>
    public static TemplateText Percent(TemplateText format, IReadOnlyList<object?> values, Budget budget)
    {
        var text = new TemplateTextBuilder(budget);
        string source = format.Value;
        int used = 0;
        int start = 0;
        int at;
        while ((at = source.IndexOf('%', start)) >= 0)
        {
            budget.Spend();
            text.Append(format, start, at - start);
            start = at + 1;
            int precision = -1;
            if (start + 1 < source.Length && source[start] == '.' && char.IsAsciiDigit(source[start + 1]))
            {
                precision = source[start + 1] - '0';
                start += 2;
            }

            char kind = start < source.Length ? source[start] : '\0';
            start++;
            if (kind == '%')
            {
                text.Append("%");
                continue;
            }

            if (kind is not ('s' or 'd' or 'i' or 'f' or 'r') || (precision >= 0 && kind != 'f'))
            {
                throw new TemplateFault($"'{source[at..Math.Min(start, source.Length)]}' in a format is not supported; '%s', '%d', '%r', '%f' and '%.2f' are");
            }

            object? value = used < values.Count ? values[used++] : throw new TemplateFault("a format has more places than there are values");
            switch (kind)
            {
                case 's':
                    text.Append(Printing.Show(value, budget));
                    break;
                case 'r':
                    Printing.Represent(value, text, budget);
                    break;
                case 'f':
                    text.Append(Numbers.ToDouble(Number(value)).ToString($"F{(precision < 0 ? 6 : precision)}", CultureInfo.InvariantCulture));
                    break;
                default:
                    object number = Number(value);
                    text.Append(Printing.Show(number is double real ? Numbers.FromWhole(Filters.Truncate(real)) : Numbers.FromWhole(Numbers.ToWhole(number)), budget));
                    break;
            }
        }

        if (used < values.Count && values is not [DictValue])
        {
            throw new TemplateFault("a format has fewer places than there are values");
        }

        return text.Append(format, start, source.Length - start).ToText();
    }

    /// <summary><c>'{} of {name}'.format(a, name=b)</c>.</summary>
    /// <exception cref="TemplateFault">A value is missing, or a directive is not supported.</exception>
    public static TemplateText Braces(TemplateText format, CallArguments values, Budget budget)
    {
        var text = new TemplateTextBuilder(budget);
        string source = format.Value;
        int used = 0;
        int start = 0;
        int at;
        while ((at = source.AsSpan(start).IndexOfAny('{', '}')) >= 0)
        {
            budget.Spend();
            at += start;
            text.Append(format, start, at - start);
            if (at + 1 < source.Length && source[at + 1] == source[at])
            {
                text.Append(format, at, 1);
                start = at + 2;
                continue;
            }

            int close = source[at] == '{' ? source.IndexOf('}', at) : -1;
            string field = close < 0 ? throw new TemplateFault($"'{source[at]}' stands alone in a format") : source[(at + 1)..close];
            start = close + 1;
            if (field.AsSpan().IndexOfAny(":!.[") >= 0)
            {
                throw new TemplateFault($"'{{{field}}}' in a format is not supported; '{{}}', '{{0}}' and '{{name}}' are");
            }

            if (field.Length == 0 || char.IsAsciiDigit(field[0]))
            {
                int place = field.Length == 0 ? used++ : int.TryParse(field, CultureInfo.InvariantCulture, out int given) ? given : int.MaxValue;
                text.Append(Printing.Show(
                    place < values.Positional.Count ? values.Positional[place] : throw new TemplateFault($"'{{{field}}}' in a format has no value"), budget));
            }
            else
            {
                budget.Spend(values.Named.Count / 16);
                int named = values.Named.FindIndex(value => value.Name.Value == field);
                text.Append(Printing.Show(named >= 0 ? values.Named[named].Value : throw new TemplateFault($"'{{{field}}}' in a format has no value"), budget));
            }
        }

        return text.Append(format, start, source.Length - start).ToText();
    }

    private static object Number(object? value) =>
        value is not null && Numbers.Is(value) ? value : throw new TemplateFault($"a format needs a number, not a {Values.TypeOf(value)}");
}
