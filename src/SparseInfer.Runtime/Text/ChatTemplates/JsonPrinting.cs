using System.Globalization;
using System.Numerics;
using System.Text;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>
/// The filter <c>tojson</c> as the transformers library has it: Python's <c>json.dumps</c>, with no escapes for HTML, characters beyond ASCII
/// as they are, and keys in their order.
/// </summary>
internal sealed class JsonPrinting(TemplateTextBuilder text, Budget budget)
{
    /// <summary>What one level is indented by; null: all on one line.</summary>
    public TemplateText? Indent { get; init; }

    public required TemplateText ItemSeparator { get; init; }

    public required TemplateText KeySeparator { get; init; }

    /// <summary>Spell characters beyond ASCII as escapes.</summary>
    public bool Ascii { get; init; }

    public bool SortKeys { get; init; }

    public void Print(object? value, int level = 0)
    {
        budget.Enter();
        switch (value)
        {
            case null:
                text.Append("null");
                break;
            case bool truth:
                text.Append(truth ? "true" : "false");
                break;
            case long or BigInteger:
                budget.SpendOn(value);
                text.Append(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture));
                break;
            case double number:
                text.Append(Show(number));
                break;
            case TemplateText string_:
                PrintText(string_);
                break;
            case ListValue list:
                PrintItems(list.Items, level);
                break;
            case TupleValue tuple:
                PrintItems(tuple.Items, level);
                break;
            case DictValue dict:
                PrintDict(dict, level);
                break;
            case UndefinedValue undefined:
                throw undefined.Fault();
            default:
                throw new TemplateFault($"a {Values.TypeOf(value)} cannot be printed as JSON");
        }

        budget.Leave();
    }

    private static string Show(double number) =>
        double.IsFinite(number) ? Numbers.Show(number) : double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";

    private void PrintItems(IReadOnlyList<object?> items, int level)
    {
        text.Append("[");
        for (int i = 0; i < items.Count; i++)
        {
            Separate(i == 0, level + 1);
            Print(items[i], level + 1);
        }

        Close(items.Count, level, "]");
    }

    private void PrintDict(DictValue dict, int level)
    {
        text.Append("{");
        IEnumerable<KeyValuePair<object, object?>> pairs = SortKeys ? Sorted(dict) : dict.Items;
        bool first = true;
        foreach ((object key, object? item) in pairs)
        {
            Separate(first, level + 1);
            budget.SpendOn(key is BigInteger ? key : null);
            PrintText(DictValue.FromKey(key) switch
            {
                TemplateText name => name,
                null => new TemplateText("null"),
                bool truth => new TemplateText(truth ? "true" : "false"),
                double number => new TemplateText(Show(number)),
                IFormattable number => new TemplateText(number.ToString(null, CultureInfo.InvariantCulture)),
                var other => throw new TemplateFault($"a {Values.TypeOf(other)} cannot be a key in JSON"),
            });
            text.Append(KeySeparator);
            Print(item, level + 1);
            first = false;
        }

        Close(dict.Items.Count, level, "}");
    }

    private List<KeyValuePair<object, object?>> Sorted(DictValue dict)
    {
        try
        {
            return [.. dict.Items.OrderBy(pair => DictValue.FromKey(pair.Key), Comparer<object?>.Create((a, b) => Values.Compare(a, b, budget)))];
        }
        catch (InvalidOperationException wrapped) when (wrapped.InnerException is TemplateFault fault)
        {
            throw fault;
        }
    }

    private void Separate(bool first, int level)
    {
        if (!first)
        {
            text.Append(ItemSeparator);
        }

        NewLine(level);
    }

    private void Close(int count, int level, string bracket)
    {
        if (count > 0)
        {
            NewLine(level);
        }

        text.Append(bracket);
    }

    private void NewLine(int level)
    {
        if (Indent is not null)
        {
            text.Append("\n");
            for (int i = 0; i < level; i++)
            {
                text.Append(Indent);
            }
        }
    }

    /// <summary>Part by part, so that what came from outside stays known where a template cuts JSON apart.</summary>
    private void PrintText(TemplateText value)
    {
        budget.SpendWalk(value.Length);
        text.Append("\"");
        var escaped = new StringBuilder(value.Length);
        foreach (char character in value.Value)
        {
            string? escape = character switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\f' => "\\f",
                '\b' => "\\b",
                < ' ' => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"),
                > '~' when Ascii && character != '\x7f' => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"),
                _ => null,
            };
            _ = escape is null ? escaped.Append(character) : escaped.Append(escape);
        }

        text.Append(value.Changed(escaped.ToString())).Append("\"");
    }
}
