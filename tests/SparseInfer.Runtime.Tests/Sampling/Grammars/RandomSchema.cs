using System.Globalization;

namespace SparseInfer.Runtime.Tests.Sampling.Grammars;

/// <summary>Schemas of all keywords that grammars have.</summary>
internal static class RandomSchema
{
    private static readonly string[] Names = ["a", "ab", "name", "é", "a\\\"b", "x y", "😀", "longer_name"];
    private static readonly string[] Patterns = ["^[a-c]{1,3}$", "^\\\\d+(\\\\.\\\\d{2})?$", "^(yes|no)\\\\s?\\\"?$", "x.z", "^[^\\\\n\\\\\\\\]{0,5}$"];

    public static string Make(Random random, int depth)
    {
        string tree = """
            "tree":{"type":"object","properties":{"v":{"$ref":"#/$defs/node"},"more":{"type":"array","items":{"$ref":"#/$defs/tree"},"maxItems":2}},"required":["v"]}
            """;
        return "{\"$defs\":{\"node\":" + Value(random, depth) + "," + tree + "},\"type\":\"object\",\"properties\":{\"tree\":{\"$ref\":\"#/$defs/tree\"},\"it\":" + Value(random, depth)
            + "},\"required\":[" + (random.Next(2) == 0 ? "\"tree\"" : "\"it\"") + "],\"additionalProperties\":" + (random.Next(2) == 0 ? "false" : Value(random, 0)) + "}";
    }

    private static string Value(Random random, int depth) => random.Next(depth > 0 ? 13 : 8) switch
    {
        0 => $$"""{"type":"integer"{{Bounds(random, "minimum", "maximum", -300, 300)}}}""",
        1 => $$"""{"type":"number"{{Bounds(random, "minimum", "maximum", -3, 3)}}}""",
        2 => $$"""{"type":"string"{{Bounds(random, "minLength", "maxLength", 0, 6)}}}""",
        3 => $$"""{"type":"string","pattern":"{{Patterns[random.Next(Patterns.Length)]}}"}""",
        4 => $$"""{"type":"string","format":"{{(random.Next(4) switch { 0 => "date", 1 => "time", 2 => "date-time", _ => "uuid" })}}"}""",
        5 => """{"enum":["one","tw\"o",3,null,[1,{"a":2}]]}""",
        6 => """{"type":["boolean","null","integer"]}""",
        7 => random.Next(2) == 0 ? """{"const":{"é":"\\"}}""" : """{"type":"integer","exclusiveMinimum":-7,"exclusiveMaximum":1001}""",
        8 or 9 => Object(random, depth),
        10 => $$"""{"type":"array","items":{{Value(random, depth - 1)}}{{Bounds(random, "minItems", "maxItems", 0, 4)}}}""",
        11 => $$"""{"type":"array","prefixItems":[{{Value(random, depth - 1)}},{{Value(random, depth - 1)}}],"items":{{(random.Next(2) == 0 ? "false" : Value(random, depth - 1))}},"minItems":{{random.Next(3)}},"maxItems":4}""",
        _ => $$"""{"anyOf":[{{Value(random, depth - 1)}},{{Value(random, depth - 1)}}]}""",
    };

    private static string Object(Random random, int depth)
    {
        string[] names = [.. Names.OrderBy(_ => random.Next()).Take(random.Next(4))];
        string properties = string.Join(',', names.Select(name => $"\"{name}\":{Value(random, depth - 1)}"));
        string required = string.Join(',', names.Where(_ => random.Next(2) == 0).Select(name => $"\"{name}\""));
        string additional = random.Next(3) switch { 0 => "", 1 => ",\"additionalProperties\":false", _ => $",\"additionalProperties\":{Value(random, 0)}" };
        return $$"""{"type":"object","properties":{{{properties}}},"required":[{{required}}]{{additional}}}""";
    }

    private static string Bounds(Random random, string least, string most, int from, int to)
    {
        int middle = random.Next(from, to);
        string low = random.Next(2) == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $",\"{least}\":{random.Next(from, middle + 1)}");
        string high = random.Next(2) == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $",\"{most}\":{random.Next(middle, to)}");
        return low + high;
    }
}
