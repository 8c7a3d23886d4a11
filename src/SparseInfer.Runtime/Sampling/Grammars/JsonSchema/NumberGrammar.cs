using static SparseInfer.Sampling.GrammarExpression;

namespace SparseInfer.Sampling;

/// <summary>Numbers of a schema.</summary>
internal static class NumberGrammar
{
    /// <summary>Bounds beyond that, where they leave all that is nearer, are taken for it: what 64 bits hold.</summary>
    private const decimal Farthest = ulong.MaxValue;

    /// <summary>Whole numbers.</summary>
    public static GrammarExpression Integer(SchemaNode schema, JsonRules json)
    {
        if (schema.Number("multipleOf") is { } step && step != 1)
        {
            throw schema.Wrong("multipleOf", "is not supported: leave it out, and check the answer");
        }

        decimal? least = Greater(Ceiling(Least(schema, "minimum")), Next(Least(schema, "exclusiveMinimum")));
        decimal? most = Smaller(Floor(Most(schema, "maximum")), Previous(Most(schema, "exclusiveMaximum")));
        if (least is null && most is null)
        {
            return json.Integer;
        }

        return least > most ? throw Empty(schema) : IntegerRange.Of((Int128?)least, (Int128?)most);
    }

    /// <summary>Numbers: between whole ones, both included, or any.</summary>
    public static GrammarExpression Number(SchemaNode schema, JsonRules json)
    {
        foreach (string keyword in (ReadOnlySpan<string>)["multipleOf", "exclusiveMinimum", "exclusiveMaximum"])
        {
            if (schema.TryGet(keyword, out _))
            {
                string where = keyword == "multipleOf" ? "not supported" : "supported for type integer alone";
                throw schema.Wrong(keyword, $"is {where}: leave it out, and check the answer");
            }
        }

        decimal? least = Whole(schema, "minimum", Least(schema, "minimum"));
        decimal? most = Whole(schema, "maximum", Most(schema, "maximum"));
        if (least is null && most is null)
        {
            return json.Number;
        }

        if (least > most)
        {
            throw Empty(schema);
        }

        Int128 from = (Int128?)least ?? -(Int128)Farthest;
        Int128 to = (Int128?)most ?? (Int128)Farthest;
        List<GrammarExpression> ranges = [];
        if (to >= 0)
        {
            ranges.Add(Between(from > 0 ? from : 0, to, json));
        }

        if (from < 0)
        {
            ranges.Add(Sequence(Literal("-"), Between(to < 0 ? -to : 0, -from, json)));
        }

        return Choice(ranges);
    }

    /// <summary>From one number to another, neither negative: below the last with a fraction, the last without.</summary>
    private static GrammarExpression Between(Int128 from, Int128 to, JsonRules json) => from == to
        ? IntegerRange.Of(to, to)
        : Choice(Sequence(IntegerRange.Of(from, to - 1), Optional(json.Fraction)), IntegerRange.Of(to, to));

    private static decimal? Whole(SchemaNode schema, string keyword, decimal? number) => number is not { } bound ? null
        : decimal.IsInteger(bound) ? bound
        : throw schema.Wrong(keyword, "is supported for type number where it is a whole number: leave it out, and check the answer");

    private static JsonSchemaException Empty(SchemaNode schema) => schema.TryGet("minimum", out _)
        ? schema.Wrong("minimum", "leaves no number below the greatest that is allowed")
        : schema.Wrong("exclusiveMinimum", "leaves no number below the greatest that is allowed");

    private static decimal? Least(SchemaNode schema, string keyword) => schema.Number(keyword) is not { } bound ? null
        : bound <= Farthest ? decimal.Max(bound, -Farthest)
        : throw TooFar(schema, keyword);

    private static decimal? Most(SchemaNode schema, string keyword) => schema.Number(keyword) is not { } bound ? null
        : bound >= -Farthest ? decimal.Min(bound, Farthest)
        : throw TooFar(schema, keyword);

    private static JsonSchemaException TooFar(SchemaNode schema, string keyword) => schema.Wrong(keyword, "leaves only numbers beyond what 64 bits hold: leave it out, and check the answer");

    private static decimal? Ceiling(decimal? bound) => bound is { } value ? decimal.Ceiling(value) : null;

    private static decimal? Floor(decimal? bound) => bound is { } value ? decimal.Floor(value) : null;

    private static decimal? Next(decimal? bound) => bound is { } value ? decimal.Floor(value) + 1 : null;

    private static decimal? Previous(decimal? bound) => bound is { } value ? decimal.Ceiling(value) - 1 : null;

    private static decimal? Greater(decimal? a, decimal? b) => a is null ? b : b is null ? a : decimal.Max(a.Value, b.Value);

    private static decimal? Smaller(decimal? a, decimal? b) => a is null ? b : b is null ? a : decimal.Min(a.Value, b.Value);
}
