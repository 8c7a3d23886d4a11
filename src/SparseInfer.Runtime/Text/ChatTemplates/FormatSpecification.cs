using System.Globalization;
using System.Numerics;
using System.Text;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>How a value is to be written: what stands behind the colon in <c>'{:>8.2f}'</c>, or between <c>%</c> and the letter in <c>'%8.2f'</c>.</summary>
internal sealed record FormatSpecification
{
    private const string NumberTypes = "bcdoxXneEfFgG%";

    /// <summary>What a value is filled up with, one character.</summary>
    public TemplateText Fill { get; init; } = new(" ");

    /// <summary>One of <c>&lt; &gt; ^ =</c>; null: texts stand left, numbers right.</summary>
    public char? Align { get; init; }

    /// <summary>One of <c>+ -</c> and space.</summary>
    public char Sign { get; init; } = '-';

    /// <summary>Whether <c>#</c> is there: prefixes of whole numbers, zeros of floats.</summary>
    public bool Alternate { get; init; }

    /// <summary>In characters.</summary>
    public int Width { get; init; }

    /// <summary><c>,</c> or <c>_</c> between groups of digits; null: none.</summary>
    public char? Grouping { get; init; }

    /// <summary>Digits behind the point, or the most characters of a text; null: the type's own.</summary>
    public int? Precision { get; init; }

    /// <summary>The letter; null: the value's own.</summary>
    public char? Type { get; init; }

    /// <summary>Reads <c>[[fill]align][sign][#][0][width][grouping][.precision][type]</c>.</summary>
    /// <exception cref="TemplateFault">It is something else.</exception>
    public static FormatSpecification Parse(TemplateText specification, Budget budget)
    {
        string text = specification.Value;
        int at = 0;
        int first = text.Length > 1 && char.IsSurrogatePair(text[0], text[1]) ? 2 : 1;
        TemplateText? fill = null;
        char? align = null;
        if (text.Length > first && text[first] is '<' or '>' or '^' or '=')
        {
            (fill, align, at) = (specification.Slice(0, first), text[first], first + 1);
        }
        else if (At() is '<' or '>' or '^' or '=')
        {
            align = text[at++];
        }

        char sign = At() is '+' or '-' or ' ' ? text[at++] : '-';
        bool alternate = Skip('#');
        bool zero = Skip('0');
        int width = Count() ?? 0;
        char? grouping = At() is ',' or '_' ? text[at++] : null;
        int? precision = Skip('.') ? Count() ?? throw Wrong() : null;
        char? type = at < text.Length ? text[at++] : null;
        budget.SpendText(0, width);
        return at == text.Length
            ? new FormatSpecification
            {
                Fill = fill ?? new TemplateText(zero ? "0" : " "),
                Align = align ?? (zero ? '=' : null),
                Sign = sign,
                Alternate = alternate,
                Width = width,
                Grouping = grouping,
                Precision = precision,
                Type = type,
            }
            : throw Wrong();

        char At() => at < text.Length ? text[at] : '\0';

        bool Skip(char character)
        {
            bool found = At() == character;
            at += found ? 1 : 0;
            return found;
        }

        int? Count()
        {
            int start = at;
            while (char.IsAsciiDigit(At()))
            {
                at++;
            }

            return at == start ? null : int.TryParse(text.AsSpan(start, at - start), CultureInfo.InvariantCulture, out int count) ? count : throw Wrong();
        }

        TemplateFault Wrong() => new($"'{text}' says no form of a value");
    }

    /// <summary>Writes a text.</summary>
    /// <exception cref="TemplateFault">The form is one of numbers.</exception>
    public TemplateText Write(TemplateText value, Budget budget)
    {
        bool zeros = Align == '=' && Fill.Value == "0"; // as '05' says, which fills a text from the right
        if (Type is not (null or 's') || Sign != '-' || Alternate || Grouping is not null || (Align == '=' && !zeros))
        {
            throw Misfit("str");
        }

        TemplateText cut = Precision is { } most && most < Characters.Count(value.Value) ? (TemplateText)Items.Slice(value, 0, most, null, budget)! : value;
        return Align is '>' or '^' ? Filled(cut, budget) : (this with { Align = '<' }).Filled(cut, budget);
    }

    /// <summary>Writes a number.</summary>
    /// <exception cref="TemplateFault">The form is not one of its type.</exception>
    public TemplateText Write(object number, Budget budget)
    {
        budget.SpendOn(number);
        if (Type is { } letter && !NumberTypes.Contains(letter, StringComparison.Ordinal))
        {
            throw Misfit(Values.TypeOf(number));
        }

        bool whole = Numbers.IsWhole(number);
        if (whole && Type is null or 'b' or 'c' or 'd' or 'n' or 'o' or 'x' or 'X')
        {
            return whole && Precision is null ? WriteWhole(Numbers.ToWhole(number), budget) : throw Misfit(Values.TypeOf(number));
        }

        if (Type is 'b' or 'c' or 'd' or 'o' or 'x' or 'X')
        {
            throw Misfit("float");
        }

        budget.Spend(Precision ?? 0);
        double value = Numbers.ToDouble(number);
        return Signed(double.IsNegative(value) && !double.IsNaN(value), "", Digits(Math.Abs(value)), 3, budget);
    }

    /// <summary>Digits of a float without its sign.</summary>
    private string Digits(double value)
    {
        int precision = Precision ?? 6;
        if (precision > FloatDigits.MaxDigits)
        {
            throw new TemplateFault($"a float is to have {precision} digits; at most {FloatDigits.MaxDigits} are written");
        }

        value *= Type == '%' ? 100 : 1;
        string digits = !double.IsFinite(value) ? Numbers.Show(value) : Type switch
        {
            'f' or 'F' or '%' => FloatDigits.Fixed(value, precision) + (Alternate && precision == 0 ? "." : ""),
            'e' or 'E' => FloatDigits.Exponential(value, precision).Replace("e", Alternate && precision == 0 ? ".e" : "e", StringComparison.Ordinal),
            'g' or 'G' or 'n' => FloatDigits.General(value, precision, Alternate, asFloat: false),
            _ => Precision is null ? Numbers.Show(value) : FloatDigits.General(value, precision, Alternate, asFloat: true),
        };
        return Type is 'E' or 'F' or 'G' ? digits.ToUpperInvariant() : Type == '%' ? $"{digits}%" : digits;
    }

    private TemplateText WriteWhole(BigInteger number, Budget budget)
    {
        var size = BigInteger.Abs(number);
        switch (Type)
        {
            case 'c':
                return number >= 0 && number <= 0x10FFFF && Sign == '-' && !Alternate && Grouping is null
                    ? (this with { Type = null, Align = Align is null or '=' ? '>' : Align }).Write(new TemplateText(Rune.TryCreate((int)number, out Rune rune) ? rune.ToString() : ((char)number).ToString()), budget)
                    : throw Misfit("int");
            case 'b':
                return Signed(number.Sign < 0, Alternate ? "0b" : "", InBase(size, 1), 4, budget);
            case 'o':
                return Signed(number.Sign < 0, Alternate ? "0o" : "", InBase(size, 3), 4, budget);
            case 'x':
                return Signed(number.Sign < 0, Alternate ? "0x" : "", InBase(size, 4), 4, budget);
            case 'X':
                return Signed(number.Sign < 0, Alternate ? "0X" : "", InBase(size, 4).ToUpperInvariant(), 4, budget);
            default:
                return Signed(number.Sign < 0, "", size.ToString(CultureInfo.InvariantCulture), 3, budget);
        }
    }

    /// <summary>Digits in base 2, 8 or 16.</summary>
    private static string InBase(BigInteger number, int bits)
    {
        string binary = number.ToString("b", CultureInfo.InvariantCulture).TrimStart('0');
        binary = binary.PadLeft(Math.Max(1, (binary.Length + bits - 1) / bits) * bits, '0');
        return string.Concat(binary.Chunk(bits).Select(digit => "0123456789abcdef"[Convert.ToInt32(new string(digit), 2)]));
    }

    private TemplateText Signed(bool negative, string prefix, string digits, int group, Budget budget)
    {
        string sign = (negative ? "-" : Sign == '-' ? "" : Sign.ToString()) + prefix;
        int end = digits.AsSpan().IndexOfAnyExceptInRange('0', '9') is >= 0 and var found && group == 3 ? found : digits.Length;
        if (Grouping is { } separator)
        {
            if (separator == ',' && Type is 'b' or 'o' or 'x' or 'X' or 'n')
            {
                throw Misfit("int");
            }

            // Zeros in front are digits too, and get separators.
            string whole = digits[..end];
            string Grouped() => string.Concat(whole.Select((digit, i) => i > 0 && (whole.Length - i) % group == 0 ? $"{separator}{digit}" : $"{digit}"));
            int room = Align == '=' && Fill.Value == "0" ? Width - sign.Length - (digits.Length - end) : 0;
            while (Grouped().Length < room)
            {
                budget.Spend(whole.Length);
                whole = $"0{whole}";
            }

            digits = Grouped() + digits[end..];
        }

        if (Align != '=')
        {
            return Filled(new TemplateText(sign + digits), budget, '>');
        }

        TemplateText filled = (this with { Width = Math.Max(0, Width - sign.Length), Align = '>' }).Filled(new TemplateText(digits), budget);
        return new TemplateTextBuilder(budget).Append(sign).Append(filled).ToText();
    }

    private TemplateText Filled(TemplateText text, Budget budget, char byDefault = '<') => (Align ?? byDefault) switch
    {
        '<' => Methods.Pad(text, Width, Fill, before: false, after: true, budget),
        '>' => Methods.Pad(text, Width, Fill, before: true, after: false, budget),
        _ => Centred(text, budget),
    };

    /// <summary>In the middle; the odd character stands behind, other than in <c>str.center</c>.</summary>
    private TemplateText Centred(TemplateText text, Budget budget)
    {
        int length = Characters.Count(text.Value);
        int front = Math.Max(0, Width - length) / 2;
        TemplateText shifted = Methods.Pad(text, length + front, Fill, before: true, after: false, budget);
        return Methods.Pad(shifted, Width, Fill, before: false, after: true, budget);
    }

    private TemplateFault Misfit(string type) => new($"a form{(Type is { } letter ? $" '{letter}'" : "")} does not fit a {type}");
}
