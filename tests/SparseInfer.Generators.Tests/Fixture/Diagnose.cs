using System.Collections.Immutable;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;
using SparseInfer.Generators.Rules;

namespace SparseInfer.Generators.Tests.Fixture;

/// <summary>Runs every rule over a source.</summary>
internal static class Diagnose
{
    private static readonly ImmutableArray<DiagnosticAnalyzer> Rules = [.. DeclarationRules.All];

    public static async Task<IReadOnlyList<Diagnostic>> Run(Compilation compilation) =>
    [
        .. (await compilation.WithAnalyzers(Rules).GetAnalyzerDiagnosticsAsync())
            .OrderBy(diagnostic => diagnostic.Location.SourceSpan.Start)
            .ThenBy(diagnostic => diagnostic.Id),
    ];

    /// <summary>Requires exactly the diagnostics marked, each at exactly the span marked, and no error of the compiler.</summary>
    /// <param name="compilerErrors">Errors of the compiler that the source cannot help having.</param>
    /// <returns>The messages, in the order of the source.</returns>
    public static async Task<IReadOnlyList<string>> Expect(string markup, params string[] compilerErrors)
    {
        Markup marked = Markup.Parse(markup);
        CSharpCompilation compilation = UserCode.Compile(marked.Source);

        // CS9248: the other half of a partial property is what the generator, which does not run here, writes.
        compilation.GetDiagnostics()
            .Where(d => d.Severity == DiagnosticSeverity.Error && d.Id != "CS9248" && !compilerErrors.Contains(d.Id))
            .Select(d => d.ToString())
            .ShouldBeEmpty();

        IReadOnlyList<Diagnostic> actual = await Run(compilation);
        actual.Select(d => Show(d.Id, d.Location.SourceSpan)).ShouldBe(
            marked.Expected.Select(e => Show(e.Id, e.Span)), ignoreOrder: true, string.Join("\n", actual));
        return [.. actual.Select(d => d.GetMessage(CultureInfo.InvariantCulture))];

        string Show(string id, TextSpan span) => $"{id} {span} '{marked.Source.Substring(span.Start, span.Length)}'";
    }
}
