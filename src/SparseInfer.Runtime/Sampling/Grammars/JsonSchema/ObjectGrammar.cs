using System.Globalization;
using System.Text;
using static SparseInfer.Sampling.GrammarExpression;

namespace SparseInfer.Sampling;

/// <summary>Objects of a shape: declared properties in their order, those that are not required or not left out, then others where there may be some.</summary>
/// <param name="rules">Where rules go.</param>
/// <param name="json">What JSON is made of.</param>
/// <param name="valueOf">What a schema's values are.</param>
internal sealed class ObjectGrammar(GrammarRules rules, JsonRules json, Func<SchemaNode, GrammarExpression> valueOf)
{
    public GrammarExpression Of(ObjectShape shape, SchemaNode at)
    {
        GrammarExpression? additional = shape.Additional is { } others ? valueOf(others) : null;
        List<(GrammarExpression Pair, bool IsRequired)> pairs = [];
        foreach ((string name, SchemaNode schema) in shape.Properties)
        {
            pairs.Add((json.Pair(Key(name), valueOf(schema)), shape.IsRequired(name)));
        }

        string[] alone = [.. shape.RequiredAlone];
        foreach (string name in alone)
        {
            pairs.Add((json.Pair(Key(name), additional ?? json.Value), true));
        }

        if (pairs.Count == 0)
        {
            if (shape.Least > 0 && additional is null)
            {
                throw at.Unsupported("minProperties", "'minProperties' asks for properties, and none is declared: give 'properties' or 'additionalProperties'");
            }

            if (shape.Least > shape.Most)
            {
                throw at.Unsupported("minProperties", "'minProperties' is greater than 'maxProperties'");
            }

            return additional is null ? Sequence(Literal("{"), json.Space, Literal("}")) : json.ObjectOf(json.String, additional, shape.Least, shape.Most);
        }

        if (shape.Counted is { } counted)
        {
            string keyword = counted.TryGet("minProperties", out _) ? "minProperties" : "maxProperties";
            throw counted.Unsupported(keyword, $"'{keyword}' is supported where no properties are declared");
        }

        GrammarExpression? pair = additional is null ? null : json.Pair(OtherKey([.. shape.Properties.Select(property => property.Name), .. alone]), additional);
        return Sequence(Literal("{"), json.Space, Rest(pairs, pair));
    }

    /// <summary>Properties and the closing brace, from the last property backwards: as the first ones of their object, and behind another.</summary>
    private GrammarExpression Rest(List<(GrammarExpression Pair, bool IsRequired)> pairs, GrammarExpression? additional)
    {
        GrammarExpression end = Sequence(json.Space, Literal("}"));
        GrammarExpression behind = additional is null ? end : Sequence(Repeat(Sequence(json.Comma, additional), 0, null), end);
        GrammarExpression first = additional is null ? Literal("}") : Choice(Literal("}"), Sequence(additional, behind));
        for (int i = pairs.Count - 1; i >= 0; i--)
        {
            (GrammarExpression pair, bool isRequired) = pairs[i];
            GrammarExpression with = Sequence(pair, behind);
            GrammarExpression more = Sequence(json.Comma, with);
            first = i > 0 || !isRequired ? rules.Add("properties", isRequired ? with : Choice(with, first)) : with;
            behind = rules.Add("properties", isRequired ? more : Choice(more, behind));
        }

        return first;
    }

    private static GrammarExpression Key(string name) => Literal(JsonRules.TextOf(name));

    /// <summary>Names other than some, written without escapes: an escaped name could be one of those in disguise.</summary>
    private GrammarExpression OtherKey(IReadOnlyCollection<string> names) =>
        JsonRules.Quoted(OtherThan([.. names.Select(name => name.EnumerateRunes().ToArray())], 0));

    private GrammarExpression OtherThan(IReadOnlyList<Rune[]> names, int at)
    {
        bool isName = names.Any(name => name.Length == at);
        IGrouping<int, Rune[]>[] next = [.. names.Where(name => name.Length > at).GroupBy(name => name[at].Value)];
        CodePointSet free = json.Plain.Except(CodePointSet.Of(next.Select(group => (group.Key, group.Key))));
        List<GrammarExpression> ways = [Sequence(Class(free), Repeat(Class(json.Plain), 0, null))];
        foreach (IGrouping<int, Rune[]> group in next)
        {
            ways.Add(Sequence(Class(CodePointSet.Of((group.Key, group.Key))), OtherThan([.. group], at + 1)));
        }

        if (!isName)
        {
            ways.Add(Empty);
        }

        return rules.Add(string.Create(CultureInfo.InvariantCulture, $"other names, from character {at + 1}"), Choice(ways));
    }
}
