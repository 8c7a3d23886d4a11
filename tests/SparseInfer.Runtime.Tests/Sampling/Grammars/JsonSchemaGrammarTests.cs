using System.Text.Json;
using SparseInfer.Sampling;

namespace SparseInfer.Runtime.Tests.Sampling.Grammars;

/// <summary>Schemas: which texts their grammars have, and what cannot be kept to.</summary>
public class JsonSchemaGrammarTests
{
    public static TheoryData<string, string[], string[]> Schemas => new()
    {
        { "true", ["1", "null", "\"a\"", "[1, [], {}]", "{\"a\":\n  -1.5e+10}"], ["", "01", "nul", "{a:1}", "[1,]"] },
        { """{"type":"string"}""", ["\"\"", "\"a\\n\\u00e9\\ud83d\\ude00é😀\""], ["\"\\ud83d\"", "\"\n\"", "\"a", "\"\\x\""] },
        { """{"type":"string","minLength":2,"maxLength":3}""", ["\"ab\"", "\"é😀x\"", "\"\\n\\t\\\"\""], ["\"a\"", "\"abcd\""] },
        { """{"type":"integer","minimum":-12,"exclusiveMaximum":103}""", ["-12", "-1", "0", "9", "102", "57"], ["-13", "103", "1.0", "007", "-0"] },
        { """{"type":"integer","minimum":998}""", ["998", "999", "1000", "123456"], ["997", "-998", "99"] },
        { """{"type":"integer","maximum":-5}""", ["-5", "-10", "-99999"], ["-4", "5", "0"] },
        { """{"type":"number","minimum":0,"maximum":1}""", ["0", "0.25", "1"], ["1.5", "-0.5", "2"] },
        { """{"type":"number","minimum":-2,"maximum":-1}""", ["-1", "-1.5", "-2"], ["-0.5", "-2.5", "1"] },
        { """{"type":["boolean","null"]}""", ["true", "false", "null"], ["0", "\"true\""] },
        { """{"enum":["a\"b",1,null,{"x":[1]}]}""", ["\"a\\\"b\"", "1", "null", "{\"x\":[1]}"], ["2", "\"a\""] },
        { """{"type":"string","enum":["red",1]}""", ["\"red\""], ["1"] },
        { """{"const":"only"}""", ["\"only\""], ["\"other\""] },
        { """{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},"c":{"type":"null"}},"required":["b"]}""",
            ["{\"b\":\"\"}", "{ \"a\" : 1, \"b\":\"x\", \"c\":null }", "{\"a\":1,\"b\":\"\"}"], ["{}", "{\"a\":1}", "{\"b\":\"\",\"a\":1}", "{\"b\":\"\",\"d\":1}", "{\"b\":\"\",}"] },
        { """{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}}}""", ["{}", "{\"a\":1}", "{\"b\":1}", "{\"a\":1,\"b\":2}"], ["{,\"b\":1}", "{\"a\":1\"b\":2}"] },
        { """{"type":"object","properties":{"ab":{"type":"integer"},"a":{"type":"integer"}},"additionalProperties":{"type":"boolean"}}""",
            ["{\"ab\":1,\"x\":true,\"abc\":false,\"\":true,\"aé\":true}", "{\"b\":true}"], ["{\"ab\":true}", "{\"a\":true}", "{\"\\u0061\":true}", "{\"x\":1}"] },
        { """{"type":"object","additionalProperties":{"type":"integer"},"minProperties":1,"maxProperties":2}""", ["{\"a\":1}", "{\"a\":1,\"b\":2}"], ["{}", "{\"a\":1,\"b\":2,\"c\":3}"] },
        { """{"type":"object","required":["k"]}""", ["{\"k\":[1]}"], ["{}"] },
        { """{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}""", ["[1]", "[1, 2,3]"], ["[]", "[1,2,3,4]", "[1 2]", "[\"a\"]"] },
        { """{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"},"minItems":1}""", ["[1]", "[1,\"a\"]", "[1,\"a\",null,null]"], ["[]", "[\"a\"]", "[1,null]"] },
        { """{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false,"minItems":2}""", ["[1,\"a\"]"], ["[1]", "[1,\"a\",2]"] },
        { """{"type":"array","maxItems":0}""", ["[]", "[ ]"], ["[1]"] },
        { """{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["v","next"]}}}""",
            ["{\"v\":1,\"next\":{\"v\":2,\"next\":null}}"], ["{\"v\":1}", "{\"v\":1,\"next\":{}}"] },
        { """{"type":"array","items":{"$ref":"#"}}""", ["[]", "[[],[[]]]"], ["[1]"] },
        { """{"allOf":[{"$ref":"#/definitions/base"},{"properties":{"b":{"type":"integer"}},"required":["b"]}],"definitions":{"base":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}}}""",
            ["{\"a\":1,\"b\":2}"], ["{\"a\":1}", "{\"b\":1}", "{\"b\":2,\"a\":1}"] },
        { """{"oneOf":[{"type":"object","properties":{"k":{"const":"x"}},"required":["k"]},{"type":"object","properties":{"k":{"const":"y"},"n":{"type":"integer"}},"required":["k","n"]}]}""",
            ["{\"k\":\"x\"}", "{\"k\":\"y\",\"n\":1}"], ["{\"k\":\"y\"}", "{\"k\":\"x\",\"n\":1}"] },
        { """{"type":"object","required":["$type"],"anyOf":[{"properties":{"$type":{"const":"a"}}},{"properties":{"$type":{"const":"b"},"n":{"type":"integer"}}}]}""",
            ["{\"$type\":\"a\"}", "{\"$type\":\"b\",\"n\":1}"], ["{}", "{\"n\":1}", "{\"$type\":\"c\"}"] },
        { """{"type":"object","properties":{"n":{"type":["object","null"],"properties":{"v":{"type":"integer"}}}},"required":["n"]}""",
            ["{\"n\":null}", "{\"n\":{\"v\":1}}"], ["{\"n\":1}", "{\"n\":{\"w\":1}}"] },
        { """{"type":"object","properties":{"v":{"type":"integer"},"n":{"type":"object","$ref":"#"}},"required":["v"]}""", ["{\"v\":1}", "{\"v\":1,\"n\":{\"v\":2}}"], ["{\"v\":1,\"n\":{}}"] },
        { """{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{"n":{"allOf":[{"$ref":"#/$defs/a"},{"properties":{"m":{"const":1}}}]}}}}}""",
            ["{}", "{\"n\":{\"n\":{},\"m\":1}}"], ["{\"m\":1}"] },
        { """{"type":"object","properties":{"a\"b":{"type":"integer"}},"additionalProperties":true}""", ["{\"a\\\"b\":1,\"a\":2,\"c\":3}"], ["{\"a\"c\":1}", "{\"a\\\"b\":\"\"}"] },
        { """{"allOf":[{"properties":{"a":{"type":"integer"}},"additionalProperties":true},{"properties":{"b":{"type":"integer"}}}]}""", ["{\"a\":1,\"b\":2,\"c\":null}"], ["{\"b\":null}"] },
        { """{"type":"integer","minimum":18446744073709551610}""", ["18446744073709551610", "18446744073709551615"], ["18446744073709551609", "1"] },
        { """{"type":"integer","minimum":0,"maximum":1e25}""", ["0", "18446744073709551615"], ["-1"] },
        { """{"type":["object","null"],"required":["$type"],"anyOf":[{"properties":{"$type":{"const":"a"}}},{"properties":{"$type":{"const":"b"}}}]}""", ["null", "{\"$type\":\"b\"}"], ["{}", "1"] },
        { """{"$defs":{"c":{"type":"string","enum":["x"]}},"type":"array","items":{"$ref":"#/$defs/c","type":["string","null"],"items":{}}}""", ["[\"x\"]"], ["[1]", "[null]"] },
        { """{"type":"number","minimum":0,"maximum":1.7976931348623157E+308}""", ["0", "12.5"], ["-1"] },
        { """{"oneOf":[{"$ref":"#/$defs/m"},{"$ref":"#/$defs/n"}],"$defs":{"m":{"type":"object","properties":{"a":{"anyOf":[{"$ref":"#/$defs/m"},{"type":"null"}]},"k":{"const":1}},"required":["a","k"]},"n":{"type":"object","properties":{"a":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]},"k":{"const":2}},"required":["a","k"]}}}""",
            ["{\"a\":null,\"k\":2}", "{\"a\":{\"a\":null,\"k\":1},\"k\":1}"], ["{\"a\":null,\"k\":3}"] },
        { """{"type":"string","format":"date"}""", ["\"2024-02-29\"", "\"2000-02-29\"", "\"1999-12-31\""], ["\"2023-02-29\"", "\"1900-02-29\"", "\"2024-04-31\"", "\"2024-13-01\""] },
        { """{"type":"string","format":"date-time"}""", ["\"2024-02-29T23:59:59Z\"", "\"2024-01-01T00:00:00.125+14:00\""], ["\"2024-02-29 23:59:59Z\"", "\"2024-01-01T24:00:00Z\""] },
        { """{"type":"string","format":"email"}""", ["\"ada.l@example.org\""], ["\"ada\"", "\"a@b\"", "\"a..b@example.org\"", "\"a@-b.org\""] },
        { """{"type":"string","format":"ipv4"}""", ["\"192.168.0.255\""], ["\"256.1.1.1\"", "\"1.2.3\"", "\"01.2.3.4\""] },
        { """{"type":"string","format":"uri"}""", ["\"https://example.org/a/b\"", "\"http://a.io\""], ["\"example.org\"", "\"https://\""] },
        { """{"enum":["😀\\u00e9","a\"b\u00a0\n"]}""", ["\"😀\\\\u00e9\"", "\"a\\\"b\u00A0\\n\""], ["\"\\uD83D\\uDE00\""] },
        { """{"type":"string","format":"uuid"}""", ["\"123e4567-e89b-12d3-a456-426614174000\""], ["\"123e4567\""] },
        { """{"type":["string","integer"],"pattern":"^-?(?:0|[1-9]\\d*)$"}""", ["\"-10\"", "10"], ["\"01\"", "\"x\""] },
        { """{"type":"string","pattern":"b{2,3}\"\\\\[^\\n]"}""", ["\"xbb\\\"\\\\zz\""], ["\"b\\\"\\\\z\""] },
        { """{"type":"string","pattern":"^a|z$"}""", ["\"abc\"", "\"xyz\""], ["\"bab\""] },
        { """{"title":"t","description":"d","default":1,"examples":[1],"x-own":1,"type":"integer"}""", ["1"], ["\"1\""] },
    };

    [Theory]
    [MemberData(nameof(Schemas))]
    public void Texts_follow_a_schema_or_not(string schema, string[] inside, string[] outside)
    {
        Grammar grammar = Grammar.FromJsonSchema(schema);

        inside.ShouldAllBe(text => grammar.Matches(text));
        outside.ShouldAllBe(text => !grammar.Matches(text));
        inside.ShouldAllBe(text => SchemaCheck.IsValid(schema, text));
    }

    [Fact]
    public void Json_mode_has_objects_alone()
    {
        Grammar.JsonObject.Matches("""{"a": [1, {"b": null}], "c": "d"}""").ShouldBeTrue();
        Grammar.JsonObject.Matches("[1]").ShouldBeFalse();
        Grammar.JsonObject.Matches("{} ").ShouldBeFalse();
    }

    [Theory]
    [InlineData("""{"type":"number","multipleOf":0.5}""", "#/multipleOf", "multipleOf")]
    [InlineData("""{"type":"object","properties":{"a/b":{"not":{}}}}""", "#/properties/a~1b/not", "not")]
    [InlineData("""{"type":"array","items":{"type":"array","uniqueItems":true}}""", "#/items/uniqueItems", "uniqueItems")]
    [InlineData("""{"type":"string","format":"iri"}""", "#/format", "format")]
    [InlineData("""{"type":"string","pattern":"^(?=a)b$"}""", "#/pattern", "pattern")]
    [InlineData("""{"type":"string","pattern":"\\bword"}""", "#/pattern", "pattern")]
    [InlineData("""{"type":"string","pattern":"^a{2}{3}$"}""", "#/pattern", "pattern")]
    [InlineData("""{"type":"string","pattern":"^a$","maxLength":3}""", "#/pattern", "pattern")]
    [InlineData("""{"$ref":"https://example.com/x.json"}""", "#/$ref", "$ref")]
    [InlineData("""{"$ref":"#/$defs/none"}""", "#/$ref", "$ref")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"number"}]}""", "#/oneOf", "oneOf")]
    [InlineData("""{"type":"object","patternProperties":{"^a":{}}}""", "#/patternProperties", "patternProperties")]
    [InlineData("""{"if":{},"then":{}}""", "#/if", "if")]
    [InlineData("""{"type":"integr"}""", "#/type", "type")]
    [InlineData("""{"type":"object","propertys":{}}""", "#/propertys", "propertys")]
    [InlineData("""{"allOf":[{"type":"integer"},{"minimum":1}]}""", "#/allOf/0/type", "type")]
    [InlineData("""{"allOf":[{"properties":{"a":{"type":"integer"}}},{"properties":{"a":{"type":"null"}}}]}""", "#/allOf/1/properties/a", null)]
    [InlineData("""{"type":"object","properties":{"a":{}},"required":["b"],"additionalProperties":false}""", "#/additionalProperties", "additionalProperties")]
    [InlineData("""{"type":"integer","minimum":5,"maximum":4}""", "#/minimum", "minimum")]
    [InlineData("""{"anyOf":[{"$ref":"#"}]}""", "#", null)]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}""", "#", null)]
    [InlineData("""{"$ref":"#"}""", "#", null)]
    [InlineData("""{"oneOf":[{"const":"a"},{"minimum":7}]}""", "#/oneOf", "oneOf")]
    [InlineData("""{"allOf":[{"properties":{"a":{}},"additionalProperties":{"type":"string"}},{"properties":{"b":{"type":"integer"}}}]}""", "#/allOf/0/additionalProperties", "additionalProperties")]
    [InlineData("""{"additionalProperties":{"type":"string"},"anyOf":[{"properties":{"b":{"type":"integer"}}}]}""", "#/additionalProperties", "additionalProperties")]
    [InlineData("""{"type":"integer","minimum":1e20}""", "#/minimum", "minimum")]
    [InlineData("""{"type":"number","exclusiveMaximum":1,"maximum":-1e20}""", "#/exclusiveMaximum", "exclusiveMaximum")]
    [InlineData("""{"type":"integer","exclusiveMinimum":79228162514264337593543950335}""", "#/exclusiveMinimum", "exclusiveMinimum")]
    [InlineData("""{"type":"object","additionalProperties":true,"minProperties":2}""", "#/minProperties", "minProperties")]
    [InlineData("""{"type":"object","properties":{"\ud800":{}}}""", "#", null)]
    [InlineData("[]", "#", null)]
    public void What_cannot_be_kept_to_is_refused_with_keyword_and_path(string schema, string path, string? keyword)
    {
        JsonSchemaException exception = Should.Throw<JsonSchemaException>(() => Grammar.FromJsonSchema(schema));

        exception.Path.ShouldBe(path, exception.Message);
        exception.Message.ShouldStartWith(path);
        if (keyword is not null)
        {
            exception.Keyword.ShouldBe(keyword);
            exception.Message.ShouldContain($"'{keyword}'");
        }
    }

    [Fact]
    public void A_long_name_is_told_from_others_or_refused()
    {
        string name = new('n', 15_000);
        Grammar grammar = Grammar.FromJsonSchema($$$"""{"type":"object","properties":{"{{{name}}}":{"type":"null"}},"additionalProperties":true}""");

        grammar.Matches($$$"""{"{{{name}}}m":1}""").ShouldBeTrue();
        grammar.Matches($$$"""{"{{{name}}}":1}""").ShouldBeFalse();
        Should.Throw<JsonSchemaException>(() => Grammar.FromJsonSchema($$$"""{"type":"object","properties":{"{{{name}}}{{{name}}}":{}},"additionalProperties":true}"""))
            .Keyword.ShouldBe("properties");
    }

    [Fact]
    public void Schemas_that_fan_out_are_refused_and_not_computed_for_ever()
    {
        string fan = string.Concat(Enumerable.Range(0, 20).Select(i => $"\"a{i}\":{{\"allOf\":[{{\"$ref\":\"#/$defs/a{i + 1}\"}},{{\"$ref\":\"#/$defs/a{i + 1}\"}}]}},"));
        Should.Throw<JsonSchemaException>(() => Grammar.FromJsonSchema("{\"$ref\":\"#/$defs/a0\",\"$defs\":{" + fan + "\"a20\":{\"type\":\"object\"}}}"));

        const string Three = """{"type":"object","properties":{"p":{"$ref":"SELF"},"q":{"$ref":"SELF"},"r":{"$ref":"SELF"}},"required":["p","q","r"]}""";
        string tree = "{\"oneOf\":[{\"$ref\":\"#/$defs/m\"},{\"$ref\":\"#/$defs/n\"}],\"$defs\":{\"m\":"
            + Three.Replace("SELF", "#/$defs/m", StringComparison.Ordinal) + ",\"n\":" + Three.Replace("SELF", "#/$defs/n", StringComparison.Ordinal) + "}}";
        Should.Throw<JsonSchemaException>(() => Grammar.FromJsonSchema(tree)).Keyword.ShouldBe("oneOf");
    }

    [Fact]
    public void What_is_no_json_is_refused_as_json() => Should.Throw<JsonException>(() => Grammar.FromJsonSchema("{"));
}
