using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace SparseInfer.Generators.Tests.Generation;

/// <summary>What holds for every run of the generator, whatever is declared.</summary>
internal static class Pipeline
{
    private static readonly string[] Steps =
    [
        SparseInferGenerator.Steps.ParseModel,
        SparseInferGenerator.Steps.ParseLayer,
        SparseInferGenerator.Steps.ParseStub,
        SparseInferGenerator.Steps.RenameFiles,
        SparseInferGenerator.Steps.PlanModel,
        SparseInferGenerator.Steps.PlanKernels,
        SparseInferGenerator.Steps.FindIlgpu,
        SparseInferGenerator.Steps.PlanIlgpuModel,
        SparseInferGenerator.Steps.PlanIlgpuKernels,
    ];

    /// <summary>Generates, and requires what every generator has to keep.</summary>
    public static ImmutableArray<GeneratedSourceResult> Generate(params string[] sources) => Generate(GeneratedProject.Compilation(sources));

    /// <summary>Generates, and requires what every generator has to keep.</summary>
    public static ImmutableArray<GeneratedSourceResult> Generate(CSharpCompilation compilation)
    {
        GeneratorDriver first = GeneratedProject.Driver().RunGenerators(compilation);
        GeneratorDriver second = first.RunGenerators(compilation.Clone());
        ShouldBeCached(second);
        ShouldHoldNothingOfTheCompiler(first.GetRunResult().Results.Single());

        ImmutableArray<GeneratedSourceResult> generated = GeneratedProject.Sources(first);
        string[] texts = Texts(generated);
        texts.ShouldAllBe(text => !text.Contains('\r'));
        Texts(GeneratedProject.Generate(compilation)).ShouldBe(texts);
        Texts(InAnotherCulture(() => GeneratedProject.Generate(compilation))).ShouldBe(texts);
        return generated;
    }

    /// <summary>Requires that nothing came out differently and nothing was written again.</summary>
    public static void ShouldBeCached(GeneratorDriver driver)
    {
        GeneratorRunResult result = driver.GetRunResult().Results.Single();
        Reasons(result).ShouldNotBeEmpty();
        Reasons(result).ShouldAllBe(reason => reason == IncrementalStepRunReason.Cached || reason == IncrementalStepRunReason.Unchanged);
        OutputReasons(result).ShouldNotBeEmpty();
        OutputReasons(result).ShouldAllBe(reason => reason == IncrementalStepRunReason.Cached);
    }

    public static IEnumerable<IncrementalStepRunReason> OutputReasons(GeneratorRunResult result) =>
        result.TrackedOutputSteps.Values.SelectMany(steps => steps).SelectMany(step => step.Outputs).Select(output => output.Reason);

    private static IEnumerable<IncrementalStepRunReason> Reasons(GeneratorRunResult result) =>
        Outputs(result).Select(output => output.Reason);

    private static IEnumerable<(object Value, IncrementalStepRunReason Reason)> Outputs(GeneratorRunResult result) =>
        Steps.Where(result.TrackedSteps.ContainsKey).SelectMany(name => result.TrackedSteps[name]).SelectMany(step => step.Outputs);

    /// <summary>A symbol or a tree in the pipeline would keep compilations alive, and compare unequal after every key stroke.</summary>
    private static void ShouldHoldNothingOfTheCompiler(GeneratorRunResult result)
    {
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        foreach (var (value, _) in Outputs(result))
        {
            Walk(value, value.GetType().Name, seen);
        }

        seen.Count.ShouldBeGreaterThan(0);
    }

    private static void Walk(object? value, string path, HashSet<object> seen)
    {
        if (value is null or string || value.GetType().IsPrimitive || value.GetType().IsEnum || !seen.Add(value))
        {
            return;
        }

        string? space = value.GetType().Namespace;
        (space is not null && space.StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal))
            .ShouldBeFalse($"{path} is a {value.GetType()}: models hold values, nothing of the compiler's");
        if (value is System.Collections.IEnumerable items)
        {
            foreach (object? item in items)
            {
                Walk(item, path + "[]", seen);
            }
        }

        const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        for (Type? type = value.GetType(); type is not null; type = type.BaseType)
        {
            foreach (FieldInfo field in type.GetFields(Fields))
            {
                Walk(field.GetValue(value), $"{path}.{field.Name}", seen);
            }
        }
    }

    private static string[] Texts(IEnumerable<GeneratedSourceResult> sources) =>
        [.. sources.Select(source => $"{source.HintName}\n{source.SourceText}")];

    /// <summary>Runs where numbers are written otherwise; made by hand, since tests run without the system's cultures.</summary>
    private static T InAnotherCulture<T>(Func<T> run)
    {
        CultureInfo usual = CultureInfo.CurrentCulture;
        var other = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        other.NumberFormat.NumberDecimalSeparator = ",";
        other.NumberFormat.NumberGroupSeparator = "'";
        other.NumberFormat.NegativeSign = "~";
        try
        {
            CultureInfo.CurrentCulture = other;
            return run();
        }
        finally
        {
            CultureInfo.CurrentCulture = usual;
        }
    }
}
