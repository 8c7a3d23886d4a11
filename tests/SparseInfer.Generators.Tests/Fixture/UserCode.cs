using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace SparseInfer.Generators.Tests.Fixture;

/// <summary>A user's project: what it references, and what every test's source may take for granted.</summary>
internal static class UserCode
{
    public static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.Preview);

    public static readonly CSharpCompilationOptions CompilationOptions =
        new(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable);

    /// <summary>The base library and the assemblies a user's project references; not the generator, which has the same enums.</summary>
    public static readonly IReadOnlyList<MetadataReference> References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Where(path => IsBase(path) || IsOurs(path))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>The same with what GPU programs need: the package that runs them, and ILGPU.</summary>
    public static readonly IReadOnlyList<MetadataReference> IlgpuReferences =
    [
        .. References,
        .. new[] { typeof(IlgpuDevice), typeof(Kernels.Ilgpu.Words4), typeof(ILGPU.Context) }
            .Select(type => MetadataReference.CreateFromFile(type.Assembly.Location)),
    ];

    /// <summary>The code beside a test's source.</summary>
    public static readonly string Preamble = "global using SparseInfer;\n";

    /// <summary>Every test's compilation grows from this one, so that references are resolved once and not once a test.</summary>
    private static readonly CSharpCompilation Empty =
        CSharpCompilation.Create("UserCode", [CSharpSyntaxTree.ParseText(Preamble, ParseOptions, "Preamble.cs")], References, CompilationOptions);

    public static CSharpCompilation Compile(string source) =>
        Empty.AddSyntaxTrees(CSharpSyntaxTree.ParseText(source, ParseOptions, "Source.cs"));

    /// <summary>The same in another version of the language.</summary>
    public static CSharpCompilation Compile(string source, LanguageVersion version) => CSharpCompilation.Create(
        "UserCode",
        new[] { (Preamble, "Preamble.cs"), (source, "Source.cs") }
            .Select(file => CSharpSyntaxTree.ParseText(file.Item1, ParseOptions.WithLanguageVersion(version), file.Item2)),
        References,
        CompilationOptions);

    public static Document Document(Workspace workspace, string source)
    {
        Project project = workspace.CurrentSolution
            .AddProject("UserCode", "UserCode", LanguageNames.CSharp)
            .WithParseOptions(ParseOptions)
            .WithCompilationOptions(CompilationOptions)
            .WithMetadataReferences(References)
            .AddDocument("Preamble.cs", Preamble).Project;
        return project.AddDocument("Source.cs", source);
    }

    private static bool IsBase(string path) => Path.GetDirectoryName(path) == Path.GetDirectoryName(typeof(object).Assembly.Location);

    private static bool IsOurs(string path) =>
        Path.GetFileName(path) is "SparseInfer.Dsl.dll" or "SparseInfer.Runtime.dll" or "SparseInfer.Kernels.Cpu.dll";
}
