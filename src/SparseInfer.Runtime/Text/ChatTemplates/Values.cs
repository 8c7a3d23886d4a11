using System.Numerics;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>What Python does with values: truth, equality, order, length, walking through, items.</summary>
internal static class Values
{
    /// <summary>The type's name in Python.</summary>
    public static string TypeOf(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        long or BigInteger => "int",
        double => "float",
        TemplateText => "str",
        ListValue => "list",
        ViewValue view => view.Name,
        TupleValue => "tuple",
        DictValue => "dict",
        RangeValue => "range",
        GeneratorValue => "generator",
        NamespaceValue => "namespace",
        UndefinedValue => "undefined",
        _ => "function",
    };

    public static bool IsTrue(object? value) => value switch
    {
        null or UndefinedValue => false,
        bool truth => truth,
        long number => number != 0,
        double number => number != 0,
        BigInteger number => !number.IsZero,
        TemplateText text => text.Length > 0,
        ListValue list => list.Items.Count > 0,
        ViewValue view => view.Items.Count > 0,
        TupleValue tuple => tuple.Items.Length > 0,
        DictValue dict => dict.Items.Count > 0,
        RangeValue range => range.Count > 0,
        _ => true,
    };

    public static bool AreEqual(object? a, object? b, Budget budget)
    {
        if (Numbers.Is(a) && Numbers.Is(b))
        {
            return Numbers.Compare(a!, b!) == 0;
        }

        switch (a, b)
        {
            case (TemplateText x, TemplateText y):
                budget.SpendOn(x.Length == y.Length ? x : null);
                return x.Equals(y);
            case (ListValue x, ListValue y):
                return AreEqual(x.Items, y.Items, budget);
            case (TupleValue x, TupleValue y):
                return AreEqual(x.Items, y.Items, budget);
            case (RangeValue x, RangeValue y):
                return AreEqual(Items(x, budget), Items(y, budget), budget);
            case (DictValue x, DictValue y):
                if (x.Items.Count != y.Items.Count)
                {
                    return false;
                }

                budget.Enter();
                budget.Spend(x.Items.Count);
                bool equal = x.Items.All(pair => y.Items.TryGetValue(pair.Key, out object? other) && AreEqual(pair.Value, other, budget));
                budget.Leave();
                return equal;
            case (ViewValue { Name: not "dict_values" } x, ViewValue { Name: not "dict_values" } y):
                return x.Items.Count == y.Items.Count && x.Items.All(item => y.Items.Any(other => AreEqual(item, other, budget)));
            case (UndefinedValue, UndefinedValue):
                return true;
            default:
                return ReferenceEquals(a, b);
        }
    }

    /// <summary>Below 0, 0 or above 0, as the first goes before, with or behind the second.</summary>
    /// <exception cref="TemplateFault">They have no order.</exception>
    public static int Compare(object? a, object? b, Budget budget)
    {
        budget.Spend();
        if (Numbers.Is(a) && Numbers.Is(b))
        {
            return Numbers.Compare(a!, b!);
        }

        switch (a, b)
        {
            case (UndefinedValue undefined, _):
                throw undefined.Fault();
            case (_, UndefinedValue undefined):
                throw undefined.Fault();
            case (TemplateText x, TemplateText y):
                budget.SpendWalk(Math.Min(x.Length, y.Length));
                return CompareText(x.Value, y.Value);
            case (ListValue x, ListValue y):
                return Compare(x.Items, y.Items, budget);
            case (TupleValue x, TupleValue y):
                return Compare(x.Items, y.Items, budget);
            default:
                throw new TemplateFault($"a {TypeOf(a)} and a {TypeOf(b)} have no order");
        }
    }

    /// <summary>Whether an item, a key or a part of a text is in a value.</summary>
    /// <exception cref="TemplateFault">Nothing can be in it.</exception>
    public static bool Contains(object? container, object? item, Budget budget)
    {
        switch (container)
        {
            case TemplateText text when item is TemplateText part:
                budget.SpendSearch(text, part);
                return text.Value.Contains(part.Value, StringComparison.Ordinal);
            case TemplateText:
                throw (item as UndefinedValue)?.Fault() ?? new TemplateFault($"in a str there is only str, not {TypeOf(item)}");
            case DictValue dict:
                return dict.Items.ContainsKey(DictValue.ToKey(item));
            case ViewValue { Name: "dict_keys" } keys:
                object key = DictValue.ToKey(item); // what changes is asked for in vain
                return keys.Items.Any(each => AreEqual(each, DictValue.FromKey(key), budget));
            case NamespaceValue:
                throw new TemplateFault("'in' does not look into a namespace");
            default:
                return Items(container, budget).Any(each => AreEqual(each, item, budget));
        }
    }

    /// <summary>Number of items; null: the value has none.</summary>
    public static int? Length(object? value) => value switch
    {
        TemplateText text => Characters.Count(text.Value),
        ListValue list => list.Items.Count,
        ViewValue view => view.Items.Count,
        TupleValue tuple => tuple.Items.Length,
        DictValue dict => dict.Items.Count,
        RangeValue range => range.Count,
        UndefinedValue => 0,
        _ => null,
    };

    /// <summary>Whether a value can be walked through.</summary>
    public static bool IsIterable(object? value) => value is GeneratorValue || Length(value) is not null;

    /// <summary>The items of a value: of a text its characters, of a dictionary its keys. A list is given as it is.</summary>
    /// <exception cref="TemplateFault">It cannot be walked through.</exception>
    public static IReadOnlyList<object?> Items(object? value, Budget budget)
    {
        switch (value)
        {
            case ListValue list:
                return list.Items;
            case ViewValue view:
                return view.Items;
            case TupleValue tuple:
                return tuple.Items;
            case GeneratorValue generator:
                return generator.Take();
            case UndefinedValue:
                return [];
            case DictValue dict:
                budget.Spend(dict.Items.Count);
                return [.. dict.Keys];
            case RangeValue range:
                budget.Spend(range.Count);
                return [.. Enumerable.Range(0, range.Count).Select(i => (object?)(range.Start + i * range.Step))];
            case TemplateText text:
                budget.Spend(text.Length);
                int[] starts = Characters.Starts(text.Value);
                TemplateText plain = text.Plain();
                return [.. Enumerable.Range(0, starts.Length - 1).Select(i => plain.Slice(starts[i], starts[i + 1] - starts[i]))];
            default:
                throw new TemplateFault($"a {TypeOf(value)} cannot be walked through");
        }
    }

    private static bool AreEqual(IReadOnlyList<object?> a, IReadOnlyList<object?> b, Budget budget)
    {
        if (a.Count != b.Count)
        {
            return false;
        }

        budget.Enter();
        for (int i = 0; i < a.Count; i++)
        {
            budget.Spend();
            if (!AreEqual(a[i], b[i], budget))
            {
                budget.Leave();
                return false;
            }
        }

        budget.Leave();
        return true;
    }

    private static int Compare(IReadOnlyList<object?> a, IReadOnlyList<object?> b, Budget budget)
    {
        budget.Enter();
        int order = a.Count.CompareTo(b.Count);
        for (int i = 0; i < Math.Min(a.Count, b.Count); i++)
        {
            if (!AreEqual(a[i], b[i], budget))
            {
                order = Compare(a[i], b[i], budget);
                break;
            }
        }

        budget.Leave();
        return order;
    }

    /// <summary>By code points: a surrogate stands for one above all others.</summary>
    private static int CompareText(string a, string b)
    {
        for (int i = 0; i < Math.Min(a.Length, b.Length); i++)
        {
            if (a[i] != b[i])
            {
                return Rank(a[i]).CompareTo(Rank(b[i]));
            }
        }

        return a.Length.CompareTo(b.Length);

        static int Rank(char unit) => char.IsSurrogate(unit) ? unit + 0x10000 : unit;
    }
}
