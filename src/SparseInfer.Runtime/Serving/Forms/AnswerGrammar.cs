using System.Globalization;
using System.Text;
using System.Text.Json;
using SparseInfer.Sampling;
using static SparseInfer.Sampling.GrammarExpression;

namespace SparseInfer.Serving;

/// <summary>Makes one grammar of all that an answer to a conversation has to be: thoughts, then text, the form that was asked for, or calls of tools as the model writes them.</summary>
internal sealed class AnswerGrammar
{
    /// <summary>What readers of answers trim.</summary>
    private static readonly CodePointSet WhiteSpace = CodePointSet.Of(Enumerable.Range(0, char.MaxValue + 1).Where(each => char.IsWhiteSpace((char)each)).Select(each => (each, each)));

    private readonly GrammarRules _rules = new();
    private readonly JsonRules _json;
    private readonly ChatRequest _request;
    private readonly ToolCallFormat _format;

    private AnswerGrammar(ChatRequest request, ToolCallFormat format)
    {
        _json = new JsonRules(_rules);
        _request = request;
        _format = format;
    }

    /// <summary>Whether anything is asked of the form of an answer.</summary>
    public static bool IsAsked(ChatRequest request, ToolCallFormat format) => request.Options.Grammar is not null || AsksOfCalls(request, format);

    /// <summary>The grammar of an answer.</summary>
    /// <param name="request">What is asked; something of the form is.</param>
    /// <param name="format">How the model writes calls.</param>
    /// <param name="thinking">Whether it thinks first.</param>
    /// <exception cref="NotSupportedException">A call is required, and nobody knows how the model writes one.</exception>
    /// <exception cref="ArgumentException">The tool that is required is not there.</exception>
    /// <exception cref="FormatException">A tool's schema cannot be kept to.</exception>
    public static Grammar Of(ChatRequest request, ToolCallFormat format, Thinking thinking)
    {
        if (request.RequiresCall && format == ToolCallFormat.None)
        {
            throw new NotSupportedException("A call of a tool is required, and the chat template does not show how the model writes one: give ModelServiceOptions.ToolCallFormat.");
        }

        if (request.RequiresCall && request.Tools.Count == 0)
        {
            throw new ArgumentException("A call of a tool is required, and the request has no tools: give Tools.", nameof(request));
        }

        Grammar? form = request.Options.Grammar;
        if (form is not null && thinking == Thinking.None && (request.Tools.Count == 0 || format == ToolCallFormat.None))
        {
            return form;
        }

        return GrammarCache.Shared.Get(KeyOf(request, format, thinking), form, () => new AnswerGrammar(request, format).Build(thinking));
    }

    private static bool AsksOfCalls(ChatRequest request, ToolCallFormat format) =>
        request.RequiresCall || (format != ToolCallFormat.None && request.Tools.Count > 0 && (request.CallsOnce || request.Tools.Any(tool => tool.IsStrict)));

    private static string KeyOf(ChatRequest request, ToolCallFormat format, Thinking thinking)
    {
        var key = new StringBuilder($"answer {format} {thinking} {request.RequiresCall} {request.CallsOnce} {request.RequiredTool?.Length} {request.RequiredTool}");
        foreach (ChatTool tool in request.Tools)
        {
            // With lengths, so that no name can read as two tools.
            key.Append(CultureInfo.InvariantCulture, $" {tool.IsStrict} {tool.Name.Length} {tool.Name} {tool.Parameters.Length} {tool.Parameters}");
        }

        return key.ToString();
    }

    private Grammar Build(Thinking thinking)
    {
        GrammarExpression answer = _rules.Add("answer", Answer());
        if (thinking != Thinking.None)
        {
            GrammarExpression thoughts = TextBefore(ThoughtReader.End, Sequence(_json.Space, answer), mayEnd: false);
            answer = thinking == Thinking.Does ? thoughts : Choice(answer, Sequence(Literal(ThoughtReader.Begin), thoughts));
        }

        int root = _rules.Name("root");
        _rules[root].Body = answer;
        return new Grammar(_rules, root, "the form of an answer");
    }

    private GrammarExpression Answer()
    {
        GrammarExpression? form = _request.Options.Grammar is { } grammar ? _rules.Include(grammar) : null;
        if (_request.Tools.Count == 0 || _format == ToolCallFormat.None)
        {
            return form!;
        }

        return _request.RequiresCall ? Calls() : form is not null ? Choice(form, Calls()) : TextOrCalls();
    }

    private GrammarExpression Calls() => _format switch
    {
        ToolCallFormat.Tags => Sequence(Literal(TagReader.Begin), BehindMark()),
        ToolCallFormat.Mistral => Sequence(Literal(MistralReader.Mark), BehindMark()),
        _ => Sequence(Optional(Literal(JsonReader.Mark)), Several(Call("parameters"), Sequence(_json.Space, Literal(";"), _json.Space)), End()),
    };

    /// <summary>What comes behind the mark that begins the first call.</summary>
    private GrammarExpression BehindMark()
    {
        if (_format == ToolCallFormat.Tags)
        {
            GrammarExpression inside = _rules.Add("call", Sequence(_json.Space, Call("arguments"), _json.Space, Literal(TagReader.End)));
            return Sequence(inside, More(Sequence(_json.Space, Literal(TagReader.Begin), inside)), End());
        }

        GrammarExpression named = _rules.Add("call", Choice([.. Tools().Select(tool => Sequence(Literal(tool.Name), Literal(MistralReader.ArgumentsMark), ArgumentsOf(tool)))]));
        return Choice(
            Sequence(_json.Space, Literal("["), _json.Space, Several(Call("arguments"), _json.Comma), _json.Space, Literal("]")),
            Sequence(named, More(Sequence(Literal(MistralReader.Mark), named))));
    }

    /// <summary>Text, calls, or text and then calls: of a model that calls with nothing else, text that begins otherwise.</summary>
    private GrammarExpression TextOrCalls()
    {
        if (_format != ToolCallFormat.Json)
        {
            return TextBefore(_format == ToolCallFormat.Tags ? TagReader.Begin : MistralReader.Mark, BehindMark(), mayEnd: true);
        }

        return Choice(Sequence(Repeat(Class(WhiteSpace), 0, null), TextOtherThanCalls()), Calls());
    }

    /// <summary>Text that the reader of JSON takes for no call: it begins with neither a brace nor the whole mark.</summary>
    private GrammarExpression TextOtherThanCalls()
    {
        GrammarExpression any = Repeat(Class(CodePointSet.All), 0, null);
        GrammarExpression rest = Empty;
        for (int i = JsonReader.Mark.Length - 1; i >= 0; i--)
        {
            CodePointSet next = CodePointSet.Of(JsonReader.Mark.Substring(i, 1));
            CodePointSet others = (i > 0 ? next : next.Union(CodePointSet.Of("{")).Union(WhiteSpace)).Complement();
            GrammarExpression more = Sequence(Class(others), any);
            rest = _rules.Add("text", i == JsonReader.Mark.Length - 1 ? Choice(Empty, more) : Choice(Empty, more, Sequence(Class(next), rest)));
        }

        return rest;
    }

    private GrammarExpression Several(GrammarExpression call, GrammarExpression between) => Sequence(call, More(Sequence(between, call)));

    private GrammarExpression More(GrammarExpression other) => _request.CallsOnce ? Empty : Repeat(other, 0, null);

    /// <summary>Spaces behind the last call, which could otherwise lead to another one alone.</summary>
    private GrammarExpression End() => _request.CallsOnce ? Empty : _json.Space;

    private GrammarExpression Call(string arguments) => _rules.Add("call", Choice([.. Tools().Select(tool => Sequence(
        Literal("{"), _json.Space, Literal("\"name\""), _json.Space, Literal(":"), _json.Space, Literal(JsonRules.TextOf(tool.Name)), _json.Comma,
        Literal($"\"{arguments}\""), _json.Space, Literal(":"), _json.Space, ArgumentsOf(tool), _json.Space, Literal("}")))]));

    private GrammarExpression ArgumentsOf(ChatTool tool)
    {
        if (!tool.IsStrict && !_request.RequiresCall)
        {
            return _json.Object;
        }

        try
        {
            // Arguments are an object, whatever else a schema takes.
            return JsonSchemaGrammar.IsAnyObject(tool.Parameters) ? _json.Object : _rules.Include(Grammar.FromJsonSchema(tool.Parameters));
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            throw new FormatException($"The tool '{tool.Name}' has a schema that calls cannot be kept to: {exception.Message}", exception);
        }
    }

    private IReadOnlyList<ChatTool> Tools()
    {
        if (_request.RequiredTool is not { } name || !_request.RequiresCall)
        {
            return _request.Tools;
        }

        return [_request.Tools.FirstOrDefault(tool => tool.Name == name)
            ?? throw new ArgumentException($"A call of the tool '{name}' is required, and it is not among the tools of the request.")];
    }

    /// <summary>Any text up to a mark, and what comes behind that: the automaton of Knuth, Morris and Pratt, as rules.</summary>
    /// <param name="mark">The mark, of ASCII.</param>
    /// <param name="behind">What comes behind it.</param>
    /// <param name="mayEnd">Whether the text may end without it.</param>
    private GrammarExpression TextBefore(string mark, GrammarExpression behind, bool mayEnd)
    {
        int[] matched = [.. mark.Select(_ => _rules.Name($"text before {mark}"))];
        for (int i = 0; i < mark.Length; i++)
        {
            List<GrammarExpression> ways = mayEnd ? [Empty] : [];
            CodePointSet others = CodePointSet.All;
            foreach (char next in mark.Distinct())
            {
                others = others.Except(CodePointSet.Of($"{next}"));
                int reached = Matched(mark, mark[..i] + next);
                ways.Add(Sequence(Literal($"{next}"), reached == mark.Length ? behind : Rule(matched[reached])));
            }

            ways.Add(Sequence(Class(others), Rule(matched[0])));
            _rules[matched[i]].Body = Choice(ways);
        }

        return Rule(matched[0]);
    }

    /// <summary>How much of a mark a text ends with.</summary>
    private static int Matched(string mark, string text)
    {
        int length = Math.Min(mark.Length, text.Length);
        while (!text.EndsWith(mark[..length], StringComparison.Ordinal))
        {
            length--;
        }

        return length;
    }
}
