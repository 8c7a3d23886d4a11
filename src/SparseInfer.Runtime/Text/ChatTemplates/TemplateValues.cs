using System.Numerics;

namespace SparseInfer.Text.ChatTemplates;

// The values of a template are objects: null is None; bool, long, BigInteger and double are Python's; TemplateText is str; then those below.

/// <summary>A list.</summary>
internal sealed class ListValue(List<object?> items)
{
    public List<object?> Items { get; } = items;
}

/// <summary>What <c>keys()</c>, <c>values()</c> and <c>items()</c> return: it can be walked through, and has no places.</summary>
internal sealed class ViewValue(string name, List<object?> items)
{
    /// <summary>Such as <c>dict_keys</c>.</summary>
    public string Name { get; } = name;

    public List<object?> Items { get; } = items;
}

/// <summary>A tuple.</summary>
internal sealed class TupleValue(params object?[] items)
{
    public object?[] Items { get; } = items;

    /// <summary>Names of the items, where they have some.</summary>
    public string[] Names { get; init; } = [];
}

/// <summary>What <c>range</c> returns, and a slice of it.</summary>
internal sealed class RangeValue(long start, long stop, long step)
{
    public long Start { get; } = start;

    public long Stop { get; } = stop;

    public long Step { get; } = step;

    public int Count { get; } = (int)Math.Max(0, step > 0 ? (stop - start + step - 1) / step : (start - stop - step - 1) / -step);
}

/// <summary>What <c>map</c>, <c>select</c> and the like return: it is always true, and can be walked through once.</summary>
internal sealed class GeneratorValue(List<object?> items)
{
    private List<object?>? _items = items;

    public List<object?> Take()
    {
        List<object?> items = _items ?? [];
        _items = null;
        return items;
    }
}

/// <summary>A dictionary, in the order in which keys were first set.</summary>
internal sealed class DictValue
{
    private const int MaxKeyDepth = 100;
    private const int MaxKeyItems = 100;

    public OrderedDictionary<object, object?> Items { get; } = new(KeyComparer.Instance);

    public object? this[string key]
    {
        set => Items[new TemplateText(key)] = value;
    }

    public bool TryGet(string key, out object? value) => Items.TryGetValue(new TemplateText(key), out value);

    /// <summary>The keys as values.</summary>
    public IEnumerable<object?> Keys => Items.Keys.Select(FromKey);

    /// <summary>A value as a key.</summary>
    /// <exception cref="TemplateFault">It is one that changes.</exception>
    public static object ToKey(object? value)
    {
        int left = MaxKeyItems;
        return ToKey(value, 0, ref left);
    }

    public static object? FromKey(object key) => key is NoneKey ? null : key;

    private static object ToKey(object? value, int depth, ref int left)
    {
        switch (value)
        {
            case null:
                return NoneKey.Instance;
            case ListValue or DictValue or ViewValue { Name: not "dict_values" }:
                throw new TemplateFault($"a {Values.TypeOf(value)} cannot be the key of a dictionary");
            case TupleValue tuple:
                left -= tuple.Items.Length;
                if (depth >= MaxKeyDepth || left < 0)
                {
                    throw new TemplateFault("the key of a dictionary is nested too deeply, or has too many items");
                }

                object?[] items = new object?[tuple.Items.Length];
                for (int i = 0; i < items.Length; i++)
                {
                    items[i] = FromKey(ToKey(tuple.Items[i], depth + 1, ref left));
                }

                return new TupleValue(items);
            default:
                return value;
        }
    }

    private sealed class NoneKey
    {
        public static readonly NoneKey Instance = new();
    }

    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static readonly KeyComparer Instance = new();

        public new bool Equals(object? x, object? y) => x is TemplateText text ? text.Equals(y as TemplateText) : Values.AreEqual(x, y, new Budget());

        public int GetHashCode(object key) => key switch
        {
            bool or long or BigInteger or double => HashOf(key),
            TupleValue tuple => tuple.Items.Aggregate(tuple.Items.Length, (hash, item) => HashCode.Combine(hash, item is null ? 0 : GetHashCode(item))),
            UndefinedValue => 0,
            _ => key.GetHashCode(),
        };

        /// <summary>The same for equal numbers of different types, and not for whole numbers that are the same only as floats.</summary>
        private static int HashOf(object key)
        {
            double number = Numbers.ToDouble(key);
            return !double.IsFinite(number) || (Numbers.IsWhole(key) && new BigInteger(number) != Numbers.ToWhole(key))
                ? key.GetHashCode()
                : number.GetHashCode();
        }
    }
}

/// <summary>What <c>namespace</c> returns: the one value whose attributes a template may set.</summary>
internal sealed class NamespaceValue
{
    public Dictionary<string, object?> Attributes { get; } = new(StringComparer.Ordinal);
}

/// <summary>
/// What there is not. It prints as nothing, is false and empty; whatever else is done with it is an error that says what is missing.
/// </summary>
internal sealed class UndefinedValue(string description)
{
    public TemplateFault Fault() => new(description);
}

/// <summary>What can be called.</summary>
internal interface ICallable
{
    /// <summary>What messages call it.</summary>
    string Name { get; }

    object? Call(Rendering rendering, CallArguments arguments);
}

/// <summary>A method, and whose it is.</summary>
internal sealed class MethodValue(object self, Builtin method) : ICallable
{
    public string Name => method.Name;

    public object? Call(Rendering rendering, CallArguments arguments) => method.Call(rendering, self, arguments);
}

/// <summary>What a call was given.</summary>
/// <param name="Positional">Arguments by place.</param>
/// <param name="Named">Arguments by name, in their order; names that were spread from a dictionary may come from outside.</param>
internal sealed record CallArguments(List<object?> Positional, List<(TemplateText Name, object? Value)> Named)
{
    public static CallArguments Of(params object?[] positional) => new([.. positional], []);
}
