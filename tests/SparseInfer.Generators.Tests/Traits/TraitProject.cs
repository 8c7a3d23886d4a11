extern alias vocabulary;

using System.Collections.Immutable;
using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;
using SparseInfer.Kernels.Cpu.Tests;

namespace SparseInfer.Generators.Tests.Traits;

/// <summary>A user's project whose vocabulary has the tests' traits beside what it has.</summary>
internal static class TraitProject
{
    private static readonly IReadOnlyList<ModelTrait> Traits = [new TestShiftTrait(), new TestScalesTrait(), new TestOnCpuTrait()];

    public static readonly DeclarationReader Reader = With(Traits);

    private static readonly Lazy<MetadataReference> Words = new(CompileVocabulary);

    /// <summary>Reads declarations with other traits.</summary>
    public static DeclarationReader With(IReadOnlyList<ModelTrait> traits) => DeclarationLanguage.ReaderWith(
        [.. DeclarationRules.All, .. traits.SelectMany(trait => trait.Rules)], new Vocabulary(PolicyRegistry.All, traits));

    public static CSharpCompilation Compilation(string source, bool ilgpu = false) => GeneratedProject.Compilation(source).WithReferences(
    [
        .. (ilgpu ? UserCode.IlgpuReferences : UserCode.References).Where(reference => Path.GetFileName(reference.Display) != "SparseInfer.Dsl.dll"),
        Words.Value,
    ]);

    public static ModelSpec? Read(string source, DeclarationReader? reader = null) =>
        (reader ?? Reader).Model(Compilation(source).GetTypeByMetadataName("M").ShouldNotBeNull(), TestContext.Current.CancellationToken);

    /// <summary>What the generator makes of a project.</summary>
    public static GeneratorRunResult Run(CSharpCompilation project, out Compilation complete)
    {
        GeneratorDriver driver = CSharpGeneratorDriver
            .Create([new SparseInferGenerator(Reader).AsSourceGenerator()], parseOptions: GeneratedProject.ParseOptions)
            .RunGeneratorsAndUpdateCompilation(project, out complete, out ImmutableArray<Diagnostic> _, TestContext.Current.CancellationToken);
        return driver.GetRunResult().Results.ShouldHaveSingleItem();
    }

    /// <summary>The vocabulary from its sources and the traits' attributes: an assembly that stands where the vocabulary's does.</summary>
    private static MetadataReference CompileVocabulary()
    {
        AssemblyName name = typeof(vocabulary::SparseInfer.WeightsAttribute).Assembly.GetName();
        string[] sources =
        [
            "global using System;\nglobal using System.Collections.Generic;",
            $"[assembly: System.Reflection.AssemblyVersion(\"{name.Version}\")]",
            TestScalesTrait.Attribute,
            TestShiftTrait.Attribute,
            TestOnCpuTrait.Attribute,
            .. FolderTable.Sources("src/SparseInfer.Dsl").Select(source => source.Text),
        ];
        using var image = new MemoryStream();
        CSharpCompilation.Create(
            name.Name, sources.Select(source => CSharpSyntaxTree.ParseText(source, UserCode.ParseOptions)), UserCode.References, UserCode.CompilationOptions)
            .Emit(image).Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ShouldBeEmpty();
        return MetadataReference.CreateFromImage(image.ToArray());
    }
}
