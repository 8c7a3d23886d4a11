namespace SparseInfer.Text.ChatTemplates;

/// <content>Methods of lists, tuples, ranges and dictionaries.</content>
internal static partial class Methods
{
    /// <summary>Keys and values of a dictionary.</summary>
    public static List<object?> Pairs(DictValue dict) => [.. dict.Items.Select(pair => new TupleValue(DictValue.FromKey(pair.Key), pair.Value))];

    private static Dictionary<string, Builtin> MakeList()
    {
        Dictionary<string, Builtin> methods = new(StringComparer.Ordinal);
        Add("append", "object", call =>
        {
            ListOf(call).Add(call.Values[0]);
            return null;
        });
        Add("extend", "iterable", call =>
        {
            object?[] more = [.. Values.Items(call.Values[0], call.Budget)];
            call.Budget.Spend(more.Length);
            ListOf(call).AddRange(more);
            return null;
        });
        Add("insert", "index object", call =>
        {
            List<object?> list = ListOf(call);
            long place = call.Whole(0);
            call.Budget.Spend(list.Count / 64);
            list.Insert((int)Math.Clamp(place < 0 ? Math.Max(place, -list.Count) + list.Count : place, 0, list.Count), call.Values[1]);
            return null;
        });
        Add("pop", "index?", call =>
        {
            List<object?> list = ListOf(call);
            long place = call.Whole(0, -1);
            place += place < 0 ? list.Count : 0;
            if (place < 0 || place >= list.Count)
            {
                throw call.Wrong($"takes an item that a list of {list.Count} does not have");
            }

            object? item = list[(int)place];
            list.RemoveAt((int)place);
            return item;
        });
        Add("index", "value", call => Place(call) is >= 0 and var found ? found : throw call.Wrong("does not find its value"));
        Add("count", "value", call => (long)Values.Items(call.Self, call.Budget).Count(item => Values.AreEqual(item, call.Values[0], call.Budget)));
        Add("copy", "", call => new ListValue([.. ListOf(call)]));
        Add("clear", "", call =>
        {
            ListOf(call).Clear();
            return null;
        });
        Add("reverse", "", call =>
        {
            call.Budget.Spend(ListOf(call).Count);
            ListOf(call).Reverse();
            return null;
        });
        Add("remove", "value", call =>
        {
            ListOf(call).RemoveAt((int)(Place(call) is >= 0 and var found ? found : throw call.Wrong("does not find its value")));
            return null;
        });
        Add("sort", "*", call => throw call.Wrong("of list is not supported; the filter 'sort' is"));
        return methods;

        void Add(string name, string parameters, Func<BuiltinCall, object?> body) => methods.Add(name, new Builtin("method", name, parameters, body));
    }

    private static Dictionary<string, Builtin> MakeDict()
    {
        Dictionary<string, Builtin> methods = new(StringComparer.Ordinal);
        Add("get", "key default?", call => DictOf(call).Items.TryGetValue(DictValue.ToKey(call.Values[0]), out object? found) ? found : call.Value(1));
        Add("items", "", call => new ViewValue("dict_items", Pairs(DictOf(call))));
        Add("keys", "", call => new ViewValue("dict_keys", [.. DictOf(call).Keys]));
        Add("values", "", call => new ViewValue("dict_values", [.. DictOf(call).Items.Values]));
        Add("pop", "key default?", call => DictOf(call).Items.Remove(DictValue.ToKey(call.Values[0]), out object? found) ? found
            : call.Has(1) ? call.Values[1]
            : throw call.Wrong("takes a key that is not there"));
        Add("setdefault", "key default?", call =>
        {
            object key = DictValue.ToKey(call.Values[0]);
            DictOf(call).Items.TryAdd(key, call.Value(1));
            return DictOf(call).Items[key];
        });
        Add("update", "*", call =>
        {
            var more = (DictValue)Functions.All["dict"].Call(call.Rendering, call.Arguments)!;
            call.Budget.Spend(more.Items.Count);
            foreach ((object key, object? value) in more.Items)
            {
                DictOf(call).Items[key] = value;
            }

            return null;
        });
        Add("copy", "", call => Functions.All["dict"].Call(call.Rendering, CallArguments.Of(call.Self)));
        Add("clear", "", call =>
        {
            DictOf(call).Items.Clear();
            return null;
        });
        Add("popitem", "", call => throw call.Wrong("of dict is not supported; 'pop' is"));
        return methods;

        void Add(string name, string parameters, Func<BuiltinCall, object?> body) => methods.Add(name, new Builtin("method", name, parameters, body));
    }

    private static List<object?> ListOf(BuiltinCall call) => ((ListValue)call.Self!).Items;

    private static DictValue DictOf(BuiltinCall call) => (DictValue)call.Self!;

    private static long Place(BuiltinCall call)
    {
        IReadOnlyList<object?> items = Values.Items(call.Self, call.Budget);
        for (int i = 0; i < items.Count; i++)
        {
            if (Values.AreEqual(items[i], call.Values[0], call.Budget))
            {
                return i;
            }
        }

        return -1;
    }
}
