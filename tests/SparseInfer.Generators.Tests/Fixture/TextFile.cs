using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.Generators.Tests.Fixture;

/// <summary>An additional file of a project.</summary>
internal sealed class TextFile(string path, string text) : AdditionalText
{
    public override string Path => path;

    public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
}
