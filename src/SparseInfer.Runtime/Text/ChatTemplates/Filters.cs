using System.Numerics;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>What may stand behind <c>|</c>: Jinja's filters, and <c>tojson</c> as the transformers library has it.</summary>
internal static partial class Filters
{
    public static readonly Dictionary<string, Builtin> All = Make();

    private static readonly string[] GroupNames = ["grouper", "list"];

    public static TemplateFault Unknown(string name) => new($"the filter '{name}' is not supported{Nearest.Of(name, All.Keys)}");

    /// <summary>A float without its fraction.</summary>
    public static BigInteger Truncate(double number) =>
        double.IsFinite(number) ? new BigInteger(Math.Truncate(number)) : throw new TemplateFault("a float that is not finite has no whole number");

    private static Dictionary<string, Builtin> Make()
    {
        Dictionary<string, Builtin> filters = new(StringComparer.Ordinal);

        // Texts.
        Add("string", "", call => call.SelfText);
        Add("safe", "", call => call.SelfText.AsMarkup());
        Add("escape e", "", call => call.SelfText is { IsMarkup: true } markup ? markup : Markup.Escape(call.SelfText, call.Budget));
        Add("forceescape", "", call => Markup.Escape(call.SelfText.Plain(), call.Budget));
        Add("trim", "chars?", call => Methods.Strip(call.SelfText, call.TextOrNull(0), left: true, right: true, call.Budget));
        Add("upper", "", call => call.Walked(call.SelfText) is var text ? text.Changed(text.Value.ToUpperInvariant()) : null);
        Add("lower", "", call => call.Walked(call.SelfText) is var text ? text.Changed(text.Value.ToLowerInvariant()) : null);
        Add("capitalize", "", call => call.Walked(call.SelfText) is var text ? text.Changed(Characters.Capitalize(text.Value)) : null);
        Add("title", "", call => call.Walked(call.SelfText) is var text ? text.Plain().Changed(TitleOf(text.Value)) : null);
        Add("replace", "old new count?", call => Methods.Replace(
            call.SelfText.Plain(), Printing.Show(call.Values[0], call.Budget), Printing.Show(call.Values[1], call.Budget),
            call.Value(2) is null ? -1 : call.Whole(2), call.Budget));
        Add("indent", "width? first? blank?", Indent);
        Add("center", "width?", call => Methods.Pad(call.SelfText, call.Width(0, 80), new TemplateText(" "), before: true, after: true, call.Budget));
        Add("truncate", "length? killwords? end? leeway?", Truncate);
        Add("wordcount", "", call => Characters.Words(call.Walked(call.SelfText).Value));
        Add("format", "*", call => PercentFormat.Format(call.SelfText, call.Arguments switch
        {
            { Named.Count: 0 } => new TupleValue([.. call.Arguments.Positional]),
            { Positional.Count: 0 } => Functions.All["dict"].Call(call.Rendering, call.Arguments),
            _ => throw call.Wrong("takes values by place or by name, not both"),
        }, call.Budget));
        Add("tojson", "ensure_ascii? indent? separators? sort_keys?", ToJson);

        // Numbers.
        Add("int", "default? base?", ToInt);
        Add("float", "default?", call => call.Self switch
        {
            TemplateText text => Numbers.ParseFloat(call.Walked(text).Value) ?? call.Value(0, 0.0),
            { } number when Numbers.Is(number) => Numbers.ToDouble(number),
            UndefinedValue undefined => throw undefined.Fault(),
            _ => call.Value(0, 0.0),
        });
        Add("abs", "", call => Numbers.Absolute(Number(call, call.Self)));
        Add("round", "precision? method?", Round);

        // Anything.
        Add("default d", "default_value? boolean?", call =>
            call.Self is UndefinedValue || (call.Truth(1) && !Values.IsTrue(call.Self)) ? call.Value(0, TemplateText.Empty) : call.Self);
        Add("length count", "", call => call.Self is GeneratorValue generator ? (long)generator.Take().Count
            : Values.Length(call.Self) ?? throw call.Wrong($"does not take a {Values.TypeOf(call.Self)}"));
        Add("attr", "name", call => call.Self is DictValue && Methods.Find(call.Self, call.Text(0).Value) is null
            ? new UndefinedValue($"a dict has no attribute '{call.Text(0).Value}'") : Items.Attribute(call.Self, call.Text(0).Value));

        // Lists and dictionaries.
        Add("list", "", call => new ListValue([.. Values.Items(call.Self, call.Budget)]));
        Add("first", "", call => Values.Items(call.Self, call.Budget) is [var first, ..] ? first : new UndefinedValue("there is no first item"));
        Add("last", "", call => Values.Items(call.Self, call.Budget) is [.., var last] ? last : new UndefinedValue("there is no last item"));
        Add("join", "d? attribute?", Join);
        Add("reverse", "", call => call.Self is TemplateText
            ? Items.Slice(call.Self, null, null, -1, call.Budget)
            : new GeneratorValue([.. Values.Items(call.Self, call.Budget).Reverse()]));
        Add("sort", "reverse? case_sensitive? attribute?", Sort);
        Add("unique", "case_sensitive? attribute?", Unique);
        Add("min", "case_sensitive? attribute?", call => Extreme(call, sign: -1));
        Add("max", "case_sensitive? attribute?", call => Extreme(call, sign: 1));
        Add("sum", "attribute? start?", call => Attributes(call, Values.Items(call.Self, call.Budget), 0)
            .Aggregate(call.Value(1, 0L), (sum, item) => Arithmetic.Compute("+", sum, item, call.Budget)));
        Add("batch", "linecount fill_with?", Batch);
        Add("slice", "slices fill_with?", Slice);
        Add("groupby", "attribute default? case_sensitive?", GroupBy);
        Add("items", "", call => call.Self switch
        {
            UndefinedValue => new GeneratorValue([]),
            DictValue dict => new GeneratorValue(Methods.Pairs(dict)),
            _ => throw call.Wrong($"does not take a {Values.TypeOf(call.Self)}"),
        });
        Add("dictsort", "case_sensitive? by? reverse?", DictSort);
        Add("map", "*", Map);
        Add("select", "*", call => Select(call, byAttribute: false, keep: true));
        Add("reject", "*", call => Select(call, byAttribute: false, keep: false));
        Add("selectattr", "*", call => Select(call, byAttribute: true, keep: true));
        Add("rejectattr", "*", call => Select(call, byAttribute: true, keep: false));
        return filters;

        void Add(string names, string parameters, Func<BuiltinCall, object?> body)
        {
            foreach (string name in names.Split(' '))
            {
                filters.Add(name, new Builtin("filter", name, parameters, body));
            }
        }
    }

    private static object Number(BuiltinCall call, object? value) => value switch
    {
        { } number when Numbers.Is(number) => number,
        UndefinedValue undefined => throw undefined.Fault(),
        _ => throw call.Wrong($"needs a number, not a {Values.TypeOf(value)}"),
    };

    private static object? ToInt(BuiltinCall call) => call.Self switch
    {
        TemplateText text => Numbers.ParseWhole(call.Digits(text).Value, (int)Math.Clamp(call.Whole(1, 10), 0, 36))
            ?? (Numbers.ParseFloat(text.Value) is { } number && double.IsFinite(number) ? Numbers.FromWhole(Truncate(number)) : call.Value(0, 0L)),
        double number => double.IsFinite(number) ? Numbers.FromWhole(Truncate(number)) : call.Value(0, 0L),
        { } whole when Numbers.IsWhole(whole) => Numbers.FromWhole(Numbers.ToWhole(whole)),
        UndefinedValue undefined => throw undefined.Fault(),
        _ => call.Value(0, 0L),
    };

    private static object? Round(BuiltinCall call)
    {
        object number = Number(call, call.Self);
        int precision = (int)Math.Clamp(call.Whole(0), -Budget.MaxBits, Budget.MaxBits);
        call.Budget.Spend(Math.Abs(precision));
        switch (call.Has(1) ? call.Text(1).Value : "common")
        {
            case "common" when Numbers.IsWhole(number):
                return precision >= 0 ? Numbers.FromWhole(Numbers.ToWhole(number))
                    : Numbers.FromWhole(FloatDigits.Divide(Numbers.ToWhole(number), BigInteger.Pow(10, -precision)) * BigInteger.Pow(10, -precision));
            case "common":
                return FloatDigits.Round(Numbers.ToDouble(number), precision);
            case "ceil":
                return Scaled(Math.Ceiling);
            case "floor":
                return Scaled(Math.Floor);
            case var other:
                throw call.Wrong($"has no method '{other}'; it has 'common', 'ceil' and 'floor'");
        }

        double Scaled(Func<double, double> round)
        {
            double scale = Math.Pow(10, precision);
            return round(Numbers.ToDouble(number) * scale) / scale is var rounded && double.IsFinite(rounded) ? rounded : throw call.Wrong("has no result");
        }
    }

    private static object? Join(BuiltinCall call)
    {
        TemplateText separator = Printing.Show(call.Value(0, TemplateText.Empty), call.Budget);
        return Methods.Join(separator.Plain(), Attributes(call, Values.Items(call.Self, call.Budget), 1), call.Budget);
    }

    private static object? Sort(BuiltinCall call)
    {
        IEnumerable<object?> items = Values.Items(call.Self, call.Budget);
        IReadOnlyList<object?> paths = call.Value(2) is TemplateText given ? Methods.Split(given, new TemplateText(","), -1, call.Budget) : [call.Value(2)];
        return new ListValue(Sorted(call, items, KeysOf, caseSensitive: true, call.Truth(0)));

        // A list: what is equal is not asked for its order, be it undefined.
        object? KeysOf(object? item)
        {
            call.Budget.Spend();
            return new ListValue([.. paths.Select(path => Folded(path is null ? item : Items.Path(item, path, call.Budget), call.Truth(1), call.Budget))]);
        }
    }

    private static object? DictSort(BuiltinCall call)
    {
        if (call.Self is not DictValue dict)
        {
            throw (call.Self as UndefinedValue)?.Fault() ?? call.Wrong($"does not take a {Values.TypeOf(call.Self)}");
        }

        int by = (call.Has(1) ? call.Text(1).Value : "key") switch
        {
            "key" => 0,
            "value" => 1,
            var other => throw call.Wrong($"sorts by 'key' or 'value', not by '{other}'"),
        };
        return new ListValue(Sorted(call, Methods.Pairs(dict), pair => ((TupleValue)pair!).Items[by], call.Truth(0), call.Truth(2)));
    }

    private static List<object?> Sorted(BuiltinCall call, IEnumerable<object?> items, Func<object?, object?> key, bool caseSensitive, bool reverse)
    {
        var order = Comparer<object?>.Create((a, b) => Values.Compare(a, b, call.Budget));
        object? KeyOf(object? item) => Folded(key(item), caseSensitive, call.Budget);
        try
        {
            return [.. reverse ? items.OrderByDescending(KeyOf, order) : items.OrderBy(KeyOf, order)];
        }
        catch (InvalidOperationException wrapped) when (wrapped.InnerException is TemplateFault fault)
        {
            throw fault;
        }
    }

    private static object? Unique(BuiltinCall call)
    {
        var seen = new DictValue();
        List<object?> unique = [];
        foreach (object? item in Values.Items(call.Self, call.Budget))
        {
            object? key = Folded(Attribute(call, item, 1), call.Truth(0), call.Budget);
            call.Budget.SpendOn(key);
            if (seen.Items.TryAdd(DictValue.ToKey(key), null))
            {
                unique.Add(item);
            }
        }

        return new GeneratorValue(unique);
    }

    private static object? Extreme(BuiltinCall call, int sign)
    {
        object? best = new UndefinedValue("there is no item");
        object? bestKey = null;
        bool any = false;
        foreach (object? item in Values.Items(call.Self, call.Budget))
        {
            object? key = Folded(Attribute(call, item, 1), call.Truth(0), call.Budget);
            if (!any || Values.Compare(key, bestKey, call.Budget) * sign > 0)
            {
                (best, bestKey, any) = (item, key, true);
            }
        }

        return best;
    }

    private static object? Batch(BuiltinCall call)
    {
        int size = (int)Math.Clamp(call.Whole(0), 1, Budget.MaxRange);
        List<object?> batches = [];
        foreach (object?[] chunk in Values.Items(call.Self, call.Budget).Chunk(size))
        {
            object? fill = call.Value(1);
            call.Budget.Spend(size);
            batches.Add(new ListValue([.. chunk, .. fill is null ? [] : Enumerable.Repeat(fill, size - chunk.Length)]));
        }

        return new GeneratorValue(batches);
    }

    private static object? Slice(BuiltinCall call)
    {
        IReadOnlyList<object?> items = Values.Items(call.Self, call.Budget);
        long slices = call.Whole(0);
        if (slices == 0)
        {
            throw call.Wrong("takes a number of slices above 0");
        }

        call.Budget.Spend((int)Math.Clamp(slices, 0, Budget.MaxSteps));
        List<object?> sliced = [];
        int start = 0;
        for (long i = 0; i < slices; i++)
        {
            bool isLonger = i < items.Count % slices;
            int count = (int)(items.Count / slices) + (isLonger ? 1 : 0);
            sliced.Add(new ListValue([.. items.Skip(start).Take(count), .. call.Value(1) is { } fill && !isLonger ? [fill] : Array.Empty<object?>()]));
            start += count;
        }

        return new GeneratorValue(sliced);
    }

    private static object? GroupBy(BuiltinCall call)
    {
        object? KeyOf(object? item) => Items.Path(item, call.Values[0], call.Budget, call.Value(1));
        List<object?> groups = [];
        object? last = null;
        foreach (object? item in Sorted(call, Values.Items(call.Self, call.Budget), KeyOf, call.Truth(2), reverse: false))
        {
            object? key = Folded(KeyOf(item), call.Truth(2), call.Budget);
            if (groups.Count == 0 || !Values.AreEqual(key, last, call.Budget))
            {
                groups.Add(new TupleValue(KeyOf(item), new ListValue([])) { Names = GroupNames });
                last = key;
            }

            ((ListValue)((TupleValue)groups[^1]!).Items[1]!).Items.Add(item);
        }

        return new ListValue(groups);
    }

    private static object? Map(BuiltinCall call)
    {
        CallArguments arguments = call.Arguments;
        IReadOnlyList<object?> items = Walked(call);
        if (arguments.Positional.Count == 0)
        {
            int attribute = arguments.Named.FindIndex(argument => argument.Name.Value == "attribute");
            int byDefault = arguments.Named.FindIndex(argument => argument.Name.Value == "default");
            if (attribute < 0 || arguments.Named.Count > (byDefault < 0 ? 1 : 2))
            {
                throw call.Wrong("needs the name of a filter, or 'attribute' and perhaps 'default'");
            }

            return new GeneratorValue([.. items.Select(item =>
            {
                call.Budget.Spend();
                return Items.Path(item, arguments.Named[attribute].Value, call.Budget, byDefault >= 0 ? arguments.Named[byDefault].Value : null);
            })]);
        }

        string name = (arguments.Positional[0] as TemplateText)?.Value ?? throw call.Wrong("needs the name of a filter");
        Builtin filter = All.GetValueOrDefault(name) ?? throw Unknown(name);
        var rest = new CallArguments([.. arguments.Positional.Skip(1)], arguments.Named);
        return new GeneratorValue([.. items.Select(item => filter.Call(call.Rendering, item, rest))]);
    }

    private static object? Select(BuiltinCall call, bool byAttribute, bool keep)
    {
        List<object?> arguments = call.Arguments.Positional;
        int first = byAttribute ? 1 : 0;
        if (arguments.Count < first)
        {
            throw call.Wrong("needs the name of an attribute");
        }

        string? name = arguments.Count > first
            ? (arguments[first] as TemplateText)?.Value ?? throw call.Wrong("needs the name of a test")
            : null;
        Builtin? test = name is null ? null : Tests.All.GetValueOrDefault(name) ?? throw Tests.Unknown(name);
        var rest = new CallArguments([.. arguments.Skip(first + 1)], call.Arguments.Named);
        return new GeneratorValue([.. Walked(call).Where(item =>
        {
            call.Budget.Spend();
            object? value = byAttribute ? Items.Path(item, arguments[0], call.Budget) : item;
            return Values.IsTrue(test is null ? value : test.Call(call.Rendering, value, rest)) == keep;
        })]);
    }

    /// <summary>What is mapped or selected from: whatever is false has no items, None as well.</summary>
    private static IReadOnlyList<object?> Walked(BuiltinCall call) => Values.IsTrue(call.Self) ? Values.Items(call.Self, call.Budget) : [];

    private static IEnumerable<object?> Attributes(BuiltinCall call, IEnumerable<object?> items, int argument) =>
        items.Select(item => Attribute(call, item, argument));

    /// <summary>The attribute of an item that an argument names; without one, the item.</summary>
    private static object? Attribute(BuiltinCall call, object? item, int argument)
    {
        call.Budget.Spend();
        return call.Value(argument) is { } path ? Items.Path(item, path, call.Budget) : item;
    }

    private static object? Folded(object? key, bool caseSensitive, Budget budget)
    {
        if (caseSensitive || key is not TemplateText text)
        {
            return key;
        }

        budget.SpendWalk(text.Length);
        return text.Changed(text.Value.ToLowerInvariant());
    }
}
