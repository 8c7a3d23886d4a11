using System.Numerics;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>What may stand behind <c>is</c>.</summary>
internal static class Tests
{
    public static readonly Dictionary<string, Builtin> All = Make();

    public static TemplateFault Unknown(string name) => new($"the test '{name}' is not supported{Nearest.Of(name, All.Keys)}");

    private static Dictionary<string, Builtin> Make()
    {
        Dictionary<string, Builtin> tests = new(StringComparer.Ordinal);
        Add("defined", "", call => call.Self is not UndefinedValue);
        Add("undefined", "", call => call.Self is UndefinedValue);
        Add("none", "", call => call.Self is null);
        Add("string", "", call => call.Self is TemplateText);
        Add("mapping", "", call => call.Self is DictValue);
        Add("sequence", "", call => call.Self is not ViewValue && Values.Length(call.Self) is not null);
        Add("iterable", "", call => Values.IsIterable(call.Self));
        Add("number", "", call => Numbers.Is(call.Self));
        Add("integer", "", call => call.Self is long or BigInteger);
        Add("float", "", call => call.Self is double);
        Add("boolean", "", call => call.Self is bool);
        Add("true", "", call => call.Self is true);
        Add("false", "", call => call.Self is false);
        Add("callable", "", call => call.Self is ICallable or UndefinedValue);
        Add("odd", "", call => Leaves(call, 2L, 1L));
        Add("even", "", call => Leaves(call, 2L, 0L));
        Add("divisibleby", "num", call => Leaves(call, call.Values[0], 0L));
        Add("lower", "", call => IsCased(call.Walked(call.SelfText).Value, char.IsUpper));
        Add("upper", "", call => IsCased(call.Walked(call.SelfText).Value, char.IsLower));
        Add("escaped", "", call => call.Self is TemplateText { IsMarkup: true });
        Add("in", "seq", call => Values.Contains(call.Values[0], call.Self, call.Budget));
        Add("sameas", "other", call => ReferenceEquals(call.Self, call.Values[0])
            || (call.Self is bool or long or TemplateText && call.Self.GetType() == call.Values[0]?.GetType() && call.Self.Equals(call.Values[0])));
        Add("filter", "", call => Filters.All.ContainsKey(call.SelfText.Value));
        Add("test", "", call => tests.ContainsKey(call.SelfText.Value));
        AddComparison("==", "equalto", "eq");
        AddComparison("!=", "ne");
        AddComparison("<", "lessthan", "lt");
        AddComparison("<=", "le");
        AddComparison(">", "greaterthan", "gt");
        AddComparison(">=", "ge");
        return tests;

        void Add(string name, string parameters, Func<BuiltinCall, object?> body) => tests.Add(name, new Builtin("test", name, parameters, body));

        void AddComparison(string sign, params ReadOnlySpan<string> names)
        {
            foreach (string name in (ReadOnlySpan<string>)[sign, .. names])
            {
                Add(name, "other", call => Arithmetic.Holds(sign, call.Self, call.Values[0], call.Budget));
            }
        }
    }

    private static bool Leaves(BuiltinCall call, object? divisor, long rest) =>
        Values.AreEqual(Arithmetic.Compute("%", call.Self, divisor, call.Budget), rest, call.Budget);

    private static bool IsCased(string text, Func<char, bool> isOther) => !Characters.Any(text, isOther) && Characters.Any(text, char.IsLetter);
}
