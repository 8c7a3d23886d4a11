using System.CommandLine;
using System.Text.Json;
using SparseInfer.Sampling;

namespace SparseInfer.Cli.Run;

/// <summary>The form of an answer: llama.cpp's names.</summary>
internal sealed class GrammarArguments
{
    private readonly Option<string?> _grammar = Text("--grammar", "GBNF", "A grammar that the answer follows, as llama.cpp has them.");

    private readonly Option<string?> _grammarFile = Text("--grammar-file", "FILE", "A file with such a grammar.");

    private readonly Option<string?> _schema = Text("--json-schema", "SCHEMA", "A JSON schema that the answer follows; '{}' for any JSON.", "-j");

    private readonly Option<string?> _schemaFile = Text("--json-schema-file", "FILE", "A file with such a schema.", "-jf");

    /// <summary>The options.</summary>
    public IReadOnlyList<Option> All => [_grammar, _grammarFile, _schema, _schemaFile];

    /// <summary>What was asked for; null: any text.</summary>
    /// <exception cref="CliException">It is no grammar, cannot be read, or two are given.</exception>
    public Grammar? Read(ParseResult parsed)
    {
        (string Name, string Value, bool IsFile, Func<string, Grammar> Make)[] given =
        [
            .. Given(_grammar, isFile: false, text => Grammar.Parse(text)),
            .. Given(_grammarFile, isFile: true, text => Grammar.Parse(text)),
            .. Given(_schema, isFile: false, Grammar.FromJsonSchema),
            .. Given(_schemaFile, isFile: true, Grammar.FromJsonSchema),
        ];
        if (given.Length > 1)
        {
            throw new CliException($"{given[0].Name} and {given[1].Name} are both the form of the answer: give one of them.");
        }

        return given.Length == 0 ? null : Make(given[0].Name, given[0].Value, given[0].IsFile, given[0].Make);

        IEnumerable<(string, string, bool, Func<string, Grammar>)> Given(Option<string?> option, bool isFile, Func<string, Grammar> make) =>
            parsed.GetValue(option) is { } value ? [(option.Name, value, isFile, make)] : [];
    }

    private static Grammar Make(string name, string value, bool isFile, Func<string, Grammar> make)
    {
        try
        {
            return make(isFile ? File.ReadAllText(value) : value);
        }
        catch (Exception exception) when (exception is FormatException or JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CliException($"{(isFile ? $"{name} {value}" : name)}: {exception.Message}");
        }
    }

    private static Option<string?> Text(string name, string helpName, string description, params string[] aliases) =>
        ValueOption.Of<string?>(name, helpName, description, null, "a text", text => (text.Length > 0, text), aliases);
}
