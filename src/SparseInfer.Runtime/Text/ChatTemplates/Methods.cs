using System.Buffers;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>Methods of Python's texts, lists and dictionaries.</summary>
internal static partial class Methods
{
    private static readonly Dictionary<string, Builtin> OfText = MakeText();
    private static readonly Dictionary<string, Builtin> OfList = MakeList();
    private static readonly Dictionary<string, Builtin> OfDict = MakeDict();

    /// <summary>A method of a value, or null.</summary>
    public static Builtin? Find(object owner, string name) => owner switch
    {
        TemplateText => OfText.GetValueOrDefault(name),
        ListValue => OfList.GetValueOrDefault(name),
        TupleValue or RangeValue when name is "index" or "count" => OfList[name],
        DictValue => OfDict.GetValueOrDefault(name),
        _ => null,
    };

    /// <summary>A text without some characters at its ends; null: without white space.</summary>
    public static TemplateText Strip(TemplateText text, TemplateText? characters, bool left, bool right, Budget budget)
    {
        SearchValues<char>? named = characters is null ? null : SearchValues.Create(characters.Value);
        int start = 0;
        int end = text.Length;
        while (left && start < end && Goes(text.Value[start]))
        {
            start++;
        }

        while (right && end > start && Goes(text.Value[end - 1]))
        {
            end--;
        }

        budget.SpendWalk(text.Length - (end - start));
        return text.Slice(start, end - start);

        bool Goes(char character) => named is null ? Characters.IsSpace(character) : named.Contains(character);
    }

    /// <summary>A text with each part of one text made another, at most so often from the left; below 0, everywhere.</summary>
    public static TemplateText Replace(TemplateText text, TemplateText old, TemplateText by, long count, Budget budget)
    {
        by = Markup.Beside(by, text, budget);
        var replaced = new TemplateTextBuilder(budget);
        budget.SpendSearch(text, old);
        int start = 0;
        if (old.Length == 0)
        {
            int[] starts = Characters.Starts(text.Value);
            budget.Spend(starts.Length);
            for (int i = 0; i < starts.Length && count != 0; i++, count--)
            {
                replaced.Append(by);
                start = i + 1 < starts.Length ? starts[i + 1] : text.Length;
                replaced.Append(text, starts[i], start - starts[i]);
            }
        }
        else
        {
            for (int found; count != 0 && (found = text.Value.IndexOf(old.Value, start, StringComparison.Ordinal)) >= 0; count--)
            {
                budget.Spend();
                replaced.Append(text, start, found - start).Append(by);
                start = found + old.Length;
            }
        }

        replaced.Append(text, start, text.Length - start);
        return text.IsMarkup ? replaced.ToText().AsMarkup() : replaced.ToText();
    }

    /// <summary>The parts of a text between separators, at most so many cuts from the left; below 0, all. Null: between stretches of white space.</summary>
    public static List<TemplateText> Split(TemplateText text, TemplateText? separator, long count, Budget budget)
    {
        if (separator is { Length: 0 })
        {
            throw new TemplateFault("a text cannot be split at nothing");
        }

        List<TemplateText> parts = [];
        int start = 0;
        if (separator is not null)
        {
            budget.SpendSearch(text, separator);
            for (int found; count != 0 && (found = text.Value.IndexOf(separator.Value, start, StringComparison.Ordinal)) >= 0; count--)
            {
                budget.Spend();
                parts.Add(text.Slice(start, found - start));
                start = found + separator.Length;
            }

            parts.Add(text.Slice(start, text.Length - start));
            return parts;
        }

        budget.SpendWalk(text.Length);
        while (true)
        {
            start = text.Length - Characters.TrimStart(text.Value.AsSpan(start)).Length;
            if (start == text.Length)
            {
                return parts;
            }

            int end = start;
            while (end < text.Length && !Characters.IsSpace(text.Value[end]))
            {
                end++;
            }

            budget.Spend();
            if (count-- == 0)
            {
                parts.Add(text.Slice(start, text.Length - start));
                return parts;
            }

            parts.Add(text.Slice(start, end - start));
            start = end;
        }
    }

    /// <summary>As <see cref="Split"/>, with cuts from the right.</summary>
    public static List<TemplateText> SplitRight(TemplateText text, TemplateText? separator, long count, Budget budget)
    {
        List<TemplateText> all = Split(text, separator, -1, budget);
        if (count < 0 || all.Count <= count + (separator is null ? 0 : 1)) // what is left over keeps the white space in front
        {
            return all;
        }

        List<TemplateText> kept = all.GetRange(all.Count - (int)count, (int)count);
        int rest = separator is null ? Characters.TrimEnd(text.Value).Length : text.Length;
        for (int i = 0; i < kept.Count; i++)
        {
            TemplateText part = kept[^(i + 1)];
            rest = separator is not null
                ? rest - part.Length - separator.Length
                : Characters.TrimEnd(text.Value.AsSpan(0, Characters.TrimEnd(text.Value.AsSpan(0, rest)).Length - part.Length)).Length;
        }

        return [text.Slice(0, rest), .. kept];
    }

    /// <summary>The lines of a text.</summary>
    public static List<TemplateText> Lines(TemplateText text, bool keepEnds, Budget budget)
    {
        List<TemplateText> lines = [];
        budget.SpendWalk(text.Length);
        int start = 0;
        while (start < text.Length)
        {
            int end = start;
            while (end < text.Length && !Characters.EndsLine(text.Value[end]))
            {
                end++;
            }

            budget.Spend();
            int next = Math.Min(text.Length, end + (end + 1 < text.Length && text.Value[end] == '\r' && text.Value[end + 1] == '\n' ? 2 : 1));
            lines.Add(text.Slice(start, (keepEnds ? next : end) - start));
            start = next;
        }

        return lines;
    }

    /// <summary>Values with a text between them.</summary>
    public static TemplateText Join(TemplateText separator, IEnumerable<object?> values, Budget budget)
    {
        var joined = new TemplateTextBuilder(budget);
        bool first = true;
        foreach (object? value in values)
        {
            budget.Spend();
            joined.Append(first ? TemplateText.Empty : separator).Append(Markup.Beside(Printing.Show(value, budget), separator, budget));
            first = false;
        }

        return separator.IsMarkup ? joined.ToText().AsMarkup() : joined.ToText();
    }

    /// <summary>A text that is made as long as asked for.</summary>
    public static TemplateText Pad(TemplateText text, int width, TemplateText fill, bool before, bool after, Budget budget)
    {
        if (Characters.Count(fill.Value) != 1)
        {
            throw new TemplateFault("a text is filled with one character");
        }

        int missing = Math.Max(0, width - Characters.Count(text.Value));

        budget.Spend(missing / 4);

        // Python puts the odd one in front where the width is odd too.
        int front = !before ? 0 : !after ? missing : (missing / 2) + (missing & width & 1);
        var padded = new TemplateTextBuilder(budget);
        for (int i = 0; i < missing + 1; i++)
        {
            padded.Append(i == front ? text : TemplateText.Empty);
            if (i < missing)
            {
                padded.Append(fill);
            }
        }

        return text.IsMarkup ? padded.ToText().AsMarkup() : padded.ToText();
    }

    private static Dictionary<string, Builtin> MakeText()
    {
        Dictionary<string, Builtin> methods = new(StringComparer.Ordinal);
        Add("strip", "chars?", call => Strip(Self(call), call.TextOrNull(0), left: true, right: true, call.Budget));
        Add("lstrip", "chars?", call => Strip(Self(call), call.TextOrNull(0), left: true, right: false, call.Budget));
        Add("rstrip", "chars?", call => Strip(Self(call), call.TextOrNull(0), left: false, right: true, call.Budget));
        Add("split", "sep? maxsplit?", call => ListOf(Split(Self(call), call.TextOrNull(0), call.Whole(1, -1), call.Budget)));
        Add("rsplit", "sep? maxsplit?", call => ListOf(SplitRight(Self(call), call.TextOrNull(0), call.Whole(1, -1), call.Budget)));
        Add("splitlines", "keepends?", call => ListOf(Lines(Self(call), call.Truth(0), call.Budget)));
        Add("partition", "sep", call => Partition(call, fromRight: false));
        Add("rpartition", "sep", call => Partition(call, fromRight: true));
        Add("replace", "old new count?", call => Replace(Self(call), call.Text(0), call.Text(1), call.Whole(2, -1), call.Budget));
        Add("join", "iterable", call => Join(Self(call), Values.Items(call.Values[0], call.Budget).Select(item => item is TemplateText ? item
            : throw call.Wrong($"joins str, not {Values.TypeOf(item)}")), call.Budget));
        Add("format", "*", call => TextFormat.Format(Self(call), call.Arguments, call.Budget));
        Add("format_map", "mapping", call => TextFormat.Format(Self(call), new CallArguments([], Named(call)), call.Budget));
        Add("startswith", "prefix start? end?", call => Affix(call, (text, affix) => text.StartsWith(affix, StringComparison.Ordinal)));
        Add("endswith", "suffix start? end?", call => Affix(call, (text, affix) => text.EndsWith(affix, StringComparison.Ordinal)));
        Add("removeprefix", "prefix", call => Self(call) is var text && call.Text(0) is var prefix && text.Value.StartsWith(prefix.Value, StringComparison.Ordinal)
            ? text.Slice(prefix.Length, text.Length - prefix.Length) : Self(call));
        Add("removesuffix", "suffix", call => Self(call) is var text && call.Text(0) is var suffix && text.Value.EndsWith(suffix.Value, StringComparison.Ordinal)
            ? text.Slice(0, text.Length - suffix.Length) : Self(call));
        Add("find", "sub start? end?", call => Find(call, fromRight: false));
        Add("rfind", "sub start? end?", call => Find(call, fromRight: true));
        Add("index", "sub start? end?", call => Find(call, fromRight: false) is >= 0 and var found ? found : throw call.Wrong("does not find its text"));
        Add("rindex", "sub start? end?", call => Find(call, fromRight: true) is >= 0 and var found ? found : throw call.Wrong("does not find its text"));
        Add("count", "sub start? end?", call => call.Whole(1) > Characters.Count(Self(call).Value) ? 0L
            : call.Text(0).Length == 0 ? Characters.Count(Part(call).Value) + 1L
            : Split(Part(call), call.Text(0), -1, call.Budget).Count - 1L);
        Add("upper", "", call => Self(call).Changed(Walked(call).Value.ToUpperInvariant()));
        Add("lower", "", call => Self(call).Changed(Walked(call).Value.ToLowerInvariant()));
        Add("casefold", "", call => Self(call).Changed(Walked(call).Value.ToLowerInvariant()));
        Add("title", "", call => Self(call).Changed(Characters.Title(Walked(call).Value)));
        Add("capitalize", "", call => Self(call).Changed(Characters.Capitalize(Walked(call).Value)));
        Add("swapcase", "", call => Self(call).Changed(Characters.SwapCase(Walked(call).Value)));
        Add("ljust", "width fillchar?", call => Pad(Self(call), call.Width(0, 0), Fill(call), before: false, after: true, call.Budget));
        Add("rjust", "width fillchar?", call => Pad(Self(call), call.Width(0, 0), Fill(call), before: true, after: false, call.Budget));
        Add("center", "width fillchar?", call => Pad(Self(call), call.Width(0, 0), Fill(call), before: true, after: true, call.Budget));
        Add("zfill", "width", call =>
        {
            TemplateText text = Self(call);
            int sign = text.Value.StartsWith('-') || text.Value.StartsWith('+') ? 1 : 0;
            TemplateText digits = Pad(text.Slice(sign, text.Length - sign), call.Width(0, 0) - sign, new TemplateText("0"), before: true, after: false, call.Budget);
            TemplateText filled = new TemplateTextBuilder(call.Budget).Append(text, 0, sign).Append(digits).ToText();
            return text.IsMarkup ? filled.AsMarkup() : filled;
        });
        Add("expandtabs", "tabsize?", call => ExpandTabs(Self(call), call.Whole(0, 8), call.Budget));
        Add("isascii", "", call => !Characters.Any(Walked(call).Value, character => !char.IsAscii(character)));
        Add("isprintable", "", call => Walked(call).Value.EnumerateRunes().All(Characters.IsPrintable));
        Add("istitle", "", call => Characters.Title(Walked(call).Value) == Self(call).Value && Characters.Any(Self(call).Value, char.IsUpper));
        Add("isdigit", "", call => All(call, char.IsDigit));
        Add("isdecimal", "", call => All(call, char.IsDigit));
        Add("isnumeric", "", call => All(call, char.IsNumber));
        Add("isalpha", "", call => All(call, char.IsLetter));
        Add("isalnum", "", call => All(call, character => char.IsLetterOrDigit(character) || char.IsNumber(character)));
        Add("isspace", "", call => All(call, Characters.IsSpace));
        Add("islower", "", call => !Characters.Any(Walked(call).Value, char.IsUpper) && Characters.Any(Self(call).Value, char.IsLower));
        Add("isupper", "", call => !Characters.Any(Walked(call).Value, char.IsLower) && Characters.Any(Self(call).Value, char.IsUpper));
        NotSupported("encode", "isidentifier", "maketrans", "translate");
        return methods;

        void Add(string name, string parameters, Func<BuiltinCall, object?> body) => methods.Add(name, new Builtin("method", name, parameters, body));

        // Python has them: they must not be undefined without a word.
        void NotSupported(params ReadOnlySpan<string> names)
        {
            foreach (string name in names)
            {
                Add(name, "*", call => throw call.Wrong("of str is not supported"));
            }
        }
    }

    private static TemplateText Self(BuiltinCall call) => (TemplateText)call.Self!;

    private static TemplateText Walked(BuiltinCall call) => call.Walked(Self(call));

    /// <summary>The items of a dictionary as named values.</summary>
    private static List<(TemplateText Name, object? Value)> Named(BuiltinCall call) => call.Values[0] is DictValue dict
        ? [.. dict.Items.Where(pair => pair.Key is TemplateText).Select(pair => ((TemplateText)pair.Key, pair.Value))]
        : throw call.Wrong($"needs a dict, not a {Values.TypeOf(call.Values[0])}");

    /// <summary>Spaces in place of each tab, up to the next column that the size divides.</summary>
    private static TemplateText ExpandTabs(TemplateText text, long size, Budget budget)
    {
        budget.SpendText(0, Math.Max(0, size));
        budget.SpendWalk(text.Length);
        var expanded = new TemplateTextBuilder(budget);
        long column = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text.Value[i] == '\t')
            {
                long spaces = size > 0 ? size - column % size : 0;
                expanded.Append(new string(' ', (int)spaces));
                column += spaces;
                continue;
            }

            expanded.Append(text, i, 1);
            column = text.Value[i] is '\n' or '\r' ? 0 : column + (char.IsLowSurrogate(text.Value[i]) ? 0 : 1);
        }

        return text.IsMarkup ? expanded.ToText().AsMarkup() : expanded.ToText();
    }

    private static ListValue ListOf(List<TemplateText> parts) => new([.. parts]);

    private static TemplateText Fill(BuiltinCall call) => call.Has(1) ? call.Text(1) : new TemplateText(" ");

    private static bool All(BuiltinCall call, Func<char, bool> holds) =>
        Walked(call).Length > 0 && !Characters.Any(Self(call).Value, character => !holds(character));

    private static TupleValue Partition(BuiltinCall call, bool fromRight)
    {
        TemplateText text = Self(call);
        TemplateText separator = call.Text(0);
        if (separator.Length == 0)
        {
            throw call.Wrong("needs a text to cut at");
        }

        call.Budget.SpendSearch(text, separator);
        int found = fromRight ? text.Value.LastIndexOf(separator.Value, StringComparison.Ordinal) : text.Value.IndexOf(separator.Value, StringComparison.Ordinal);
        int behind = found + separator.Length;
        return found >= 0 ? new TupleValue(text.Slice(0, found), text.Slice(found, separator.Length), text.Slice(behind, text.Length - behind))
            : fromRight ? new TupleValue(text.Slice(0, 0), text.Slice(0, 0), text)
            : new TupleValue(text, text.Slice(0, 0), text.Slice(0, 0));
    }

    private static bool Affix(BuiltinCall call, Func<string, string, bool> has)
    {
        string text = Part(call).Value;
        return call.Values[0] is TupleValue several
            ? several.Items.Any(affix => affix is TemplateText one ? has(text, Read(one)) : throw call.Wrong($"needs str, not {Values.TypeOf(affix)}"))
            : has(text, call.Text(0).Value);

        string Read(TemplateText affix)
        {
            call.Budget.Spend();
            call.Budget.SpendOn(affix);
            return affix.Value;
        }
    }

    /// <summary>Where a text is, in code points from the start of the whole; -1: nowhere.</summary>
    private static long Find(BuiltinCall call, bool fromRight)
    {
        TemplateText text = Part(call);
        call.Budget.SpendSearch(text, call.Text(0));
        int found = fromRight
            ? text.Value.LastIndexOf(call.Text(0).Value, StringComparison.Ordinal)
            : text.Value.IndexOf(call.Text(0).Value, StringComparison.Ordinal);
        long start = call.Whole(1);
        int length = Characters.Count(Self(call).Value);
        bool beyond = start > length;
        start = Math.Clamp(start < 0 ? start + length : start, 0, length);
        return found < 0 || beyond ? -1 : start + Characters.Count(text.Value[..found]);
    }

    private static TemplateText Part(BuiltinCall call) => !call.Has(1) && !call.Has(2) ? Self(call)
        : (TemplateText)Items.Slice(Self(call), call.Has(1) ? call.Whole(1) : null, call.Has(2) ? call.Whole(2) : null, null, call.Budget)!;
}
