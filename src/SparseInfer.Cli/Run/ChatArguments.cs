using System.CommandLine;

namespace SparseInfer.Cli.Run;

/// <summary>The arguments of <c>sparseinfer chat</c>.</summary>
internal sealed class ChatArguments
{
    private const string Description = """
        Talks with a model: each line that is typed is a message, answered by the model's chat template. Ctrl-C ends the answer; without an answer, the program.

        Commands: /clear, /save FILE, /load FILE, /mode dense|exact|predicted, /stats, /help, /exit.

        Examples:
          sparseinfer chat qwen3-0.6b-q8_0.gguf --activation silu
          sparseinfer chat model.gguf --system-prompt "Answer in one sentence." --temp 0.7 --profile model.sparsity.json
        """;

    private readonly Argument<string?> _file = new("model")
    {
        Description = "A GGUF file, or safetensors beside a config.json.",
        Arity = ArgumentArity.ZeroOrOne,
        HelpName = "MODEL",
    };

    private readonly ModelArguments _model = new();

    private readonly GenerationArguments _generation = new();

    private readonly GrammarArguments _grammar = new();

    private readonly Option<string?> _system = ValueOption.Of<string?>(
        "--system-prompt", "TEXT", "What the system says before the conversation.", null, "a text", text => (true, text), "-sys");

    private readonly Option<string?> _template = ValueOption.Of<string?>(
        "--chat-template-file", "FILE", "A Jinja template in place of the model's.", null, "the path of a file", text => (text.Length > 0, text));

    private readonly Option<bool> _json = new("--json") { Description = "Write an object on a line for each answer, in place of the text as it comes." };

    private readonly Option<bool> _color = new("--color") { Description = "Show what is typed in another colour." };

    /// <summary>The command, without an action.</summary>
    public Command CreateCommand()
    {
        var command = new Command("chat", Description);
        command.Arguments.Add(_file);
        foreach (Option option in (Option[])[.. _model.All, _system, _template, .. _generation.All, .. _grammar.All, _json, _color])
        {
            command.Options.Add(option);
        }

        return command;
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="CliException">There is no model, or two.</exception>
    public ChatOptions Read(ParseResult parsed)
    {
        string? option = parsed.GetValue(_model.Model);
        string? file = parsed.GetValue(_file);
        if (option is not null && file is not null)
        {
            throw new CliException($"'{file}' is one argument too many: the model is given once.");
        }

        return new()
        {
            Model = _model.Read(parsed, option ?? file ?? throw new CliException("give a model: sparseinfer chat MODEL.")),
            Generation = _generation.Read(parsed) with { Grammar = _grammar.Read(parsed) },
            Mode = _generation.Mode(parsed),
            Context = _generation.Context(parsed),
            System = parsed.GetValue(_system),
            Template = parsed.GetValue(_template),
            Json = parsed.GetValue(_json),
            Color = parsed.GetValue(_color),
        };
    }
}
