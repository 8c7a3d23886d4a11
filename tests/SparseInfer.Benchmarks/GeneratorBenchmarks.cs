extern alias generator;

using BenchmarkDotNet.Attributes;
using generator::SparseInfer.Generators;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace SparseInfer.Benchmarks;

/// <summary>What the generator costs a project of 300 files that declares one model: in a build, and at a key stroke.</summary>
[MemoryDiagnoser]
public class GeneratorBenchmarks
{
    private const string Model =
        """
        using SparseInfer;

        namespace Shop;

        [DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 32000, Context = 4096)]
        [Attention(Heads = 32, KeyValueHeads = 32, RopeTheta = 10000)]
        [FeedForward(Intermediate = 11008, Activation = Activation.FatRelu, Threshold = 0.01f, Gated = true)]
        [RmsNorm(Epsilon = 1e-5f)]
        [SignBitPredictor(Alpha = 1.03f, Layers = "0..19")]
        [SignBitPredictor(Alpha = 1.00f, Layers = "20..")]
        [Weights(WeightType.F16)]
        public sealed partial class ProSparseLlama7B;
        """;

    private readonly CSharpParseOptions _options = new(LanguageVersion.CSharp13);
    private CSharpCompilation _project = null!;
    private CSharpCompilation _commented = null!;
    private CSharpCompilation _elsewhere = null!;
    private CSharpCompilation _alpha = null!;
    private GeneratorDriver _warm = null!;

    [GlobalSetup]
    public void Setup()
    {
        SyntaxTree model = CSharpSyntaxTree.ParseText(Model, _options, "Model.cs");
        SyntaxTree[] others = [.. Enumerable.Range(0, 299).Select(i => CSharpSyntaxTree.ParseText(Unrelated(i), _options, $"File{i}.cs"))];
        string[] assemblies = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        _project = CSharpCompilation.Create(
            "Shop",
            [model, .. others],
            assemblies
                .Where(path => Path.GetFileName(path).StartsWith("System.", StringComparison.Ordinal)
                    || Path.GetFileName(path) is "SparseInfer.Dsl.dll" or "SparseInfer.Runtime.dll" or "SparseInfer.Kernels.Cpu.dll")
                .Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        _warm = Driver().RunGenerators(_project);
        if (_warm.GetRunResult().GeneratedTrees.Length != 3)
        {
            throw new InvalidOperationException("The model was not generated.");
        }

        _commented = Edit(model, "// a comment\n" + Model);
        _elsewhere = Edit(others[7], "// a comment\n" + Unrelated(7));
        _alpha = Edit(model, Model.Replace("1.03f", "1.05f", StringComparison.Ordinal));
    }

    [Benchmark(Description = "cold run")]
    public GeneratorDriver Cold() => Driver().RunGenerators(_project.Clone());

    [Benchmark(Description = "comment in the model's file")]
    public GeneratorDriver Comment() => _warm.RunGenerators(_commented.Clone());

    [Benchmark(Description = "comment in another file")]
    public GeneratorDriver Elsewhere() => _warm.RunGenerators(_elsewhere.Clone());

    [Benchmark(Description = "another alpha")]
    public GeneratorDriver Alpha() => _warm.RunGenerators(_alpha.Clone());

    private CSharpGeneratorDriver Driver() =>
        CSharpGeneratorDriver.Create([new SparseInferGenerator().AsSourceGenerator()], parseOptions: _options);

    private CSharpCompilation Edit(SyntaxTree tree, string text) =>
        _project.ReplaceSyntaxTree(tree, tree.WithChangedText(SourceText.From(text)));

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
