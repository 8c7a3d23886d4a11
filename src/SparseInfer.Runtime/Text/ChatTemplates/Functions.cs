using System.Globalization;
using System.Text;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>Functions that every template has: Jinja's, and the two of the transformers library.</summary>
internal static class Functions
{
    public static readonly Dictionary<string, Builtin> All = new Builtin[]
    {
        new("function", "range", "a b? c?", Range),
        new("function", "dict", "*", Dict),
        new("function", "namespace", "*", call =>
        {
            var space = new NamespaceValue();
            foreach ((object key, object? value) in ((DictValue)Dict(call)).Items)
            {
                space.Attributes[((TemplateText)key).Value] = value;
            }

            return space;
        }),
        new("function", "joiner", "sep?", call => new JoinerValue(call.Value(0, new TemplateText(", ")))),
        new("function", "cycler", "*", call => call.Arguments is { Positional.Count: > 0, Named.Count: 0 }
            ? new CyclerValue(call.Arguments.Positional)
            : throw call.Wrong("needs values")),
        new("function", "raise_exception", "message", call => throw new TemplateFault(Printing.Show(call.Values[0], call.Budget).Value) { IsRaised = true }),
        new("function", "strftime_now", "format", call => new TemplateText(Time(call.Text(0).Value, call.Rendering.Now, call.Budget), call.Text(0).Outside.Length > 0)),
    }.ToDictionary(function => function.Name, StringComparer.Ordinal);

    private static object Range(BuiltinCall call)
    {
        (long start, long stop, long step) = call.Has(1) ? (call.Whole(0), call.Whole(1), call.Whole(2, 1)) : (0, call.Whole(0), 1);
        if (step == 0)
        {
            throw call.Wrong("has a step of 0");
        }

        var count = (System.Numerics.BigInteger)stop - start;
        if (System.Numerics.BigInteger.Abs(count / step) > Budget.MaxRange)
        {
            throw call.Wrong($"has more than {Budget.MaxRange} numbers");
        }

        return new RangeValue(start, stop, step);
    }

    private static DictValue Dict(BuiltinCall call)
    {
        var dict = new DictValue();
        foreach (object? from in call.Arguments.Positional)
        {
            if (from is DictValue other)
            {
                call.Budget.Spend(other.Items.Count);
                foreach ((object key, object? value) in other.Items)
                {
                    dict.Items[key] = value;
                }

                continue;
            }

            foreach (object? pair in Values.Items(from, call.Budget))
            {
                dict.Items[DictValue.ToKey(Values.Items(pair, call.Budget) is [var key, _] ? key : throw call.Wrong("needs pairs"))] = Values.Items(pair, call.Budget)[1];
            }
        }

        call.Arguments.Named.ForEach(argument => dict.Items[argument.Name] = argument.Value);
        return dict;
    }

    /// <summary>A time in the form of C's strftime.</summary>
    private static string Time(string format, DateTimeOffset now, Budget budget)
    {
        budget.SpendWalk(format.Length);
        var text = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }

            budget.Spend();
            budget.SpendText(text.Length, 0);
            bool bare = format[++i] == '-' && i + 1 < format.Length;
            char kind = bare ? format[++i] : format[i];
            string? pattern = kind switch
            {
                'Y' => "yyyy",
                'y' => "yy",
                'm' => "MM",
                'd' => "dd",
                'H' => "HH",
                'I' => "hh",
                'M' => "mm",
                'S' => "ss",
                'f' => "ffffff",
                'p' => "tt",
                'B' => "MMMM",
                'b' => "MMM",
                'A' => "dddd",
                'a' => "ddd",
                'h' => "MMM",
                'F' => "yyyy-MM-dd",
                'T' or 'X' => "HH:mm:ss",
                'D' or 'x' => "MM/dd/yy",
                'R' => "HH:mm",
                'r' => "hh:mm:ss tt",
                _ => null,
            };
            string value = pattern is not null ? now.ToString(pattern, CultureInfo.InvariantCulture) : kind switch
            {
                'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
                'e' => Padded(now.Day),
                'k' => Padded(now.Hour),
                'l' => Padded((now.Hour + 11) % 12 + 1),
                'c' => Time("%a %b %e %H:%M:%S %Y", now, budget),
                'P' => now.Hour < 12 ? "am" : "pm",
                'C' => TwoDigits(now.Year / 100),
                'u' => TwoDigits(((int)now.DayOfWeek + 6) % 7 + 1)[1..],
                'w' => TwoDigits((int)now.DayOfWeek)[1..],
                'U' => TwoDigits((now.DayOfYear + 6 - (int)now.DayOfWeek) / 7),
                'W' => TwoDigits((now.DayOfYear + 6 - ((int)now.DayOfWeek + 6) % 7) / 7),
                'V' => TwoDigits(ISOWeek.GetWeekOfYear(now.DateTime)),
                'G' => ISOWeek.GetYear(now.DateTime).ToString("0000", CultureInfo.InvariantCulture),
                'g' => TwoDigits(ISOWeek.GetYear(now.DateTime) % 100),
                's' => now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
                'Z' or 'z' => "", // Python's time here knows of no zone
                'n' => "\n",
                't' => "\t",
                '%' => "%",
                _ => $"%{kind}", // as C's library does
            };
            text.Append(bare ? value.TrimStart('0', ' ') is { Length: > 0 } short_ ? short_ : "0" : value);
        }

        return text.ToString();

        static string TwoDigits(int number) => number.ToString("00", CultureInfo.InvariantCulture);

        static string Padded(int number) => number.ToString(CultureInfo.InvariantCulture).PadLeft(2);
    }
}
