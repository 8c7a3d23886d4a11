using System.CommandLine;

namespace SparseInfer.Cli.Run;

/// <summary>The arguments of <c>sparseinfer run</c>: llama.cpp's names where it has one.</summary>
internal sealed class RunArguments
{
    private const string Description = """
        Goes on with a text, with code generated for exactly this model: compiled at the first call, kept for later ones.

        Examples:
          sparseinfer run samples/Stories/model/stories-relu.gguf "Once upon a time"
          sparseinfer run -m prosparse-llama-2-7b.gguf --activation fatrelu --threshold 0.01 --policy 'SignBitPredictor(Alpha = 1.03f)' -p "The capital of France is" -n 64 --temp 0
          sparseinfer run tinyllama.gguf --activation silu --profile tiny.sparsity.json --device cuda:0 "Hello" --json
        """;

    private readonly Argument<string[]> _positional = new("model-and-prompt")
    {
        Description = "A GGUF file, or safetensors beside a config.json; and what the text begins with.",
        Arity = new ArgumentArity(0, 2),
        HelpName = "MODEL PROMPT",
    };

    private readonly ModelArguments _model = new();

    private readonly GenerationArguments _generation = new();

    private readonly GrammarArguments _grammar = new();

    private readonly Option<string?> _prompt = ValueOption.Of<string?>(
        "--prompt", "TEXT", "What the text begins with. [default: standard input, where that is no terminal]", null, "a text", text => (true, text), "-p");

    private readonly Option<bool> _json = new("--json") { Description = "Write an object with text and report when all is done, in place of the text as it comes." };

    private readonly Option<bool> _color = new("--color") { Description = "Show the prompt in another colour." };

    /// <summary>The command, without an action.</summary>
    public Command CreateCommand()
    {
        var command = new Command("run", Description);
        command.Arguments.Add(_positional);
        foreach (Option option in (Option[])[.. _model.All, _prompt, .. _generation.All, .. _grammar.All, _json, _color])
        {
            command.Options.Add(option);
        }

        return command;
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="CliException">Something is missing, or given twice.</exception>
    public RunOptions Read(ParseResult parsed)
    {
        string[] positional = parsed.GetValue(_positional) ?? [];
        string? model = parsed.GetValue(_model.Model);
        string? prompt = parsed.GetValue(_prompt);
        var rest = new Queue<string>(positional);
        model ??= rest.TryDequeue(out string? first) ? first : throw new CliException("give a model: sparseinfer run MODEL \"prompt\".");
        prompt ??= rest.TryDequeue(out string? second) ? second : null;
        if (rest.TryDequeue(out string? extra))
        {
            throw new CliException($"'{extra}' is one argument too many: model and prompt are given once each.");
        }

        prompt ??= Console.IsInputRedirected ? WithoutLineEnd(InputText.Of(Console.In.ReadToEnd())) : throw new CliException("give a prompt: sparseinfer run MODEL \"prompt\", or -p TEXT, or on standard input.");
        if (parsed.GetValue(_json) && parsed.GetValue(_color))
        {
            throw new CliException("--color is about a text that is shown as it comes; --json has none.");
        }

        return new()
        {
            Model = _model.Read(parsed, model),
            Prompt = prompt,
            Generation = _generation.Read(parsed) with { Grammar = _grammar.Read(parsed) },
            Mode = _generation.Mode(parsed),
            Context = _generation.Context(parsed),
            Json = parsed.GetValue(_json),
            Color = parsed.GetValue(_color),
        };
    }

    /// <summary>What a line is written with is not what somebody wants gone on with.</summary>
    private static string WithoutLineEnd(string text) => text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;
}
