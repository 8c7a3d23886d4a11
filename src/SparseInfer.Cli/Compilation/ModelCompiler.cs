extern alias generators;

using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using System.Runtime.Loader;
using generators::SparseInfer.Generators;
using generators::SparseInfer.Generators.Declare;
using generators::SparseInfer.Generators.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace SparseInfer.Cli.Compilation;

/// <summary>
/// Runs the source generator on a declaration and compiles what comes out, as a user's build does: release, C# 14, no unsafe code. So
/// what is measured here is what users get, for a shape that is known only now.
/// </summary>
internal static class ModelCompiler
{
    /// <summary>How everything is parsed.</summary>
    public static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.Preview, DocumentationMode.Parse);

    private static readonly CSharpCompilationOptions Options = new(
        OutputKind.DynamicallyLinkedLibrary,
        optimizationLevel: OptimizationLevel.Release,
        deterministic: true,
        nullableContextOptions: NullableContextOptions.Enable);

    private static readonly string[] ForCpu = ["SparseInfer.Dsl.dll", "SparseInfer.Runtime.dll", "SparseInfer.Kernels.Cpu.dll"];

    /// <summary>ILGPU, or what stands in for it: whichever this was built with.</summary>
    private static readonly string[] ForGpu =
    [
        .. ForCpu, "SparseInfer.Runtime.Ilgpu.dll", "SparseInfer.Kernels.Ilgpu.dll",
        Path.GetFileName(typeof(ILGPU.Context).Assembly.Location),
    ];

    private static readonly Lazy<MetadataReference[]> CpuReferences = new(() => FindReferences(ForCpu));

    private static readonly Lazy<MetadataReference[]> GpuReferences = new(() => FindReferences(ForGpu));

    /// <summary>Generates, compiles and loads.</summary>
    /// <param name="declaration">The declaration.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="forGpu">Whether with the program for GPUs, as in a project that references the runtime for them.</param>
    /// <exception cref="CliException">The declaration breaks a rule of the language; the message is the generator's.</exception>
    public static CompiledModel Compile(ModelDeclaration declaration, CancellationToken cancellationToken, bool forGpu = false) =>
        Compile([declaration], cancellationToken, forGpu)[0];

    /// <summary>Generates, compiles and loads several at once; their class names differ.</summary>
    /// <param name="declarations">The declarations.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="forGpu">Whether with the program for GPUs, as in a project that references the runtime for them.</param>
    /// <returns>A model for each declaration, all in one assembly.</returns>
    /// <exception cref="CliException">A declaration breaks a rule of the language; the message is the generator's.</exception>
    public static IReadOnlyList<CompiledModel> Compile(
        IReadOnlyList<ModelDeclaration> declarations, CancellationToken cancellationToken, bool forGpu = false)
    {
        (MemoryStream image, IReadOnlyList<(string, string)> generated) = Emit(declarations, cancellationToken, forGpu);
        Assembly assembly = Load(declarations[0], image);
        return [.. declarations.Select(declaration => new CompiledModel(declaration, assembly, generated))];
    }

    /// <summary>Generates and compiles, and loads nothing.</summary>
    /// <param name="declaration">The declaration.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="forGpu">Whether with the program for GPUs.</param>
    /// <returns>The assembly: what <see cref="Load"/> takes.</returns>
    /// <exception cref="CliException">The declaration breaks a rule of the language; the message is the generator's.</exception>
    public static MemoryStream Emit(ModelDeclaration declaration, CancellationToken cancellationToken, bool forGpu) =>
        Emit([declaration], cancellationToken, forGpu).Image;

    /// <summary>Loads what was compiled.</summary>
    /// <param name="declaration">The first declaration in it.</param>
    /// <param name="image">The assembly.</param>
    public static Assembly Load(ModelDeclaration declaration, Stream image) =>
        // Not collectible: the JIT reaches such an assembly's statics as it does those of a program's own.
        new AssemblyLoadContext(declaration.ClassName).LoadFromStream(image);

    private static (MemoryStream Image, IReadOnlyList<(string, string)> Generated) Emit(
        IReadOnlyList<ModelDeclaration> declarations, CancellationToken cancellationToken, bool forGpu)
    {
        CSharpCompilation compilation = Declare(declarations, forGpu ? GpuReferences.Value : CpuReferences.Value, cancellationToken);
        ThrowIfPoliciesAreWrong(compilation, declarations, cancellationToken);
        GeneratorDriver driver = CSharpGeneratorDriver
            .Create([new SparseInferGenerator().AsSourceGenerator()], Profiles(declarations), ParseOptions)
            .RunGeneratorsAndUpdateCompilation(compilation, out var complete, out ImmutableArray<Diagnostic> reported, cancellationToken);
        GeneratorRunResult result = driver.GetRunResult().Results[0];
        if (result.Exception is { } fault)
        {
            throw new InvalidOperationException("The generator failed.", fault);
        }

        ThrowIfBroken(reported, declarations);
        if (result.GeneratedSources.IsEmpty)
        {
            throw new CliException("the shape cannot be declared: the generator wrote nothing for it.");
        }

        var image = new MemoryStream();
        string[] errors = [.. complete.Emit(image, cancellationToken: cancellationToken).Diagnostics
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)
            .Select(diagnostic => diagnostic.ToString())];
        if (errors.Length > 0)
        {
            throw new InvalidOperationException($"What was generated does not compile: {string.Join(' ', errors.Take(3))}");
        }

        image.Position = 0;
        return (image, [.. result.GeneratedSources.Select(source => (source.HintName, source.SourceText.ToString()))]);
    }

    /// <summary>What the generator reads in the declaration: what its plans are made from.</summary>
    /// <exception cref="CliException">The declaration breaks a rule of the language; the message is the generator's.</exception>
    public static ModelSpec Read(ModelDeclaration declaration, CancellationToken cancellationToken)
    {
        CSharpCompilation compilation = Declare([declaration], CpuReferences.Value, cancellationToken);
        ThrowIfPoliciesAreWrong(compilation, [declaration], cancellationToken);
        if (DeclarationLanguage.Reader.Model(compilation.GetTypeByMetadataName(declaration.ClassName)!, Read(declaration.Profile), cancellationToken) is { } spec)
        {
            return spec;
        }

        CSharpGeneratorDriver
            .Create([new SparseInferGenerator().AsSourceGenerator()], Profiles([declaration]), ParseOptions)
            .RunGeneratorsAndUpdateCompilation(compilation, out _, out ImmutableArray<Diagnostic> reported, cancellationToken);
        ThrowIfBroken(reported, [declaration]);
        throw new CliException("the shape cannot be declared: the generator wrote nothing for it.");
    }

    private static IEnumerable<AdditionalText> Profiles(IReadOnlyList<ModelDeclaration> declarations) =>
        declarations.Select(declaration => declaration.Profile).OfType<DeclaredProfile>().Distinct().Select(profile => profile.ToFile());

    private static ProfileFiles Read(DeclaredProfile? profile) =>
        profile is null ? ProfileFiles.None : new(new[] { new ProfileFile(profile.Name, profile.Text) }.ToEquatableArray());

    private static CSharpCompilation Declare(
        IReadOnlyList<ModelDeclaration> declarations, MetadataReference[] references, CancellationToken cancellationToken)
    {
        IEnumerable<SyntaxTree> trees = declarations.Select(declaration => CSharpSyntaxTree.ParseText(
            declaration.ToText(), ParseOptions, FileName(declaration), cancellationToken: cancellationToken));
        return CSharpCompilation.Create(declarations[0].ClassName, trees, references, Options);
    }

    /// <summary>
    /// The base library, and what a user's project references; not the generator, which has the vocabulary a second time.
    /// </summary>
    private static MetadataReference[] FindReferences(string[] ours)
    {
        string? runtime = Path.GetDirectoryName(typeof(object).Assembly.Location);
        return [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Where(path => Path.GetDirectoryName(path) == runtime || ours.Contains(Path.GetFileName(path)))
            .Select(path => MetadataReference.CreateFromFile(path))];
    }

    private static string FileName(ModelDeclaration declaration) => declaration.ClassName + ".cs";

    /// <summary>Policies that a user typed may be no C# that compiles: what the generator makes of them is no fault of its.</summary>
    private static void ThrowIfPoliciesAreWrong(
        CSharpCompilation compilation, IReadOnlyList<ModelDeclaration> declarations, CancellationToken cancellationToken)
    {
        if (declarations.All(declaration => declaration.Policies is null))
        {
            return;
        }

        foreach (Diagnostic error in compilation.GetDiagnostics(cancellationToken).Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error))
        {
            if (PolicyAt(error, declarations) is { } policy)
            {
                // CS0246: no such type, which is told of the name with "Attribute" too, and of a property that an attribute lacks.
                string known = error.Id == "CS0246" ? Known(policy) : "";
                throw new CliException($"{PolicyText.Option} '{policy}': {Text(error)}{known}");
            }
        }
    }

    private static string Known(string policy)
    {
        string name = policy.Split('(')[0];
        return typeof(DecoderModelAttribute).Assembly.GetType($"SparseInfer.{name}Attribute") is { } attribute
            ? $" {name} has: {string.Join(", ", attribute.GetProperties().Where(property => property.CanWrite).Select(property => property.Name))}."
            : $" There are: {string.Join(", ", PolicyRegistry.All.Select(declarable => declarable.DisplayName))}.";
    }

    /// <summary>A declaration that breaks a rule has no program; the generator says which rule that is.</summary>
    private static void ThrowIfBroken(ImmutableArray<Diagnostic> reported, IReadOnlyList<ModelDeclaration> declarations)
    {
        Diagnostic[] errors = [.. reported.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)];
        if (errors.Length == 0)
        {
            return;
        }

        throw errors.Select(error => (Error: error, Policy: PolicyAt(error, declarations))).FirstOrDefault(pair => pair.Policy is not null) is { Policy: { } policy, Error: var first }
            ? new CliException($"{PolicyText.Option} '{policy}': {Text(first)}")
            : new CliException($"the shape cannot be declared: {string.Join(' ', errors.Take(3).Select(Text))}");
    }

    private static string Text(Diagnostic diagnostic) => $"{diagnostic.Id}: {diagnostic.GetMessage(CultureInfo.InvariantCulture)}";

    /// <summary>The policy that a user typed and a diagnostic is at; null: it is at something else. Each has a line of its own.</summary>
    private static string? PolicyAt(Diagnostic diagnostic, IReadOnlyList<ModelDeclaration> declarations)
    {
        FileLinePositionSpan place = diagnostic.Location.GetLineSpan();
        return declarations.FirstOrDefault(declaration => declaration.Policies is not null && FileName(declaration) == place.Path) is { } declared
            && declared.ToText().Split('\n').ElementAtOrDefault(place.StartLinePosition.Line) is { } line
            ? declared.Policies!.FirstOrDefault(policy => line == $"[{policy}]")
            : null;
    }
}
