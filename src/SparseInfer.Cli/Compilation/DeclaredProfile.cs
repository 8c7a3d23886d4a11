using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.Cli.Compilation;

/// <summary>A profile that a declaration names, as a project has it among its additional files.</summary>
/// <param name="Name">The file's name.</param>
/// <param name="Text">What is in it.</param>
internal sealed record DeclaredProfile(string Name, string Text)
{
    /// <summary>Reads a profile that a user names.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="others">Names that it must not have: a generator finds profiles by their names.</param>
    /// <param name="attributes">The policies that it has strengths for, with the arguments that these go with.</param>
    /// <exception cref="CliException">It is none.</exception>
    public static DeclaredProfile Read(string path, IReadOnlyCollection<string> others, out IReadOnlyList<string> attributes)
    {
        string text = File.ReadAllText(path);
        (string Attribute, string? Arguments)[] declared;
        try
        {
            declared = [.. JsonNode.Parse(text)!["policies"]!.AsArray().Select(policy => ((string)policy!["attribute"]!, (string?)policy["arguments"]))];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or NullReferenceException or ArgumentException)
        {
            throw NoProfile("it has no array 'policies' whose items have a text 'attribute'");
        }

        if (declared.Length == 0 || declared.Any(policy => !SyntaxFacts.IsValidIdentifier(policy.Attribute)))
        {
            throw NoProfile("it names no policy");
        }

        attributes = [.. declared.Select(policy => policy.Arguments is null ? policy.Attribute : PolicyText.Parse($"{policy.Attribute}({policy.Arguments})")[0])];

        // Names stand in C# text as they are, and generators look at JSON files alone.
        string name = string.Concat(Path.GetFileName(path).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '_'));
        name = name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? name : name + ".json";
        string free = name;
        for (int number = 2; others.Contains(free); number++)
        {
            free = FormattableString.Invariant($"{number}-{name}");
        }

        return new(free, text);

        CliException NoProfile(string why) => new($"--profile {path} is no profile of sparseinfer calibrate: {why}.");
    }

    /// <summary>It, for the generator.</summary>
    public AdditionalText ToFile() => new ProfileFile(Name, Text);

    private sealed class ProfileFile(string path, string text) : AdditionalText
    {
        public override string Path => path;

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
    }
}
