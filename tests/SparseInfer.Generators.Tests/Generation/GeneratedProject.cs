using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Generation;

/// <summary>A user's project in memory, as strict as a project can be, and what the generator makes of it.</summary>
internal static class GeneratedProject
{
    /// <summary>
    /// The oldest language that has partial properties; comments are parsed, so that a public member without one is warned of.
    /// </summary>
    public static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.CSharp13, DocumentationMode.Diagnose);

    private static readonly CSharpCompilationOptions Options = UserCode.CompilationOptions
        .WithOptimizationLevel(OptimizationLevel.Release)
        .WithWarningLevel(9999)
        .WithAllowUnsafe(false);

    public static CSharpCompilation Compilation(params string[] sources) => CSharpCompilation.Create(
        "UserCode",
        sources.Select((source, i) => Tree(source, $"Source{i}.cs")),
        UserCode.References,
        Options);

    /// <summary>The same project with a reference to the package that runs models on GPUs.</summary>
    public static CSharpCompilation WithIlgpu(this CSharpCompilation project) => project.WithReferences(UserCode.IlgpuReferences);

    public static SyntaxTree Tree(string source, string path) => CSharpSyntaxTree.ParseText(source, ParseOptions, path);

    /// <summary>A driver that remembers what each step of the pipeline did.</summary>
    public static GeneratorDriver Driver() => CSharpGeneratorDriver.Create(
        [new SparseInferGenerator().AsSourceGenerator()],
        parseOptions: ParseOptions,
        driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));

    /// <summary>Runs the generator once.</summary>
    /// <returns>What was generated, in the order of its names.</returns>
    public static ImmutableArray<GeneratedSourceResult> Generate(params string[] sources) => Generate(Compilation(sources));

    /// <summary>Runs the generator once.</summary>
    /// <returns>What was generated, in the order of its names.</returns>
    public static ImmutableArray<GeneratedSourceResult> Generate(CSharpCompilation project) =>
        Sources(Driver().RunGenerators(project, TestContext.Current.CancellationToken));

    public static ImmutableArray<GeneratedSourceResult> Sources(GeneratorDriver driver)
    {
        GeneratorRunResult result = driver.GetRunResult().Results.ShouldHaveSingleItem();
        result.Exception.ShouldBeNull();
        return [.. result.GeneratedSources.OrderBy(source => source.HintName, StringComparer.Ordinal)];
    }

    /// <summary>Generates and compiles; a warning fails, in the user's code as in the generated.</summary>
    public static GeneratedAssembly Build(params string[] sources) => GeneratedAssembly.Load(Complete(Compilation(sources)));

    /// <summary>A project and what is generated for it.</summary>
    public static Compilation Complete(CSharpCompilation project)
    {
        Driver().RunGeneratorsAndUpdateCompilation(project, out Compilation complete, out ImmutableArray<Diagnostic> reported);
        reported.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ShouldBeEmpty();
        return complete;
    }

    /// <summary>Requires that there is no warning, and no using that is not used in what is generated.</summary>
    public static void ShouldHaveNoWarnings(this IEnumerable<Diagnostic> diagnostics) => diagnostics
        .Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning || IsUnusedUsing(diagnostic))
        .Select(diagnostic => diagnostic.ToString())
        .ShouldBeEmpty();

    /// <summary>The same of what is generated alone: the user's own text may be no better than it has to be.</summary>
    public static void ShouldHaveNoWarningsInGeneratedCode(this IEnumerable<Diagnostic> diagnostics) =>
        diagnostics.Where(IsInGeneratedCode).ShouldHaveNoWarnings();

    private static bool IsInGeneratedCode(Diagnostic diagnostic) =>
        diagnostic.Location.SourceTree?.FilePath.EndsWith(".g.cs", StringComparison.Ordinal) == true;

    private static bool IsUnusedUsing(Diagnostic diagnostic) =>
        diagnostic.Id == "CS8019" && IsInGeneratedCode(diagnostic);
}
