using System.Collections.Immutable;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.Generators.Tests.Fixture;

/// <summary>What the generator says about a source, as a build shows it.</summary>
internal static class Diagnose
{
    public static Task<IReadOnlyList<Diagnostic>> Run(Compilation compilation, params AdditionalText[] files) => Task.FromResult(Run(compilation, out _, files));

    /// <summary>Requires exactly the diagnostics marked, each at exactly the span marked, and no error of the compiler.</summary>
    /// <param name="compilerErrors">Errors of the compiler that the source cannot help having, whatever is generated for it.</param>
    /// <returns>The messages, in the order of the source.</returns>
    public static Task<IReadOnlyList<string>> Expect(string markup, params string[] compilerErrors) =>
        Expect(markup, UserCode.Compile, compilerErrors);

    /// <param name="compile">Makes a project of the source.</param>
    public static Task<IReadOnlyList<string>> Expect(string markup, Func<string, CSharpCompilation> compile, params string[] compilerErrors) =>
        Expect(markup, [], compile, compilerErrors);

    /// <param name="files">The project's additional files.</param>
    public static Task<IReadOnlyList<string>> Expect(string markup, AdditionalText[] files) => Expect(markup, files, UserCode.Compile, []);

    private static Task<IReadOnlyList<string>> Expect(
        string markup, AdditionalText[] files, Func<string, CSharpCompilation> compile, string[] compilerErrors)
    {
        Markup marked = Markup.Parse(markup);
        IReadOnlyList<Diagnostic> actual = Run(compile(marked.Source), out Compilation complete, files);

        // A broken declaration has a stub: what is wrong with it must not show as other errors.
        complete.GetDiagnostics()
            .Where(d => d.Severity == DiagnosticSeverity.Error && !compilerErrors.Contains(d.Id))
            .Select(d => d.ToString())
            .ShouldBeEmpty();
        actual.Select(d => Show(d.Id, d.Location.SourceSpan)).ShouldBe(
            marked.Expected.Select(e => Show(e.Id, e.Span)), ignoreOrder: true, string.Join("\n", actual));
        return Task.FromResult<IReadOnlyList<string>>([.. actual.Select(d => d.GetMessage(CultureInfo.InvariantCulture))]);

        string Show(string id, TextSpan span) => $"{id} {span} '{marked.Source.Substring(span.Start, span.Length)}'";
    }

    /// <param name="complete">The project with what was generated for it.</param>
    /// <param name="files">The project's additional files.</param>
    public static IReadOnlyList<Diagnostic> Run(Compilation compilation, out Compilation complete, params AdditionalText[] files)
    {
        var options = (CSharpParseOptions)compilation.SyntaxTrees.First().Options;
        GeneratorDriver driver = CSharpGeneratorDriver.Create([new SparseInferGenerator().AsSourceGenerator()], files, options)
            .RunGeneratorsAndUpdateCompilation(compilation, out complete, out ImmutableArray<Diagnostic> reported);
        driver.GetRunResult().Results.ShouldHaveSingleItem().Exception.ShouldBeNull();
        return
        [
            .. reported.Where(diagnostic => !diagnostic.IsSuppressed)
                .OrderBy(diagnostic => diagnostic.Location.SourceSpan.Start)
                .ThenBy(diagnostic => diagnostic.Id),
        ];
    }
}
