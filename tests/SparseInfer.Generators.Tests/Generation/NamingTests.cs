using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Generation;

/// <summary>No two declarations write one file or one class, however they are named.</summary>
public sealed class NamingTests
{
    private const string Model =
        "[SparseInfer.DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64), SparseInfer.Attention(Heads = 4), "
        + "SparseInfer.FeedForward(Intermediate = 96), SparseInfer.RmsNorm, SparseInfer.Weights(SparseInfer.WeightType.F16)] ";

    private const string Layer =
        "[SparseInfer.FeedForward(Hidden = 64, Intermediate = 96), SparseInfer.Weights(SparseInfer.WeightType.F16)] "
        + "static partial SparseInfer.FeedForwardKernel ";

    /// <summary>M is a model, L a layer.</summary>
    [Theory]
    [InlineData("namespace A_ { $M partial class B; } namespace A { $M partial class _B; }")]
    [InlineData("namespace A { $M partial class B_C; } namespace A.B { $M partial class C; } namespace A.B_ { $M partial class C; }")]
    [InlineData("namespace SparseInfer { $M partial class Ilgpu; } partial class SparseInfer1 { $L Ilgpu { get; } }")]
    [InlineData("$M partial class FeedForward_64x96_Relu_F16; $M partial class FEEDFORWARD_64x96_relu_F16_Ilgpu;")]
    [InlineData("partial class FeedForward_64x96_Relu_F16 { $L Cpu { get; } $L Ilgpu { get; } }")]
    [InlineData("$M partial class M { $L Cpu { get; } $L cpu { get; } $L Ilgpu { get; } }")]
    [InlineData("$M partial class Llama; $M partial class LLAMA; namespace llama { $M partial class Other; }")]
    [InlineData("namespace N { $M partial class M; partial class O { $M partial class M { $M partial class M2; } } }")]
    [InlineData("partial class @class { $L @event { get; } $L Event { get; } $L @record { get; } } $M partial class @record;")]
    [InlineData("$M partial class Na\u0308her; $M partial class N\u00e4her; $M partial class \u6a21\u578b;")]
    [InlineData("partial class G<T> { $M partial class A; } partial class G { $M partial class A; $L P { get; } } partial class G<T, U> { $L P { get; } }")]
    [InlineData("partial class G<T> { $L P { get; } } partial interface G<in T, out U> { $L P { get; } }")]
    [InlineData("$M partial class Broken { int Load; } namespace broken_ { $M partial record R; } $M partial class BROKEN { int DeclaredShape; }")]
    [InlineData("$L P { get; } namespace N { $L P { get; } } namespace N { $L P { get; } }")]
    [InlineData("enum E { $L P { get; } } enum F { A, $L P { get; } }")]
    [InlineData("static partial class X { extension(string s) { $L P { get; } } extension(int s) { $L P { get; } } $L P { get; } }")]
    public void Names_do_not_collide(string declarations)
    {
        string source = declarations.Replace("$M", Model).Replace("$L", Layer);
        foreach (CSharpCompilation project in new[] { Project(source), Project(source).WithIlgpu() })
        {
            GeneratorDriver driver = CSharpGeneratorDriver
                .Create([new SparseInferGenerator().AsSourceGenerator()], parseOptions: UserCode.ParseOptions)
                .RunGeneratorsAndUpdateCompilation(project, out Compilation complete, out _);
            GeneratorRunResult result = driver.GetRunResult().Results.ShouldHaveSingleItem();

            result.Exception.ShouldBeNull();
            result.Diagnostics.ShouldNotContain(diagnostic => diagnostic.Id == "SPI0042");
            complete.GetDiagnostics().ShouldHaveNoWarningsInGeneratedCode();
        }
    }

    [Fact]
    public void Whoever_shares_a_name_is_numbered_and_nobody_else() => Names(
        "$M partial class Llama; $M partial class LLAMA; $M partial class Other { $L Cpu { get; } }").ShouldBe(
        [
            "FeedForward_64x96_Relu_F16.Cpu.g.cs",
            "LLAMA-1.g.cs", "LLAMA.Cpu-1.g.cs", "Llama-2.g.cs", "Llama.Cpu-2.g.cs",
            "Other.Cpu-1.g.cs", "Other.Cpu-2.g.cs", "Other.Cpu.Cpu.g.cs", "Other.g.cs",
        ]);

    [Fact]
    public void A_name_that_no_file_can_have_is_cut()
    {
        string[] names = Names($"$M partial class {new string('\u6a21', 300)}; $M partial class {new string('\u6a21', 301)};");

        names.Length.ShouldBe(5);
        names.ShouldAllBe(name => System.Text.Encoding.UTF8.GetByteCount(name) < 200);
    }

    private static string[] Names(string declarations) =>
    [
        .. GeneratedProject.Generate(Project(declarations.Replace("$M", Model).Replace("$L", Layer))).Select(source => source.HintName),
    ];

    private static CSharpCompilation Project(string source) => CSharpCompilation.Create(
        "UserCode", [CSharpSyntaxTree.ParseText(source, UserCode.ParseOptions, "Source.cs")], UserCode.References, UserCode.CompilationOptions);
}
