using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.CodeFixes;

/// <summary>
/// A fix that edits text rather than trees: what the user wrote around the edit, line ends and layout included, stays as it is.
/// </summary>
internal abstract class DeclarationCodeFix(params string[] ids) : CodeFixProvider
{
    public sealed override ImmutableArray<string> FixableDiagnosticIds => [.. ids];

    public override FixAllProvider? GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

    public sealed override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        Document document = context.Document;
        SyntaxNode? root = await document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        SourceText text = await document.GetTextAsync(context.CancellationToken).ConfigureAwait(false);
        foreach (Diagnostic diagnostic in context.Diagnostics)
        {
            SyntaxNode? node = root?.FindToken(diagnostic.Location.SourceSpan.Start).Parent;
            foreach (Mend mend in node is null ? [] : Mends(diagnostic, node, text))
            {
                context.RegisterCodeFix(
                    CodeAction.Create(mend.Title, _ => Task.FromResult(document.WithText(text.WithChanges(mend.Changes))), mend.Title),
                    diagnostic);
            }
        }
    }

    /// <param name="diagnostic">What is to be mended.</param>
    /// <param name="node">The innermost node where the squiggle starts.</param>
    /// <param name="text">The document.</param>
    protected abstract IEnumerable<Mend> Mends(Diagnostic diagnostic, SyntaxNode node, SourceText text);
}
