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
    /// <summary>Most characters of declared names where others are allowed: each is a rule.</summary>
    private const int MaxNameSteps = 20_000;

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

            if (shape.Least > 1)
            {
                throw shape.Counted!.Value.Unsupported("minProperties", "'minProperties' above 1 is not supported: nothing keeps names from coming twice. Declare the properties under 'properties' and 'required'");
            }

            return additional is null ? Sequence(Literal("{"), json.Space, Literal("}")) : json.ObjectOf(json.String, additional, shape.Least, shape.Most);
        }

        if (shape.Counted is { } counted)
        {
            string keyword = counted.TryGet("minProperties", out _) ? "minProperties" : "maxProperties";
            throw counted.Unsupported(keyword, $"'{keyword}' is supported where no properties are declared");
        }

        GrammarExpression? pair = additional is null ? null : json.Pair(OtherKey([.. shape.Properties.Select(property => property.Name), .. alone], at), additional);
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
    private GrammarExpression OtherKey(IReadOnlyCollection<string> names, SchemaNode at)
    {
        GrammarExpression any = rules.Add("any name", Repeat(Class(json.Plain), 0, null));
        Queue<(int Rule, Rune[][] Names, int At)> pending = [];
        int steps = 0;
        GrammarExpression other = Others([.. names.Select(name => name.EnumerateRunes().ToArray())], 0);

        // Not by recursion: names may be long.
        while (pending.TryDequeue(out (int Rule, Rune[][] Names, int At) part))
        {
            // What a string escapes does not come here: these names have none of it.
            IGrouping<int, Rune[]>[] next = [.. part.Names.Where(name => name.Length > part.At && json.Plain.Contains(name[part.At].Value)).GroupBy(name => name[part.At].Value)];
            CodePointSet free = json.Plain.Except(CodePointSet.Of(next.Select(group => (group.Key, group.Key))));
            List<GrammarExpression> ways = [Sequence(Class(free), any)];
            foreach (IGrouping<int, Rune[]> group in next)
            {
                ways.Add(Sequence(Class(CodePointSet.Of((group.Key, group.Key))), Others([.. group], part.At + 1)));
            }

            if (!part.Names.Any(name => name.Length == part.At))
            {
                ways.Add(Empty);
            }

            rules[part.Rule].Body = Choice(ways);
        }

        return JsonRules.Quoted(other);

        GrammarExpression Others(Rune[][] some, int from)
        {
            if (++steps > MaxNameSteps)
            {
                throw at.Unsupported("properties", $"the names have more than {MaxNameSteps} characters, too many to tell other names from them: shorten them, or set 'additionalProperties' to false");
            }

            int rule = rules.Name(string.Create(CultureInfo.InvariantCulture, $"other names, from character {from + 1}"));
            pending.Enqueue((rule, some, from));
            return Rule(rule);
        }
    }
}
