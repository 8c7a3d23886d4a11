using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.Benchmarks;

/// <summary>A user's project of 300 files, the first of which declare a model each.</summary>
internal sealed class GeneratorProject
{
    private const int Files = 300;

    /// <summary>Its file is edited, and declares nothing.</summary>
    private const int Elsewhere = Files - 1;

    public static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.CSharp13);

    /// <summary>Parses the project.</summary>
    /// <param name="models">How many of the <see cref="DeclaredModels"/> it has.</param>
    /// <param name="gpu">Whether it references the runtime for GPUs.</param>
    public GeneratorProject(int models, bool gpu)
    {
        string[] texts = [.. Enumerable.Range(0, Files).Select(i => i < models ? Declaration(i) : Unrelated(i))];
        Compilation = CSharpCompilation.Create(
            "Shop",
            texts.Select((text, i) => CSharpSyntaxTree.ParseText(text, ParseOptions, $"File{i}.cs")),
            References(gpu),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        Edits = [("a comment in another file", Edit(Elsewhere, "// a comment\n" + texts[Elsewhere]))];
        if (models > 0)
        {
            (string before, string after) = DeclaredModels.Alpha;
            Edits.Add(("a comment beside a declaration", Edit(0, "// a comment\n" + texts[0])));
            Edits.Add(("another alpha", Edit(0, texts[0].Replace(before, after, StringComparison.Ordinal))));
        }
    }

    /// <summary>The project as it is opened.</summary>
    public CSharpCompilation Compilation { get; }

    /// <summary>The project after one edit, by what was edited.</summary>
    public List<(string Edit, CSharpCompilation Compilation)> Edits { get; }

    private CSharpCompilation Edit(int file, string text)
    {
        SyntaxTree tree = Compilation.SyntaxTrees[file];
        return Compilation.ReplaceSyntaxTree(tree, tree.WithChangedText(SourceText.From(text)));
    }

    /// <summary>
    /// What the generator asks of the runtime for GPUs: its name, and in earlier builds this type. With the real one, the generator would
    /// write GPU programs into the benchmarks too.
    /// </summary>
    private static CompilationReference IlgpuRuntime() => CSharpCompilation
        .Create("SparseInfer.Runtime.Ilgpu", [CSharpSyntaxTree.ParseText("namespace SparseInfer; public sealed class IlgpuDevice;")])
        .ToMetadataReference();

    private static IEnumerable<MetadataReference> References(bool gpu)
    {
        string framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        IEnumerable<MetadataReference> references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Where(path => Path.GetDirectoryName(path) == framework
                || Path.GetFileName(path) is "SparseInfer.Dsl.dll" or "SparseInfer.Runtime.dll" or "SparseInfer.Kernels.Cpu.dll")
            .Select(path => MetadataReference.CreateFromFile(path));
        return gpu ? references.Append(IlgpuRuntime()) : references;
    }

    private static string Declaration(int i) => $"using SparseInfer;\n\nnamespace Shop;\n\n{DeclaredModels.All[i]}\n";

    /// <summary>About a page of ordinary code, with attributes that are not ours.</summary>
    private static string Unrelated(int i) =>
        $"namespace Shop.Part{i % 20};\n\n[System.Serializable]\npublic sealed class Thing{i}\n{{\n"
        + string.Concat(Enumerable.Range(0, 20).Select(j => $$"""
                [System.Obsolete("later")]
                public int Method{{j}}(int a, string b)
                {
                    var sum = a + b.Length;
                    for (int k = 0; k < {{j}}; k++)
                    {
                        sum += k * a;
                    }

                    return sum;
                }

            """))
        + "}\n";
}
