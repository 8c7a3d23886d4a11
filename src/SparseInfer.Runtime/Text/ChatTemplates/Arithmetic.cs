namespace SparseInfer.Text.ChatTemplates;

/// <summary>Python's operators between two values.</summary>
internal static class Arithmetic
{
    /// <summary>Arithmetic, and what <c>+</c>, <c>*</c> and <c>%</c> do with texts and lists.</summary>
    /// <exception cref="TemplateFault">The operator does not take these.</exception>
    public static object? Compute(string sign, object? left, object? right, Budget budget)
    {
        if (Numbers.Is(left) && Numbers.Is(right))
        {
            budget.SpendOn(left);
            budget.SpendOn(right);
            object result = Numbers.Compute(sign, left!, right!);
            budget.SpendOn(result);
            return result;
        }

        switch (sign, left, right)
        {
            case (_, UndefinedValue undefined, _):
                throw undefined.Fault();
            case ("+", TemplateText a, TemplateText b):
                return Markup.Concatenate(a, b, budget);
            case ("+", ListValue a, ListValue b):
                budget.Spend(a.Items.Count + b.Items.Count);
                return new ListValue([.. a.Items, .. b.Items]);
            case ("+", TupleValue a, TupleValue b):
                budget.Spend(a.Items.Length + b.Items.Length);
                return new TupleValue([.. a.Items, .. b.Items]);
            case ("%", TemplateText format, _):
                return PercentFormat.Format(format, right, budget);
            case ("*", _, UndefinedValue undefined):
                throw undefined.Fault();
            case ("*", not (long or bool), long or bool):
                return Repeat(sign, left, Numbers.ToDouble(right), budget);
            case ("*", long or bool, _):
                return Repeat(sign, right, Numbers.ToDouble(left), budget);
            case (_, _, UndefinedValue undefined):
                throw undefined.Fault();
            default:
                throw Wrong(sign, left, right);
        }
    }

    /// <summary>Whether a comparison holds.</summary>
    /// <exception cref="TemplateFault">The values cannot be compared so.</exception>
    public static bool Holds(string sign, object? left, object? right, Budget budget)
    {
        budget.SpendOn(left);
        budget.SpendOn(right);
        return HoldsBetween(sign, left, right, budget);
    }

    private static bool HoldsBetween(string sign, object? left, object? right, Budget budget) => sign switch
    {
        "==" => Values.AreEqual(left, right, budget),
        "!=" => !Values.AreEqual(left, right, budget),
        "<" => Values.Compare(left, right, budget) < 0,
        "<=" => Values.Compare(left, right, budget) <= 0,
        ">" => Values.Compare(left, right, budget) == 1,
        ">=" => Values.Compare(left, right, budget) is 0 or 1,
        "in" => Values.Contains(right, left, budget),
        _ => !Values.Contains(right, left, budget),
    };

    private static object Repeat(string sign, object? value, double times, Budget budget)
    {
        times = Math.Max(0, times);
        switch (value)
        {
            case TemplateText text:
                budget.SpendText(0, (long)Math.Min(times * text.Length, Budget.MaxText + 1.0));
                budget.Spend((int)Math.Min(text.Length == 0 ? 0 : times / 4, Budget.MaxSteps));
                var repeated = new TemplateTextBuilder(budget);
                for (int i = 0; i < times && text.Length > 0; i++)
                {
                    repeated.Append(text);
                }

                return text.IsMarkup ? repeated.ToText().AsMarkup() : repeated.ToText();
            case ListValue or TupleValue:
                IReadOnlyList<object?> items = Values.Items(value, budget);
                budget.Spend((int)Math.Min(times * items.Count, Budget.MaxSteps));
                List<object?> all = items.Count == 0 ? [] : [.. Enumerable.Repeat(items, (int)times).SelectMany(each => each)];
                return value is ListValue ? new ListValue(all) : new TupleValue([.. all]);
            default:
                throw Wrong(sign, value, (long)times);
        }
    }

    private static TemplateFault Wrong(string sign, object? left, object? right) =>
        new($"'{sign}' does not take a {Values.TypeOf(left)} and a {Values.TypeOf(right)}");
}
