using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace SparseInfer.Generators.Tests.RandomDeclarations;

/// <summary>What is wrong with what was generated.</summary>
/// <param name="Kind">Short; a smaller project that has the same is as good an example.</param>
internal sealed record Failure(string Kind, string Detail);

/// <summary>
/// Generates for a project and compiles the result. Each declaration ends in one of three ways: an error of ours, an error of the compiler's
/// that the user's text has without the generator too, or code that compiles without a warning. Generated text is never to blame.
/// </summary>
internal sealed class ProjectCheck
{
    private readonly CSharpCompilation _project;
    private readonly List<PieceCluster> _clusters;
    private readonly HashSet<string> _usersOwn;

    private ProjectCheck(RandomProject project)
    {
        var pieces = project.Parse().ToList();
        // The user's text alone. What it lacks is what the generator writes.
        CSharpCompilation alone = project.Compile(pieces.SelectMany(piece => piece.Files));
        var own = alone.GetDiagnostics().Where(d => d.Severity >= DiagnosticSeverity.Warning && d.Id is not "CS9248").ToList();
        _usersOwn = [.. own.Select(d => d.ToString())];
        _project = alone.AddSyntaxTrees(pieces.SelectMany(piece => piece.Uses));
        _clusters = PieceCluster.Of(pieces);
        foreach (Diagnostic error in own.Where(d => d.Severity == DiagnosticSeverity.Error))
        {
            foreach (PieceCluster cluster in _clusters.Where(cluster => cluster.Has(error)))
            {
                cluster.IsRejected = true;
            }
        }

        GeneratorDriver driver = Run(project)
            .RunGeneratorsAndUpdateCompilation(_project, out Compilation complete, out ImmutableArray<Diagnostic> reported);
        foreach (PieceCluster cluster in _clusters)
        {
            cluster.IsDiagnosed = reported.Any(d => d.Severity == DiagnosticSeverity.Error && cluster.Has(d));
        }

        Failure = Crash(driver, reported) ?? Misplaced(reported) ?? Broken(complete) ?? Unemitted(complete)
            ?? Different(driver, Run(project).RunGenerators(_project));
    }

    public static ProjectCheck Of(RandomProject project) => new(project);

    /// <summary>Null: the project is as it should be.</summary>
    public Failure? Failure { get; }

    /// <summary>How many clusters of pieces the compiler rejects, how many the generator, and how many compile.</summary>
    public (int Rejected, int Diagnosed, int Compiled) Outcomes => (
        _clusters.Count(cluster => cluster.IsRejected),
        _clusters.Count(cluster => cluster is { IsDiagnosed: true, IsRejected: false }),
        _clusters.Count(cluster => cluster is { IsDiagnosed: false, IsRejected: false }));

    private static GeneratorDriver Run(RandomProject project) =>
        CSharpGeneratorDriver.Create([new SparseInferGenerator().AsSourceGenerator()], parseOptions: project.ParseOptions);

    /// <summary>Nothing threw: the compiler catches that and warns, the generator reports it as a fault of its own.</summary>
    private static Failure? Crash(GeneratorDriver driver, ImmutableArray<Diagnostic> reported)
    {
        Exception? exception = driver.GetRunResult().Results.Single().Exception;
        Diagnostic? failed = reported.FirstOrDefault(d => d.Id is "CS8784" or "CS8785" or "SPI0042");
        return exception is not null ? new Failure($"exception {exception.GetType().Name}", exception.ToString())
            : failed is not null ? new Failure($"exception {failed.Id}", failed.ToString())
            : null;
    }

    /// <summary>A diagnostic has a place in the user's text, and is reported once.</summary>
    private Failure? Misplaced(ImmutableArray<Diagnostic> reported)
    {
        Diagnostic? lost = reported.FirstOrDefault(d => !_clusters.Any(cluster => cluster.Has(d)));
        Diagnostic? twice = reported.GroupBy(d => d.ToString()).FirstOrDefault(group => group.Count() > 1)?.First();
        return lost is not null ? new Failure($"no place {lost.Id}", lost.ToString())
            : twice is not null ? new Failure($"twice {twice.Id}", twice.ToString())
            : null;
    }

    /// <summary>Nothing is wrong in generated text, nor in the user's where neither we nor the compiler have already said so.</summary>
    private Failure? Broken(Compilation complete)
    {
        foreach (Diagnostic diagnostic in complete.GetDiagnostics()
            .Where(d => d.Severity >= DiagnosticSeverity.Warning && !_usersOwn.Contains(d.ToString()) && !IsAdvice(d)))
        {
            PieceCluster? cluster = _clusters.FirstOrDefault(cluster => cluster.Has(diagnostic));
            if (cluster is null)
            {
                string beside = _clusters.Any(other => other.IsRejected) ? " beside an error of the user's" : "";
                return new Failure($"generated {diagnostic.Id}{beside}", Around(diagnostic));
            }

            if (cluster is { IsRejected: false, IsDiagnosed: false })
            {
                return new Failure($"silent {diagnostic.Id}", diagnostic.ToString());
            }
        }

        return null;
    }

    /// <summary>
    /// Warnings in the user's text that only the complete class can have, and that are the user's to heed: no comment on a public layer, a
    /// member that hides one of <c>LanguageModel</c>, a public class that is to suit all languages and derives from one that does not say so;
    /// and every one where this test uses a declaration.
    /// </summary>
    private bool IsAdvice(Diagnostic diagnostic) =>
        diagnostic.Severity == DiagnosticSeverity.Warning
        && _clusters.Any(cluster => cluster.Has(diagnostic))
        && (diagnostic.Id is "CS1591" or "CS0108" or "CS0114" or "CS3009" || RandomProject.IsUse(diagnostic.Location.SourceTree!));

    /// <summary>What compiles can also be written down.</summary>
    private Failure? Unemitted(Compilation complete) =>
        _clusters.All(cluster => cluster is { IsRejected: false, IsDiagnosed: false })
        && complete.Emit(Stream.Null).Diagnostics.FirstOrDefault(d => d.Severity == DiagnosticSeverity.Error) is { } error
            ? new Failure($"emit {error.Id}", error.ToString())
            : null;

    private static Failure? Different(GeneratorDriver one, GeneratorDriver other)
    {
        string[] Texts(GeneratorDriver driver) =>
            [.. driver.GetRunResult().Results.Single().GeneratedSources.Select(source => $"{source.HintName}\n{source.SourceText}")];
        string[] Reports(GeneratorDriver driver) => [.. driver.GetRunResult().Diagnostics.Select(d => d.ToString())];
        return !Texts(one).SequenceEqual(Texts(other)) ? new Failure("different text", "")
            : !Reports(one).SequenceEqual(Reports(other)) ? new Failure("different diagnostics", "")
            : null;
    }

    private static string Around(Diagnostic diagnostic)
    {
        int line = diagnostic.Location.GetLineSpan().StartLinePosition.Line;
        return $"{diagnostic}\n{string.Join("\n", diagnostic.Location.SourceTree?.ToString().Split('\n').Skip(line - 3).Take(7) ?? [])}";
    }
}
