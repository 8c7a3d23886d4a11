using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.Cli.Compilation;

/// <summary>A profile that a declaration names, as a project has it among its additional files.</summary>
/// <param name="Name">The file's name.</param>
/// <param name="Text">What is in it.</param>
internal sealed record DeclaredProfile(string Name, string Text)
{
    /// <summary>It, for the generator.</summary>
    public AdditionalText ToFile() => new ProfileFile(Name, Text);

    private sealed class ProfileFile(string path, string text) : AdditionalText
    {
        public override string Path => path;

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
    }
}
