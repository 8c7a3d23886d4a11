using System.Text.Json;

namespace SparseInfer.Runtime.Tests.Text.ChatTemplates;

/// <summary>What is wrong, not supported or too much is one error that names the place and the word.</summary>
public sealed class ChatTemplateErrorTests
{
    private static readonly ChatTurn[] Hello = [new("user", "Hello")];

    [Theory]
    [InlineData("a\n{{ x | lenght }}", 2, 8, "the filter 'lenght' is not supported; is 'length' meant?")]
    [InlineData("{{ x is strin }}", 1, 9, "the test 'strin' is not supported; is 'string' meant?")]
    [InlineData("{% include 'a' %}", 1, 4, "the statement 'include' is not supported")]
    [InlineData("{% sett x = 1 %}", 1, 4, "the statement 'sett' is not supported; is 'set' meant?")]
    [InlineData("\n\n{% if x %}", 3, 4, "'if' does not end: '{% endif %}' is missing")]
    [InlineData("{% for x in y %}{% endif %}", 1, 20, "'endif' closes nothing; open is 'for'")]
    [InlineData("{{ a b }}", 1, 6, "'}}' is missing: 'b' is found")]
    [InlineData("{{ 1 + }}", 1, 8, "a value is missing: '}}' is found")]
    [InlineData("{{ (1] }}", 1, 6, "']' is found where ')' is missing")]
    [InlineData("{{ 'a }}", 1, 4, "a string does not end")]
    [InlineData("{{ a ? b }}", 1, 6, "the character '?' has no meaning here")]
    [InlineData("x {# y", 1, 3, "a comment does not end")]
    [InlineData("{{ a", 1, 1, "a tag does not end: '}}' is missing")]
    [InlineData("{% break %}", 1, 4, "'break' is in no loop")]
    [InlineData("{{ a[1, 2] }}", 1, 7, "several keys in '[...]' are not supported")]
    public void What_is_no_template_is_refused_at_its_place(string source, int line, int column, string fault)
    {
        ChatTemplateException wrong = Should.Throw<ChatTemplateException>(() => ChatTemplate.Parse(source));
        wrong.Message.ShouldStartWith($"chat template, line {line}, column {column}: {fault}");
        (wrong.Line, wrong.Column).ShouldBe((line, column));
    }

    [Theory]
    [InlineData("{{ nobody.name }}", 1, 11, "'nobody' is undefined")]
    [InlineData("{{ nobody() }}", 1, 4, "'nobody' is undefined")]
    [InlineData("\n{{ messages[0].zz + 'a' }}", 2, 19, "a dict has no attribute 'zz'")]
    [InlineData("{{ 'a' + 1 }}", 1, 8, "'+' does not take a str and a int")]
    [InlineData("{{ messages[0].content.encode() }}", 1, 24, "method 'encode' of str is not supported")]
    [InlineData("{{ 'a'.nope() }}", 1, 8, "a str has no attribute 'nope'")]
    [InlineData("{{ 1 // 0 }}", 1, 6, "a division by zero")]
    [InlineData("{{ '%y' % 1 }}", 1, 9, "'%y' in a format has no meaning")]
    [InlineData("{{ '{:>5}'.format([]) }}", 1, 12, "a form ('>5') does not fit a list")]
    [InlineData("{% for x in [1] %}{{ loop(x) }}{% endfor %}", 1, 22, "'loop' can be called where the loop says 'recursive'")]
    [InlineData("{{ messages | tojson(colour=1) }}", 1, 15, "filter 'tojson' has no argument 'colour'")]
    [InlineData("{{ 'a' | replace('b') }}", 1, 10, "filter 'replace' needs an argument 'new'")]
    [InlineData("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", 1, 34, "macro 'm' takes at most 1 arguments, not 2")]
    [InlineData("{% if true %}{{ 1 | nofilter }}{% endif %}", 1, 21, "the filter 'nofilter' is not supported")]
    [InlineData("{% set messages[0].x = 1 %}", 1, 16, "'%}' is missing: '[' is found")]
    [InlineData("{{ {1: 1, 'a': 2} | tojson(sort_keys=true) }}", 1, 21, "a int and a str have no order")]
    [InlineData("{% set m = messages[0] %}{% set m.x = 1 %}", 1, 29, "only attributes of a namespace can be set")]
    public void What_fails_names_its_place(string source, int line, int column, string fault) =>
        Should.Throw<ChatTemplateException>(() => ChatTemplate.Parse(source).Render(Hello)).Message
            .ShouldStartWith($"chat template, line {line}, column {column}: {fault}");

    [Fact]
    public void What_the_template_raises_is_the_message()
    {
        const string Source = "{% if messages[0].role != 'system' %}{{ raise_exception('Who are you, ' ~ messages[0].role ~ '?') }}{% endif %}";
        Should.Throw<ChatRefusedException>(() => ChatTemplate.Parse(Source).Render(Hello)).Message.ShouldBe("Who are you, user?");
    }

    [Theory]
    [InlineData("{% for i in range(1000000) %}{% for j in range(1000000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% set ns = namespace(s='x') %}{% for i in range(1000) %}{% set ns.s = ns.s + ns.s %}{% endfor %}")]
    [InlineData("{% set ns = namespace(s='x') %}{% for i in range(23) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{% for i in range(1000000) %}{{ ns.s | length }}{% endfor %}")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(1000) %}{% set ns.l = ns.l + ns.l %}{% endfor %}")]
    [InlineData("{% set l = [1] %}{% for i in range(100) %}{{ l.extend(l) }}{% endfor %}")]
    [InlineData("{% set l = range(900000) | list %}{% for i in range(900000) %}{% for j in l %}{% break %}{% endfor %}{% endfor %}")]
    [InlineData("{% for i in range(1000000) %}{{ 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' }}{% endfor %}")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")]
    [InlineData("{{ 'a' * 1000000000000 }}")]
    [InlineData("{{ [0] * 1000000000 }}")]
    [InlineData("{{ 10 ** (10 ** 10) }}")]
    [InlineData("{{ range(1000000000000) }}")]
    [InlineData("{{ range(-9223372036854775807, 9223372036854775807) }}")]
    [InlineData("{{ 'a' | indent(1000000000) }}")]
    [InlineData("{{ 'a'.center(1000000000) }}")]
    [InlineData("{{ [1] | tojson(indent=1000000000) }}")]
    [InlineData("{% set l = [] %}{{ l.append(l) }}{{ l }}")]
    [InlineData("{% set l = [] %}{{ l.append(l) }}{{ l | tojson }}")]
    [InlineData("{% set a = [] %}{{ a.append(a) }}{% set b = [] %}{{ b.append(b) }}{{ a == b }}")]
    [InlineData("{% set ns = namespace(t=()) %}{% for i in range(100000) %}{% set ns.t = (ns.t,) %}{% endfor %}{{ {ns.t: 1} }}")]
    [InlineData("{% set ns = namespace(t=()) %}{% for i in range(100000) %}{% set ns.t = (ns.t,) %}{% endfor %}{{ ns.t }}")]
    [InlineData("{% set x = 2**4000 %}{% for i in range(1000000) %}{% set y = x|string %}{% endfor %}")]
    [InlineData("{% set x = [2**4000] %}{% for i in range(1000000) %}{% set y = x|tojson %}{% endfor %}")]
    [InlineData("{% set x = [2**4000] %}{% for i in range(1000000) %}{% set y = '%r' % x %}{% endfor %}")]
    [InlineData("{% set x = '9' * 1000 %}{% for i in range(1000000) %}{% set y = x|int %}{% endfor %}")]
    [InlineData("{% set x = 2**2000 %}{% for i in range(1000000) %}{% set y = x * x // 3 %}{% endfor %}")]
    [InlineData("{% set t = 'a' * 1000 * 15000 %}{% for i in range(1000000) %}{% set y = t.islower() %}{% endfor %}")]
    [InlineData("{% set t = 'a' * 1000 * 15000 %}{% for i in range(1000000) %}{% set y = t.isalpha() %}{% endfor %}")]
    [InlineData("{% set t = 'a' * 1000 * 15000 %}{% for i in range(1000000) %}{% set y = t|wordcount %}{% endfor %}")]
    [InlineData("{% set t = 'a' * 1000 * 15000 %}{% for i in range(1000000) %}{% set y = t is lower %}{% endfor %}")]
    [InlineData("{% set t = 'a' * 1000 * 15000 %}{% for i in range(1000000) %}{% set y = t.swapcase() %}{% endfor %}")]
    [InlineData("{% set t = 'a' * 1000 * 15000 %}{% for i in range(1000000) %}{% set y = t.title() %}{% endfor %}")]
    [InlineData("{% set t = 'a' * 1000 * 15000 %}{% for i in range(1000000) %}{% set y = t|upper %}{% endfor %}")]
    [InlineData("{% set t = 'a' * 1000 * 15000 %}{% for i in range(1000000) %}{% set y = t|e %}{% endfor %}")]
    [InlineData("{% set t = 'a' * 1000 * 15000 %}{% for i in range(1000000) %}{% set y = t.strip('a') %}{% endfor %}")]
    [InlineData("{% set t = 'a' * 1000 * 15000 %}{% for i in range(1000000) %}{% set y = t.splitlines() %}{% endfor %}")]
    [InlineData("{% set t = 'a' * 1000 * 15000 %}{% for i in range(1000000) %}{% set y = t|float %}{% endfor %}")]
    [InlineData("{% set a = 'a' * 1000 * 4000 %}{% set p = 'a' * 50000 + 'b' + 'a' * 50000 %}{% for i in range(1000000) %}{% set y = p in a %}{% endfor %}")]
    [InlineData("{% set a = 'a' * 1000 * 4000 %}{% set b = 'a' * 999 * 4004 + 'aaab' %}{% set l = [b] * 100000 %}{% for i in range(1000000) %}{% set y = a in l %}{% endfor %}")]
    [InlineData("{% set a = 'a' * 1000 * 4000 %}{% set b = 'a' * 999 * 4004 + 'aaab' %}{% set l = (b,) * 100000 %}{% for i in range(1000000) %}{% set y = a.startswith(l) %}{% endfor %}")]
    [InlineData("{% set a = 'a' * 1000 * 4000 %}{% for i in range(1000000) %}{% set y = [a, a + 'b'] | sort %}{% endfor %}")]
    [InlineData("{% set d = {} %}{% for i in range(100000) %}{{ d.update({i: 1}) }}{% endfor %}{% for i in range(1000000) %}{% set y = dict(d) == d %}{% endfor %}")]
    [InlineData("{% for i in range(1000000) %}{% set y = '%.1000f' % 1e300 %}{% endfor %}")]
    [InlineData("{% set x = 2**4000 %}{% for i in range(1000000) %}{% set y = '{:o}'.format(x) %}{% endfor %}")]
    [InlineData("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}")]
    [InlineData("{{ '{:0100000,}'.format(1) }}")]
    [InlineData("{% set ns = namespace(t=()) %}{% for i in range(60) %}{% set ns.t = (ns.t, ns.t) %}{% endfor %}{{ {ns.t: 1} }}")]
    public void A_hostile_template_is_stopped(string source)
    {
        var template = ChatTemplate.Parse(source);
        Should.Throw<ChatTemplateException>(() => template.Render(Hello));
    }

    [Fact]
    public void All_forms_of_a_conversation_share_what_a_template_may_use()
    {
        const string Source = "{% for i in range(COUNT) %}{% endfor %}{{ 'A' + messages[0].tool_calls[0].function.arguments }}";
        ChatTurn[] turns = [new("assistant", null) { ToolCalls = [new("add", "{}")] }];
        ChatTemplate.Parse(Source.Replace("COUNT", "1000", StringComparison.Ordinal)).Render(turns).Text.ShouldBe("A{}");
        string often = Source.Replace("{% endfor %}", "{{ '' }}{% endfor %}", StringComparison.Ordinal).Replace("COUNT", "900000", StringComparison.Ordinal);
        Should.Throw<ChatTemplateException>(() => ChatTemplate.Parse(often).Render(turns)).Message.ShouldContain("'+' does not take a str and a dict");
        ChatTemplate.Parse(often.Replace("'A' +", "'A' ~", StringComparison.Ordinal)).Render(turns).Text.ShouldBe("A{}");
    }

    [Fact]
    public void A_long_conversation_is_not_stopped()
    {
        const string Source = "{% for m in messages %}{% set c = m.content | trim %}{% if '</think>' in c %}{% set c = c.split('</think>')[-1].lstrip('\\n') %}{% endif %}"
            + "{% if not c.startswith('<tool_response>') %}{{ c }}{% else %}{{ c | upper }}{{ c | tojson }}{% endif %}{% endfor %}";
        string said = string.Concat(Enumerable.Repeat("Some words. ", 2000));
        ChatTurn[] turns = [.. Enumerable.Range(0, 200).Select(i => new ChatTurn("user", $"{(i % 2 == 0 ? "<tool_response>" : "</think>")}{said}"))];
        ChatTemplate.Parse(Source).Render(turns).Text.Length.ShouldBeGreaterThan(200 * said.Length);
    }

    [Fact]
    public void Numbers_and_tuples_are_keys_by_value()
    {
        const string Source = "{% set d = {2: 'a', 2.5: 'b', 2**100: 'c', 2**100 + 1: 'd', (1, none): 'e'} %}"
            + "{{ d[2.0] }}{{ d[5 / 2] }}{{ d[2.0**100] }}{{ d[2**100 + 1] }}{{ d[(1.0, none)] }}{{ d | length }}";
        ChatTemplate.Parse(Source).Render(Hello).Text.ShouldBe("abcde5");
    }

    [Fact]
    public void Find_and_attr_are_as_in_the_original()
    {
        const string Source = "{{ 'abc'.find('', 5) }} {{ 'abc'.find('', 3) }} {{ 'abc'.rfind('c', 9) }} {{ {'a': 1} | attr('a') is defined }} {{ {'a': 1} | attr('keys') is defined }}";
        ChatTemplate.Parse(Source).Render(Hello).Text.ShouldBe("-1 3 -1 False True");
    }

    [Theory]
    [InlineData("(", "1", ")")]
    [InlineData("[", "1", "]")]
    [InlineData("{1: ", "1", "}")]
    [InlineData("-", "1", "")]
    [InlineData("not ", "1", "")]
    [InlineData("1 if 1 else ", "1", "")]
    [InlineData("x[", "1", "]")]
    [InlineData("x(", "1", ")")]
    [InlineData("", "x", ".x")]
    [InlineData("", "1", " + 1")]
    [InlineData("", "x", " | trim")]
    [InlineData("", "1", " or 0")]
    public void Deep_expressions_are_stopped(string before, string middle, string after)
    {
        string source = $"{{{{ {string.Concat(Enumerable.Repeat(before, 50_000))}{middle}{string.Concat(Enumerable.Repeat(after, 50_000))} }}}}";
        Should.Throw<ChatTemplateException>(() => ChatTemplate.Parse(source).Render(Hello));
    }

    [Fact]
    public void Deep_blocks_are_stopped()
    {
        string source = string.Concat(Enumerable.Repeat("{% if true %}", 50_000)) + string.Concat(Enumerable.Repeat("{% endif %}", 50_000));
        Should.Throw<ChatTemplateException>(() => ChatTemplate.Parse(source)).Message.ShouldContain("nested more than 200 deep");
    }

    [Fact]
    public void A_changed_template_is_a_text_or_one_of_two_errors()
    {
        var random = new Random(20261129);
        string[] sources = [.. Directory.GetFiles(TestData.Path("chat-templates"), "*.jinja").Order(StringComparer.Ordinal).Select(File.ReadAllText)];
        using JsonDocument snippets = JsonDocument.Parse(File.ReadAllText(TestData.Path("chat-templates", "snippets.json")));
        string[] pieces = [.. snippets.RootElement.GetProperty("snippets").EnumerateArray().Select(snippet => snippet.GetProperty("template").GetString()!)];
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(TestData.Path("chat-templates", "golden.json")));
        JsonElement conversation = golden.RootElement.GetProperty("conversations").GetProperty("tools-answer");
        int rendered = 0;
        for (int i = 0; i < 4000; i++)
        {
            string source = i % 4 == 0 ? sources[random.Next(sources.Length)] : pieces[random.Next(pieces.Length)];
            for (int changes = random.Next(1, 4); changes > 0; changes--)
            {
                string other = pieces[random.Next(pieces.Length)];
                int at = random.Next(source.Length + 1);
                int cut = Math.Min(random.Next(6), source.Length - at);
                int from = random.Next(other.Length);
                source = source[..at] + other.Substring(from, Math.Min(random.Next(12), other.Length - from)) + source[(at + cut)..];
            }

            try
            {
                ChatTemplate.Parse(source).Render(conversation, FixedClock.Instance);
                rendered++;
            }
            catch (Exception expected) when (expected is ChatTemplateException or ChatRefusedException)
            {
                expected.Message.ShouldNotBeNull();
            }
        }

        rendered.ShouldBeGreaterThan(400);
    }

    [Fact]
    public void A_conversation_that_is_none_is_refused()
    {
        var template = ChatTemplate.Parse("{{ messages | tojson }}");
        Should.Throw<ArgumentException>(() => template.Render(JsonElement.Parse("[]"))).Message.ShouldContain("a JSON object with an array 'messages'");
        Should.Throw<ArgumentException>(() => template.Render([new("assistant", null) { ToolCalls = [new("add", "{")] }]))
            .Message.ShouldContain("The arguments of the call of 'add' must be JSON");
        Should.Throw<ArgumentException>(() => template.Render(Hello, new() { Tools = [new("add", null, "x")] }))
            .Message.ShouldContain("The parameters of the tool 'add' must be JSON");
        Should.Throw<ArgumentException>(() => template.Render(Hello, new() { Variables = new Dictionary<string, object?> { ["x"] = 1m } }))
            .Message.ShouldContain("'x' is a Decimal");
    }

    [Fact]
    public void Arguments_of_tools_and_missing_content_come_in_the_form_that_a_template_takes()
    {
        ChatTurn[] turns = [new("assistant", null) { ToolCalls = [new("add", """{"a":1}""")] }];
        ChatTemplate.Parse("{{ messages[0].content }}{{ messages[0].tool_calls[0].function.arguments | tojson }}").Render(turns).Text.ShouldBe("None{\"a\": 1}");
        ChatTemplate.Parse("{{ 'A' + messages[0].tool_calls[0].function.arguments }}").Render(turns).Text.ShouldBe("A{\"a\": 1}");
        ChatTemplate.Parse("{{ 'A' + messages[0].content }}{{ messages[0].tool_calls[0].function.arguments.a }}").Render(turns).Text.ShouldBe("A1");
        ChatTemplate.Parse("{{ messages[0].content + messages[0].tool_calls[0].function.arguments }}").Render(turns).Text.ShouldBe("{\"a\": 1}");
        Should.Throw<ChatTemplateException>(() => ChatTemplate.Parse("{{ messages[0].content + 1 }}").Render(turns)).Message.ShouldContain("a NoneType and a int");
        ChatTemplate.Parse("{{ messages[0].tool_calls[0].function.arguments.a }}")
            .Render(JsonElement.Parse("""{"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": "{\"a\": 7}"}}]}]}""")).Text.ShouldBe("7");
    }
}
