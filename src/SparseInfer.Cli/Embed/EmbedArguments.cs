using System.CommandLine;
using System.Globalization;
using SparseInfer.Cli.Run;

namespace SparseInfer.Cli.Embed;

/// <summary>The arguments of <c>sparseinfer embed</c>: llama.cpp's names where it has one.</summary>
internal sealed class EmbedArguments
{
    private const string Description = """
        Makes vectors of texts: of the hidden states that the model computes for their tokens. Prompts are computed dense, whatever the policies.

        Examples:
          sparseinfer embed qwen3-embedding-0.6b-q8_0.gguf --activation silu "What is the capital of France?" "Paris is the capital of France." --embd-output-format json+
          sparseinfer embed -m samples/Stories/model/stories-relu.gguf -f texts.txt --pooling mean --json
        """;

    private static readonly (string Name, EmbeddingFormat Format)[] Formats =
        [("array", EmbeddingFormat.Array), ("json", EmbeddingFormat.Json), ("json+", EmbeddingFormat.JsonAndSimilarity)];

    private readonly Argument<string[]> _positional = new("model-and-texts")
    {
        Description = "A GGUF file, or safetensors beside a config.json; and the texts. With -m all of them are texts.",
        Arity = ArgumentArity.ZeroOrMore,
        HelpName = "MODEL TEXT",
    };

    private readonly ModelArguments _model = new();

    private readonly Option<string?> _prompt = ValueOption.Of<string?>(
        "--prompt", "TEXT", "A text, or several with the separator between them.", null, "a text", text => (text.Length > 0, text), "-p");

    private readonly Option<string?> _file = ValueOption.Of<string?>(
        "--file", "FILE", "A file with texts, the separator between them.", null, "the path of a file", text => (text.Length > 0, text), "-f");

    private readonly Option<string> _separator = ValueOption.Of(
        "--embd-separator", "TEXT", "What is between texts of -p and -f. [default: the end of a line]", "\n", "a text", text => (text.Length > 0, text));

    private readonly Option<int> _norm = ValueOption.Of(
        "--embd-normalize", "N", "What vectors are scaled to: -1: nothing; 0: a largest element of 32760; 1: a sum of 1; 2: a length of 1; more: a p-norm of 1.",
        EmbeddingNorm.Euclidean, "a whole number from -1 to 100",
        text => (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int norm) && norm is >= -1 and <= 100, norm));

    private readonly Option<EmbeddingFormat> _format = ValueOption.Of(
        "--embd-output-format", "FORMAT", "array: an array of arrays; json: as OpenAI's service; json+: with the cosines between all. [default: a line for each]",
        EmbeddingFormat.Lines, "one of array, json, json+",
        text => Formats.FirstOrDefault(format => format.Name == text) is { Name: not null } known ? (true, known.Format) : default);

    private readonly Option<bool> _json = new("--json") { Description = "The same as --embd-output-format json." };

    private readonly Option<EmbeddingPooling?> _pooling = PoolingOption("none, mean, cls or last: what becomes of tokens' vectors; none: a vector for each token. [default: as the file says, else mean]", tokens: true);

    /// <summary>The command, without an action.</summary>
    public Command CreateCommand()
    {
        var command = new Command("embed", Description);
        command.Arguments.Add(_positional);
        foreach (Option option in (Option[])[.. _model.All, _prompt, _file, _separator, _pooling, _norm, _format, _json])
        {
            command.Options.Add(option);
        }

        return command;
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="CliException">Something is missing, or given twice.</exception>
    public EmbedOptions Read(ParseResult parsed)
    {
        var rest = new Queue<string>(parsed.GetValue(_positional) ?? []);
        string model = parsed.GetValue(_model.Model) ?? (rest.TryDequeue(out string? first) ? first : throw new CliException("give a model: sparseinfer embed MODEL \"text\"."));
        EmbeddingFormat format = parsed.GetRequiredValue(_format);
        if (parsed.GetValue(_json) && format is not (EmbeddingFormat.Lines or EmbeddingFormat.Json))
        {
            throw new CliException("--json is --embd-output-format json: give one of them.");
        }

        string separator = parsed.GetRequiredValue(_separator);
        string[] texts = [.. rest, .. Split(parsed.GetValue(_prompt), separator), .. Split(ReadFile(parsed.GetValue(_file)), separator)];
        return new()
        {
            Model = _model.Read(parsed, model),
            Texts = texts.Length == 0 ? throw new CliException("give a text: sparseinfer embed MODEL \"text\", or -p TEXT, or -f FILE.")
                : texts.Contains("") ? throw new CliException("a text is empty: an empty text has no vector.")
                : texts,
            Pooling = parsed.GetValue(_pooling),
            Norm = parsed.GetRequiredValue(_norm),
            Format = parsed.GetValue(_json) ? EmbeddingFormat.Json : format,
        };
    }

    /// <summary><c>--pooling</c>, by llama.cpp's names.</summary>
    /// <param name="description">Help.</param>
    /// <param name="tokens">Whether tokens may have vectors of their own.</param>
    public static Option<EmbeddingPooling?> PoolingOption(string description, bool tokens) => ValueOption.Of<EmbeddingPooling?>(
        "--pooling", "TYPE", description, null, tokens ? "one of none, mean, cls, last" : "one of mean, cls, last",
        text => text switch
        {
            "none" when tokens => (true, EmbeddingPooling.None),
            "mean" => (true, EmbeddingPooling.Mean),
            "cls" => (true, EmbeddingPooling.First),
            "last" => (true, EmbeddingPooling.Last),
            _ => default,
        });

    /// <summary>Lines may end as Windows has them. What is empty is left out.</summary>
    private static string[] Split(string? text, string separator) =>
        text is null ? [] : [.. text.Split(separator).Select(part => separator == "\n" ? part.TrimEnd('\r') : part).Where(part => part.Length > 0)];

    private static string? ReadFile(string? path) => path is null ? null : CliException.OfFiles(() => File.ReadAllText(path));
}
