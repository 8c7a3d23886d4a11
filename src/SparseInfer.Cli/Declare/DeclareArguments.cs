using System.CommandLine;
using SparseInfer.Cli.Run;

namespace SparseInfer.Cli.Declare;

/// <summary>The arguments of <c>sparseinfer declare</c> and <c>sparseinfer new</c>.</summary>
internal sealed class DeclareArguments
{
    private const string DeclareDescription = """
        Writes the annotated class that declares a model file.

        Examples:
          sparseinfer declare samples/Stories/model/stories-relu.gguf
          sparseinfer declare prosparse-llama-2-7b.gguf --activation fatrelu --threshold 0.01 --policy 'SignBitPredictor(Alpha = 1.03f)'
        """;

    private const string NewDescription = """
        Makes a project for a model file: the annotated class, a program that goes on with a text, the profile where there is one.

        Example:
          sparseinfer new samples/Stories/model/stories-relu.gguf stories && cd stories && dotnet run -c Release "Once upon a time"
        """;

    private readonly Argument<string?> _file = new("model")
    {
        Description = "A GGUF file, or safetensors beside a config.json.",
        Arity = ArgumentArity.ZeroOrOne,
        HelpName = "MODEL",
    };

    private readonly Argument<string?> _folder = new("folder")
    {
        Description = "A folder that is not there yet, or empty. [default: one named as the class]",
        Arity = ArgumentArity.ZeroOrOne,
        HelpName = "DIR",
    };

    private readonly ModelArguments _model = new();

    private readonly Option<int?> _context = ModelOptions.Context();

    /// <summary>The command that writes the class, without an action.</summary>
    public Command CreateDeclare()
    {
        var command = new Command("declare", DeclareDescription);
        command.Arguments.Add(_file);
        Add(command, [.. _model.Declaring, _context]);
        return command;
    }

    /// <summary>The command that makes a project, without an action.</summary>
    public Command CreateNew()
    {
        var command = new Command("new", NewDescription);
        command.Arguments.Add(_file);
        command.Arguments.Add(_folder);
        Add(command, [.. _model.Writing, _context]);
        return command;
    }

    /// <summary>What was asked for.</summary>
    /// <param name="parsed">The arguments.</param>
    /// <param name="folder">Whether a folder may be named.</param>
    /// <exception cref="CliException">There is no model.</exception>
    public DeclareOptions Read(ParseResult parsed, bool folder)
    {
        // With -m the only argument is the folder.
        string? option = parsed.GetValue(_model.Model);
        string? first = parsed.GetValue(_file);
        string? second = folder ? parsed.GetValue(_folder) : null;
        if (option is not null && (second ?? (folder ? null : first)) is { } extra)
        {
            throw new CliException($"'{extra}' is one argument too many: the model is given once.");
        }

        string? made = option is null ? second : first;
        if (made?.Length == 0)
        {
            throw new CliException("the project's folder is empty: give one, or leave it out. Is a variable of the shell not set?");
        }

        return new()
        {
            Model = _model.Read(parsed, option ?? first ?? throw new CliException($"give a model: sparseinfer {(folder ? "new" : "declare")} MODEL.")),
            Context = parsed.GetValue(_context),
            Folder = made,
        };
    }

    private static void Add(Command command, IReadOnlyList<Option> options)
    {
        foreach (Option option in options)
        {
            command.Options.Add(option);
        }
    }
}
