using System.Globalization;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>Python's <c>str.format</c>.</summary>
/// <param name="values">What the fields stand for.</param>
/// <param name="isMarkup">Whether what is put in is escaped for HTML.</param>
/// <param name="budget">What it may use.</param>
internal sealed class TextFormat(CallArguments values, bool isMarkup, Budget budget)
{
    private const int MaxNesting = 2;

    private int _used;

    /// <summary>Whether fields are counted, or numbered: not both.</summary>
    private bool? _counts;

    /// <summary><c>'{} of {name:>8}'.format(a, name=b)</c>.</summary>
    /// <exception cref="TemplateFault">A value is missing, or does not fit its form.</exception>
    public static TemplateText Format(TemplateText format, CallArguments values, Budget budget)
    {
        TemplateText text = new TextFormat(values, format.IsMarkup, budget).Write(format, MaxNesting);
        return format.IsMarkup ? text.AsMarkup() : text;
    }

    private TemplateText Write(TemplateText format, int nesting)
    {
        if (nesting == 0)
        {
            throw new TemplateFault("fields of a format are nested too deeply");
        }

        var text = new TemplateTextBuilder(budget);
        string source = format.Value;
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

            int close = source[at] == '{' ? Close(source, at) : -1;
            if (close < 0)
            {
                throw new TemplateFault($"'{source[at]}' stands alone in a format");
            }

            text.Append(Field(format.Slice(at + 1, close - at - 1), nesting));
            start = close + 1;
        }

        return text.Append(format, start, source.Length - start).ToText();
    }

    /// <summary>Where a field ends. Others may be in it.</summary>
    private static int Close(string source, int open)
    {
        int depth = 0;
        for (int i = open; i < source.Length; i++)
        {
            depth += source[i] == '{' ? 1 : source[i] == '}' ? -1 : 0;
            if (depth == 0)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary><c>name!conversion:form</c>.</summary>
    private TemplateText Field(TemplateText field, int nesting)
    {
        int end = field.Value.AsSpan().IndexOfAny('!', ':') is >= 0 and var found ? found : field.Length;
        object? value = Find(field.Value[..end]);
        if (end < field.Length && field.Value[end] == '!')
        {
            value = (end + 1 < field.Length ? field.Value[end + 1] : '\0') switch
            {
                's' => Printing.Show(value, budget).Plain(),
                'r' => Printing.Represent(value, budget),
                'a' => Printing.RepresentInAscii(value, budget),
                _ => throw new TemplateFault($"'{{{field}}}' in a format has no conversion; '!s', '!r' and '!a' are there"),
            };
            end += 2;
            if (end < field.Length && field.Value[end] != ':')
            {
                throw new TemplateFault($"':' is missing in '{{{field}}}' in a format");
            }
        }

        TemplateText form = end < field.Length ? field.Slice(end + 1, field.Length - end - 1) : TemplateText.Empty;
        TemplateText written = Written(value, form.Value.Contains('{', StringComparison.Ordinal) ? Write(form, nesting - 1) : form);
        return isMarkup && value is not TemplateText { IsMarkup: true } ? Markup.Escape(written, budget) : written;
    }

    private TemplateText Written(object? value, TemplateText form)
    {
        if (form.Length == 0)
        {
            return Printing.Show(value, budget);
        }

        var specification = FormatSpecification.Parse(form, budget);
        return value switch
        {
            TemplateText text => specification.Write(text, budget),
            { } number when Numbers.Is(number) => specification.Write(number, budget),
            _ => throw new TemplateFault($"a form ('{form}') does not fit a {Values.TypeOf(value)}"),
        };
    }

    /// <summary><c>0.name[key]</c>.</summary>
    private object? Find(string path)
    {
        int end = path.AsSpan().IndexOfAny('.', '[') is >= 0 and var found ? found : path.Length;
        object? value = First(path[..end]);
        while (end < path.Length)
        {
            int start = end + 1;
            bool isAttribute = path[end] == '.';
            int stop = isAttribute ? path.AsSpan(start).IndexOfAny('.', '[') : path.AsSpan(start).IndexOf(']');
            stop = stop >= 0 ? stop + start : isAttribute ? path.Length : -1;
            if (stop <= start || (!isAttribute && path[end] != '['))
            {
                throw new TemplateFault($"'{{{path}}}' in a format names no attribute or key");
            }

            string key = path[start..stop];
            value = isAttribute ? Items.Attribute(value, key)
                : Items.Item(value, long.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : new TemplateText(key), budget);
            end = isAttribute ? stop : stop + 1;
        }

        return value;
    }

    private object? First(string name)
    {
        if (name.Length > 0 && !name.All(char.IsAsciiDigit))
        {
            budget.Spend(values.Named.Count / 16);
            int named = values.Named.FindIndex(value => value.Name.Value == name);
            return named >= 0 ? values.Named[named].Value : throw new TemplateFault($"'{{{name}}}' in a format has no value");
        }

        bool counts = name.Length == 0;
        if (_counts is { } before && before != counts)
        {
            throw new TemplateFault("fields of a format are either all numbered, or none");
        }

        _counts = counts;
        int place = counts ? _used++ : int.TryParse(name, CultureInfo.InvariantCulture, out int given) ? given : int.MaxValue;
        return place < values.Positional.Count ? values.Positional[place] : throw new TemplateFault($"'{{{name}}}' in a format has no value");
    }
}
