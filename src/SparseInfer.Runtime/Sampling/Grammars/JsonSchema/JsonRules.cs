using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using static SparseInfer.Sampling.GrammarExpression;

namespace SparseInfer.Sampling;

/// <summary>What JSON is made of (RFC 8259), as rules. Spaces and digits are bounded, so that no answer goes on with them for ever.</summary>
internal sealed class JsonRules
{
    private const int MaxIndent = 20;
    private const int MaxDigits = 16;

    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly GrammarRules _rules;
    private readonly int _value;

    public JsonRules(GrammarRules rules)
    {
        _rules = rules;
        GrammarExpression hexadecimal = Class(CodePointSet.Of(('0', '9'), ('a', 'f'), ('A', 'F')));

        // llama.cpp's: nothing, a space, or one or two line ends and what the next line is indented by.
        Space = rules.Add("space", Choice(Empty, Literal(" "), Sequence(Repeat(Literal("\n"), 1, 2), Repeat(AnyOf(" \t"), 0, MaxIndent))));
        Plain = CodePointSet.Of((0, 0x1F), ('"', '"'), ('\\', '\\'), (0x7F, 0x7F)).Complement();

        // Half of a surrogate pair is no text: pairs are written whole.
        GrammarExpression escaped = Sequence(Literal("\\"), Choice(
            AnyOf("\"\\/bfnrt"),
            Sequence(Literal("u"), Choice(
                Sequence(Class(CodePointSet.Of(('0', '9'), ('a', 'c'), ('A', 'C'), ('e', 'f'), ('E', 'F'))), Repeat(hexadecimal, 3, 3)),
                Sequence(AnyOf("dD"), Range('0', '7'), Repeat(hexadecimal, 2, 2)),
                Sequence(AnyOf("dD"), AnyOf("89abAB"), Repeat(hexadecimal, 2, 2), Literal("\\u"), AnyOf("dD"), AnyOf("cdefCDEF"), Repeat(hexadecimal, 2, 2))))));
        Character = rules.Add("character", Choice(Class(Plain), escaped));
        String = rules.Add("string", Quoted(Repeat(Character, 0, null)));
        Fraction = rules.Add("fraction", Sequence(Literal("."), Repeat(Digit, 1, MaxDigits)));
        GrammarExpression whole = rules.Add("whole", Choice(Literal("0"), Sequence(Range('1', '9'), Repeat(Digit, 0, MaxDigits - 1))));
        Integer = rules.Add("integer", Sequence(Optional(Literal("-")), whole));

        // Two digits, so that no number is beyond what a double holds.
        GrammarExpression exponent = Sequence(AnyOf("eE"), Optional(AnyOf("+-")), Repeat(Digit, 1, 2));
        Number = rules.Add("number", Sequence(Integer, Optional(Fraction), Optional(exponent)));

        _value = rules.Name("value");
        Object = rules.Add("object", ObjectOf(String, Value, 0, null));
        Array = rules.Add("array", ArrayOf([], 0, Value, 0, null));
        rules[_value].Body = Choice(Object, Array, String, Number, Literal("true"), Literal("false"), Literal("null"));
    }

    public static GrammarExpression Digit { get; } = Range('0', '9');

    /// <summary>Characters that stand in a string as they are.</summary>
    public CodePointSet Plain { get; }

    /// <summary>What may stand between two parts.</summary>
    public GrammarExpression Space { get; }

    /// <summary>A character of a string, escaped or not.</summary>
    public GrammarExpression Character { get; }

    public GrammarExpression String { get; }

    public GrammarExpression Integer { get; }

    public GrammarExpression Number { get; }

    /// <summary>What may follow a whole number.</summary>
    public GrammarExpression Fraction { get; }

    public GrammarExpression Object { get; }

    public GrammarExpression Array { get; }

    /// <summary>Anything.</summary>
    public GrammarExpression Value => Rule(_value);

    public static GrammarExpression Quoted(GrammarExpression content) => Sequence(Literal("\""), content, Literal("\""));

    /// <summary>A value as it is written on one line.</summary>
    public static string TextOf(JsonElement value)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Compact))
        {
            value.WriteTo(writer);
        }

        return WithoutNeedless(Encoding.UTF8.GetString(stream.ToArray()));
    }

    /// <summary>A text as a JSON string.</summary>
    public static string TextOf(string value) => $"\"{WithoutNeedless(JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(value))}\"";

    /// <summary>JSON in which \u stands for control characters alone: models write an emoji as it is, and .NET's writer does not.</summary>
    private static string WithoutNeedless(string json)
    {
        var text = new StringBuilder(json.Length);
        for (int i = 0; i < json.Length; i++)
        {
            if (json[i] != '\\')
            {
                text.Append(json[i]);
            }
            else if (json[i + 1] == 'u' && (char)int.Parse(json.AsSpan(i + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) is > '\u007F' and var character)
            {
                text.Append(character);
                i += 5;
            }
            else
            {
                text.Append(json, i, 2);
                i++;
            }
        }

        return text.ToString();
    }

    /// <summary>A comma, and spaces around it.</summary>
    public GrammarExpression Comma => Sequence(Space, Literal(","), Space);

    /// <summary>A property.</summary>
    public GrammarExpression Pair(GrammarExpression key, GrammarExpression value) => _rules.Add("property", Sequence(key, Space, Literal(":"), Space, value));

    /// <summary>An object whose properties are alike.</summary>
    public GrammarExpression ObjectOf(GrammarExpression key, GrammarExpression value, int least, int? most) =>
        Sequence(Literal("{"), Space, ListOf(Pair(key, value), least, most, "}"));

    /// <summary>An array.</summary>
    /// <param name="first">What its first items are. An array may end before all of them are there.</param>
    /// <param name="least">Fewest items.</param>
    /// <param name="others">What further items are; null: there are none.</param>
    /// <param name="leastOthers">Fewest further items.</param>
    /// <param name="mostOthers">Most further items; null: any number.</param>
    public GrammarExpression ArrayOf(IReadOnlyList<GrammarExpression> first, int least, GrammarExpression? others, int leastOthers, int? mostOthers)
    {
        GrammarExpression end = Sequence(Space, Literal("]"));
        if (first.Count == 0)
        {
            return Sequence(Literal("["), Space, others is null ? Literal("]") : ListOf(others, leastOthers, mostOthers, "]"));
        }

        GrammarExpression rest = others is null ? end : Sequence(Repeat(Sequence(Comma, others), leastOthers, mostOthers), end);
        for (int i = first.Count - 1; i > 0; i--)
        {
            GrammarExpression more = Sequence(Comma, first[i], rest);
            rest = _rules.Add("items", i >= least ? Choice(end, more) : more);
        }

        GrammarExpression some = Sequence(first[0], rest);
        return Sequence(Literal("["), Space, least == 0 ? Choice(Literal("]"), some) : some);
    }

    /// <summary>Items with commas between, and what ends them.</summary>
    private GrammarExpression ListOf(GrammarExpression item, int least, int? most, string end)
    {
        if (most == 0)
        {
            return Literal(end);
        }

        GrammarExpression some = Sequence(item, Repeat(Sequence(Comma, item), Math.Max(0, least - 1), most - 1), Space, Literal(end));
        return least == 0 ? Choice(Literal(end), some) : some;
    }
}
