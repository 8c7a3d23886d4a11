using System.CommandLine;
using SparseInfer.Loading;

namespace SparseInfer.Cli;

/// <summary>The options that override what a model's files say, for every command that reads a model.</summary>
internal sealed class OverrideOptions
{
    private readonly Option<string?> _architecture = ValueOption.Of<string?>(
        "--architecture", "NAME", "Read the file as this architecture, whatever it says: llama, qwen2, ...", null, "the name of an architecture",
        text => (text.Length > 0, text));

    private readonly Option<string[]> _ignored = new("--ignore-metadata")
    {
        Description = "Leave out a key of the file's metadata, one that is wrong or changes no result. May be given several times.",
        HelpName = "KEY",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    /// <summary>The options.</summary>
    public IReadOnlyList<Option> All => [_architecture, _ignored];

    /// <summary>How messages name them.</summary>
    public OverrideNames Names => new(_architecture.Name, _ignored.Name, IsCommandLine: true);

    /// <summary>The architecture that was given.</summary>
    public string? Architecture(ParseResult parsed) => parsed.GetValue(_architecture);

    /// <summary>The keys that were given.</summary>
    public IReadOnlyList<string> Ignored(ParseResult parsed) => parsed.GetValue(_ignored) ?? [];

    /// <summary>What a model is read with.</summary>
    public LoadOptions Read(ParseResult parsed) =>
        new() { Architecture = Architecture(parsed), IgnoreMetadata = Ignored(parsed), OverrideNames = Names };
}
