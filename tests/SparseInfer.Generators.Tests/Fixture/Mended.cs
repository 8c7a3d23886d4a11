using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using SparseInfer.CodeFixes;

namespace SparseInfer.Generators.Tests.Fixture;

/// <summary>Applies code fixes to a source.</summary>
internal static class Mended
{
    public static readonly IReadOnlyList<CodeFixProvider> Providers =
    [
        .. typeof(DeclarationCodeFix).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(DeclarationCodeFix)) && !type.IsAbstract)
            .Select(type => (CodeFixProvider)Activator.CreateInstance(type)!),
    ];

    /// <summary>The source after the fix <paramref name="title"/> of its first diagnostic (of <paramref name="id"/>) that has it.</summary>
    public static async Task<string> One(string source, string title, string id = "SPI")
    {
        using var workspace = new AdhocWorkspace();
        Document document = UserCode.Document(workspace, source);
        foreach (Diagnostic diagnostic in (await Diagnostics(document)).Where(d => d.Id.StartsWith(id, StringComparison.Ordinal)))
        {
            foreach (CodeAction action in await Actions(document, diagnostic))
            {
                if (action.Title == title)
                {
                    return await Apply(document, action);
                }
            }
        }

        throw new InvalidOperationException($"No fix '{title}'.");
    }

    /// <summary>The source after the fix <paramref name="title"/> of <paramref name="id"/> everywhere at once.</summary>
    public static async Task<string> Everywhere(string source, string id, string title)
    {
        using var workspace = new AdhocWorkspace();
        Document document = UserCode.Document(workspace, source);
        CodeFixProvider provider = Providers.Single(provider => provider.FixableDiagnosticIds.Contains(id));
        FixAllProvider fixAll = provider.GetFixAllProvider().ShouldNotBeNull();
        var found = new FoundDiagnostics(await Diagnostics(document));
        var context = new FixAllContext(document, provider, FixAllScope.Document, title, [id], found, CancellationToken.None);
        return await Apply(document, (await fixAll.GetFixAsync(context)).ShouldNotBeNull());
    }

    /// <summary>Titles of every fix offered for the source's diagnostics.</summary>
    public static async Task<IReadOnlyList<string>> Titles(string source)
    {
        using var workspace = new AdhocWorkspace();
        Document document = UserCode.Document(workspace, source);
        var titles = new List<string>();
        foreach (Diagnostic diagnostic in await Diagnostics(document))
        {
            titles.AddRange((await Actions(document, diagnostic)).Select(action => action.Title));
        }

        return titles;
    }

    private static async Task<IReadOnlyList<Diagnostic>> Diagnostics(Document document) =>
        await Diagnose.Run((await document.Project.GetCompilationAsync()).ShouldNotBeNull());

    private static async Task<IReadOnlyList<CodeAction>> Actions(Document document, Diagnostic diagnostic)
    {
        var actions = new List<CodeAction>();
        foreach (CodeFixProvider provider in Providers.Where(provider => provider.FixableDiagnosticIds.Contains(diagnostic.Id)))
        {
            await provider.RegisterCodeFixesAsync(
                new CodeFixContext(document, diagnostic, (action, _) => actions.Add(action), CancellationToken.None));
        }

        return actions;
    }

    private static async Task<string> Apply(Document document, CodeAction action)
    {
        IEnumerable<CodeActionOperation> operations = await action.GetOperationsAsync(CancellationToken.None);
        Solution changed = operations.OfType<ApplyChangesOperation>().Single().ChangedSolution;
        return (await changed.GetDocument(document.Id).ShouldNotBeNull().GetTextAsync()).ToString();
    }

    private sealed class FoundDiagnostics(IReadOnlyList<Diagnostic> diagnostics) : FixAllContext.DiagnosticProvider
    {
        public override Task<IEnumerable<Diagnostic>> GetDocumentDiagnosticsAsync(Document document, CancellationToken cancellationToken) =>
            Task.FromResult<IEnumerable<Diagnostic>>(diagnostics);

        public override Task<IEnumerable<Diagnostic>> GetProjectDiagnosticsAsync(Project project, CancellationToken cancellationToken) =>
            Task.FromResult<IEnumerable<Diagnostic>>([]);

        public override Task<IEnumerable<Diagnostic>> GetAllDiagnosticsAsync(Project project, CancellationToken cancellationToken) =>
            Task.FromResult<IEnumerable<Diagnostic>>(diagnostics);
    }
}
