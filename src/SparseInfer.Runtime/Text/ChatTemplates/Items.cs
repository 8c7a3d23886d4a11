namespace SparseInfer.Text.ChatTemplates;

/// <summary>Attributes, items and slices of values.</summary>
internal static class Items
{
    /// <summary><c>a.name</c>: the value's own attribute or method, else the item of that name, else undefined.</summary>
    /// <exception cref="TemplateFault">The value is undefined.</exception>
    public static object? Attribute(object? owner, string name)
    {
        switch (owner)
        {
            case UndefinedValue undefined:
                throw undefined.Fault();
            case NamespaceValue space:
                return space.Attributes.TryGetValue(name, out object? set) ? set : None(owner, name);
            case LoopValue loop:
                return loop.Attribute(name);
            case CyclerValue cycler:
                return cycler.Attribute(name);
            case Macro macro:
                return macro.Attribute(name) ?? None(owner, name);
        }

        if (owner is TupleValue tuple && Array.IndexOf(tuple.Names, name) is >= 0 and var place)
        {
            return tuple.Items[place];
        }

        if (owner is not null && Methods.Find(owner, name) is { } method)
        {
            return new MethodValue(owner, method);
        }

        return owner is DictValue dict && dict.TryGet(name, out object? item) ? item : None(owner, name);
    }

    /// <summary><c>a[key]</c>: the item, else the attribute of that name, else undefined.</summary>
    /// <exception cref="TemplateFault">The value is undefined.</exception>
    public static object? Item(object? owner, object? key, Budget budget)
    {
        budget.SpendOn(key);
        budget.SpendOn(owner is TemplateText ? owner : null);
        switch (owner)
        {
            case UndefinedValue undefined:
                throw undefined.Fault();
            case DictValue dict:
                if (key is not (UndefinedValue or ListValue or DictValue or ViewValue) && dict.Items.TryGetValue(DictValue.ToKey(key), out object? item))
                {
                    return item;
                }

                break;
            case TemplateText text when key is long or bool:
                long index = (long)Numbers.ToDouble(key);
                if (text.Value.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
                {
                    index += index < 0 ? text.Length : 0;
                    return index >= 0 && index < text.Length ? text.Slice((int)index, 1) : Outside(owner, key);
                }

                return At(Values.Items(text, budget), index) is (true, TemplateText character) ? text.IsMarkup ? character.AsMarkup() : character : Outside(owner, key);
            case ListValue or TupleValue or RangeValue when key is long or bool:
                return At(Values.Items(owner, budget), (long)Numbers.ToDouble(key)) is (true, var found) ? found : Outside(owner, key);
        }

        return key is TemplateText name ? Attribute(owner, name.Value)
            : new UndefinedValue($"a {Values.TypeOf(owner)} has no item '{Printing.Show(key, budget)}'");
    }

    /// <summary>An item by a path of names and numbers, as filters take it: <c>function.name</c>, <c>0</c>.</summary>
    /// <param name="owner">Whose.</param>
    /// <param name="path">Names and numbers with points between, or one number.</param>
    /// <param name="budget">What it may use.</param>
    /// <param name="byDefault">What stands for each thing on the way that is undefined; null: nothing does.</param>
    public static object? Path(object? owner, object? path, Budget budget, object? byDefault = null)
    {
        if (path is not TemplateText text)
        {
            return Item(owner, path, budget) is var found && found is UndefinedValue ? byDefault ?? found : found;
        }

        budget.SpendWalk(text.Length);
        object? value = owner;
        foreach (string part in text.Value.Split('.'))
        {
            object key = part.Length is > 0 and < 10 && part.All(char.IsAsciiDigit)
                ? long.Parse(part, System.Globalization.CultureInfo.InvariantCulture)
                : new TemplateText(part);
            budget.Spend();
            value = Item(value, key, budget) is var item && item is UndefinedValue ? byDefault ?? item : item;
        }

        return value;
    }

    /// <summary><c>a[start:stop:step]</c>, as Python has it.</summary>
    /// <exception cref="TemplateFault">The value has no slices, or the step is 0.</exception>
    public static object? Slice(object? owner, long? start, long? stop, long? step, Budget budget)
    {
        budget.SpendOn(owner);
        switch (owner)
        {
            case UndefinedValue undefined:
                throw undefined.Fault();
            case TemplateText whole when step is null or 1:
                int[] starts = Characters.Starts(whole.Value);
                budget.Spend(starts.Length / 16);
                (long first, long end) = Bounds(starts.Length - 1, start, stop, 1);
                return first < end ? whole.Slice(starts[first], starts[end] - starts[first]) : whole.Slice(0, 0);
            case TemplateText text:
                var reversed = new TemplateTextBuilder(budget);
                foreach (object? character in Pick(Values.Items(owner, budget), start, stop, step, budget))
                {
                    reversed.Append((TemplateText)character!);
                }

                return text.IsMarkup ? reversed.ToText().AsMarkup() : reversed.ToText();
            case RangeValue range:
                return Part(range, start, stop, step ?? 1);
            case ListValue:
                return new ListValue(Pick(Values.Items(owner, budget), start, stop, step, budget));
            case TupleValue tuple:
                return new TupleValue([.. Pick(tuple.Items, start, stop, step, budget)]);
            default:
                throw new TemplateFault($"a {Values.TypeOf(owner)} has no slices");
        }
    }

    private static RangeValue Part(RangeValue range, long? start, long? stop, long step)
    {
        if (step == 0)
        {
            throw new TemplateFault("the step of a slice is 0");
        }

        (long first, long end) = Bounds(range.Count, start, stop, step);
        System.Numerics.BigInteger stride = (System.Numerics.BigInteger)range.Step * step;
        return System.Numerics.BigInteger.Abs(stride) < long.MaxValue / 4
            ? new RangeValue(range.Start + first * range.Step, range.Start + end * range.Step, (long)stride)
            : throw new TemplateFault("the step of a slice is too large");
    }

    private static List<object?> Pick(IReadOnlyList<object?> items, long? start, long? stop, long? step, Budget budget)
    {
        long stride = step ?? 1;
        if (stride == 0)
        {
            throw new TemplateFault("the step of a slice is 0");
        }

        (long first, long end) = Bounds(items.Count, start, stop, stride);
        List<object?> picked = [];
        for (long i = first; stride > 0 ? i < end : i > end; i += Math.Clamp(stride, -items.Count - 1, items.Count + 1))
        {
            picked.Add(items[(int)i]);
        }

        budget.Spend(picked.Count);
        return picked;
    }

    private static (long First, long End) Bounds(long count, long? start, long? stop, long step)
    {
        (long low, long high) = step > 0 ? (0, count) : (-1, count - 1);
        return (Place(start) ?? (step > 0 ? low : high), Place(stop) ?? (step > 0 ? high : low));

        long? Place(long? bound) => bound is { } place ? Math.Clamp(place < 0 ? Math.Max(place, -count - 1) + count : place, low, high) : null;
    }

    private static (bool Found, object? Value) At(IReadOnlyList<object?> items, long index)
    {
        index += index < 0 ? items.Count : 0;
        return index >= 0 && index < items.Count ? (true, items[(int)index]) : (false, null);
    }

    private static UndefinedValue None(object? owner, string name) => new($"a {Values.TypeOf(owner)} has no attribute '{name}'");

    private static UndefinedValue Outside(object? owner, object key) => new($"a {Values.TypeOf(owner)} has no item {key}");
}
