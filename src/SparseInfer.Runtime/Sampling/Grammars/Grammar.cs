using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using SparseInfer.Text;

namespace SparseInfer.Sampling;

/// <summary>
/// The form of an answer: <see cref="GenerationOptions.Grammar"/> keeps what a model writes to it. Of llama.cpp's grammars (<see cref="Parse"/>), or of a JSON schema
/// (<see cref="FromJsonSchema(string)"/>). Immutable; for any number of threads. What is found out of a grammar while answers are written stays with it; the grammars that were
/// asked for last are kept, so that the same text gives the same one.
/// </summary>
public sealed class Grammar
{
    private const int MaxLength = 1 << 20;

    private readonly GrammarProgram _program;
    private readonly ConditionalWeakTable<Tokenizer, GrammarAutomaton> _automatons = [];
    private readonly string _text;

    internal Grammar(GrammarRules rules, int root, string text)
    {
        _program = GrammarCompiler.Compile(rules, root);
        _text = text;
        Rules = rules;
        Root = root;
    }

    /// <summary>Any JSON object, with at most a few spaces or line ends where JSON allows them.</summary>
    public static Grammar JsonObject { get; } = JsonSchemaGrammar.AnyObject();

    /// <summary>The rules.</summary>
    internal GrammarRules Rules { get; }

    /// <summary>The rule that texts follow.</summary>
    internal int Root { get; }

    /// <summary>Reads a grammar in llama.cpp's form, GBNF.</summary>
    /// <param name="gbnf">Rules such as <c>root ::= "yes" | "no"</c>, at most 1 Mi characters.</param>
    /// <param name="root">The rule that a text follows.</param>
    /// <exception cref="ArgumentNullException">A text is null.</exception>
    /// <exception cref="GrammarException">It is no grammar, one that begins with itself, or too large; the message has line and column.</exception>
    public static Grammar Parse(string gbnf, string root = "root")
    {
        ArgumentNullException.ThrowIfNull(gbnf);
        ArgumentNullException.ThrowIfNull(root);
        CheckLength(gbnf);
        return GrammarCache.Shared.Get($"gbnf {root.Length} {root} {gbnf}", form: null, () =>
        {
            (GrammarRules rules, int index) = GbnfReader.Read(gbnf, root);
            return new Grammar(rules, index, gbnf);
        });
    }

    /// <summary>Makes the grammar of a JSON schema: each of its texts is JSON that the schema takes.</summary>
    /// <param name="schema">The schema, as JSON text.</param>
    /// <exception cref="ArgumentNullException"><paramref name="schema"/> is null.</exception>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="JsonSchemaException">It has what answers cannot be kept to; the message has the keyword and where it is.</exception>
    /// <exception cref="GrammarException">It is too large.</exception>
    public static Grammar FromJsonSchema(string schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        CheckLength(schema);
        return GrammarCache.Shared.Get($"schema {schema}", form: null, () =>
        {
            using JsonDocument document = JsonDocument.Parse(schema);
            return JsonSchemaGrammar.Of(document.RootElement, schema);
        });
    }

    /// <inheritdoc cref="FromJsonSchema(string)"/>
    public static Grammar FromJsonSchema(JsonElement schema) => FromJsonSchema(schema.GetRawText());

    /// <summary>Whether a whole text follows the grammar.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    /// <exception cref="GrammarException">It can be read in more ways than are followed.</exception>
    public bool Matches(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var automaton = new GrammarAutomaton(_program);
        return automaton.Next(automaton.Start, Encoding.UTF8.GetBytes(text)).MayEnd;
    }

    /// <summary>What it was made of, on one line and shortened.</summary>
    public override string ToString()
    {
        string line = _text.ReplaceLineEndings(" ").Trim();
        return line.Length <= 64 ? line : $"{line.AsSpan(0, 64)}...";
    }

    /// <summary>What follows texts of a vocabulary.</summary>
    internal GrammarAutomaton AutomatonFor(Tokenizer tokenizer) => _automatons.GetValue(tokenizer, _ => new GrammarAutomaton(_program));

    private static void CheckLength(string text)
    {
        if (text.Length > MaxLength)
        {
            throw new GrammarException($"A grammar has {MaxLength} characters at most; this one has {text.Length}.");
        }
    }
}
