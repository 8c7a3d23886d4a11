using System.Globalization;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>Python's <c>%</c> behind a text.</summary>
internal sealed class PercentFormat
{
    private readonly TemplateText _format;
    private readonly IReadOnlyList<object?> _values;
    private readonly DictValue? _named;
    private readonly Budget _budget;
    private readonly TemplateTextBuilder _text;
    private int _at;
    private int _used;

    private PercentFormat(TemplateText format, object? values, Budget budget)
    {
        _format = format;
        _values = values is TupleValue tuple ? tuple.Items : [values];
        _named = values as DictValue;
        _budget = budget;
        _text = new TemplateTextBuilder(budget);
    }

    /// <summary><c>'%s of %5.1f' % (a, b)</c>.</summary>
    /// <param name="format">The text with places.</param>
    /// <param name="values">A tuple with a value a place; a dictionary, whose keys the places name; or the one value.</param>
    /// <param name="budget">What it may use.</param>
    /// <exception cref="TemplateFault">Too few values, too many, or one that does not fit.</exception>
    public static TemplateText Format(TemplateText format, object? values, Budget budget)
    {
        var printing = new PercentFormat(format, values, budget);
        printing.Run();
        if (printing._used < printing._values.Count && values is not (DictValue or ListValue or RangeValue))
        {
            throw new TemplateFault("a format has fewer places than there are values");
        }

        return format.IsMarkup ? printing._text.ToText().AsMarkup() : printing._text.ToText();
    }

    private void Run()
    {
        string source = _format.Value;
        int next;
        while ((next = source.IndexOf('%', _at)) >= 0)
        {
            _budget.Spend();
            _text.Append(_format, _at, next - _at);
            _at = next + 1;
            TemplateText written = Place(next);
            _text.Append(written);
        }

        _text.Append(_format, _at, source.Length - _at);
    }

    /// <summary><c>%(key)flags width.precision letter</c>.</summary>
    private TemplateText Place(int start)
    {
        if (Skip('%'))
        {
            return new TemplateText("%");
        }

        object? named = null;
        bool isNamed = Skip('(');
        if (isNamed)
        {
            named = Named();
        }

        int flags = _at;
        while (Current is '-' or '+' or ' ' or '#' or '0')
        {
            _at++;
        }

        string given = _format.Value[flags.._at];
        int? width = Count();
        bool left = given.Contains('-', StringComparison.Ordinal) || width < 0;
        int? precision = Skip('.') ? Math.Max(0, Count() ?? 0) : null;
        if (Current is 'h' or 'l' or 'L')
        {
            _at++;
        }

        char letter = Current;
        _at++;
        if (!"diouxXeEfFgGcrsa".Contains(letter, StringComparison.Ordinal))
        {
            throw new TemplateFault($"'{_format.Value[start..Math.Min(_at, _format.Length)]}' in a format has no meaning");
        }

        object? value = isNamed ? named : Next();
        bool isNumber = !"crsa".Contains(letter, StringComparison.Ordinal);
        bool zero = given.Contains('0', StringComparison.Ordinal) && isNumber && !left;
        var form = new FormatSpecification
        {
            Fill = new TemplateText(zero ? "0" : " "),
            Align = left ? '<' : zero ? '=' : '>',
            Sign = !isNumber ? '-' : given.Contains('+', StringComparison.Ordinal) ? '+' : given.Contains(' ', StringComparison.Ordinal) ? ' ' : '-',
            Alternate = isNumber && given.Contains('#', StringComparison.Ordinal),
            Width = Math.Abs(width ?? 0),
        };
        _budget.SpendText(0, form.Width);
        return letter switch
        {
            's' or 'r' or 'a' or 'c' => (form with { Precision = letter == 'c' ? null : precision }).Write(Escaped(Shown(letter, value), value), _budget),
            'e' or 'E' or 'f' or 'F' or 'g' or 'G' => (form with { Precision = precision ?? 6, Type = letter }).Write(Numbers.ToDouble(Number(value)), _budget),
            _ => Whole(form with { Type = letter is 'o' or 'x' or 'X' ? letter : 'd' }, value, precision ?? 0),
        };
    }

    private object? Named()
    {
        int open = _at;
        int depth = 1;
        while (depth > 0)
        {
            depth += Current == '(' ? 1 : Current == ')' ? -1 : 0;
            if (_at++ >= _format.Length)
            {
                throw new TemplateFault("a key in a format does not end: ')' is missing");
            }
        }

        TemplateText key = _format.Slice(open, _at - 1 - open);
        DictValue dict = _named ?? throw new TemplateFault($"'%({key})' in a format needs a dict");
        return dict.Items.TryGetValue(key, out object? found) ? found : throw new TemplateFault($"'%({key})' in a format has no value");
    }

    /// <summary>A width or a precision: digits, or <c>*</c>, which takes it from the values.</summary>
    private int? Count()
    {
        if (Skip('*'))
        {
            object? given = Next();
            return given is long or bool ? (int)Math.Clamp(Numbers.ToDouble(given), -Budget.MaxText, Budget.MaxText)
                : throw new TemplateFault("'*' in a format needs an int");
        }

        int start = _at;
        while (char.IsAsciiDigit(Current))
        {
            _at++;
        }

        return start == _at ? null
            : int.TryParse(_format.Value.AsSpan(start, _at - start), CultureInfo.InvariantCulture, out int count) ? count
            : throw new TemplateFault("a width in a format is too large");
    }

    private object? Next() => _used < _values.Count ? _values[_used++] : throw new TemplateFault("a format has more places than there are values");

    private TemplateText Shown(char letter, object? value) => letter switch
    {
        's' => Printing.Show(value, _budget),
        'r' => Printing.Represent(value, _budget),
        'a' => Printing.RepresentInAscii(value, _budget),
        _ => value is TemplateText text && Characters.Count(text.Value) == 1 ? text
            : value is not null && Numbers.IsWhole(value) ? new FormatSpecification { Type = 'c' }.Write(value, _budget)
            : throw new TemplateFault("'%c' in a format needs an int, or a str of one character"),
    };

    private TemplateText Escaped(TemplateText text, object? value) =>
        _format.IsMarkup && value is not TemplateText { IsMarkup: true } ? Markup.Escape(text, _budget) : text;

    /// <summary>A whole number, with as many digits as the precision says.</summary>
    private TemplateText Whole(FormatSpecification form, object? value, int digits)
    {
        object number = Number(value);
        if (number is double real)
        {
            number = form.Type == 'd' ? Numbers.FromWhole(Filters.Truncate(real)) : throw new TemplateFault($"'%{form.Type}' in a format needs an int, not a float");
        }

        if (digits == 0)
        {
            return form.Write(number, _budget);
        }

        _budget.SpendText(0, digits);
        var whole = Numbers.ToWhole(number);
        int prefix = form.Alternate && form.Type != 'd' ? 2 : 0;
        int sign = whole.Sign < 0 || form.Sign != '-' ? 1 : 0;
        TemplateText written = (form with { Fill = new TemplateText("0"), Align = '=', Width = digits + prefix + sign }).Write(number, _budget);
        return form.Align == '=' ? Widened(written, form, sign + prefix) : (form with { Type = null, Sign = '-', Alternate = false }).Write(written, _budget);
    }

    /// <summary>Zeros between the sign and the digits, up to the width.</summary>
    private TemplateText Widened(TemplateText written, FormatSpecification form, int front) => new TemplateTextBuilder(_budget)
        .Append(written, 0, front)
        .Append(Methods.Pad(written.Slice(front, written.Length - front), form.Width - front, form.Fill, before: true, after: false, _budget))
        .ToText();

    private static object Number(object? value) => value is not null && Numbers.Is(value) ? value
        : throw ((value as UndefinedValue)?.Fault() ?? new TemplateFault($"a format needs a number, not a {Values.TypeOf(value)}"));

    private char Current => _at < _format.Length ? _format.Value[_at] : '\0';

    private bool Skip(char character)
    {
        bool found = Current == character;
        _at += found ? 1 : 0;
        return found;
    }
}
