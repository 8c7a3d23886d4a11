using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Rules;

/// <summary>SPI0039 to SPI0041: what is right with the shape, and yet has no place in the project around it.</summary>
public sealed class ProjectRuleTests
{
    private const string Attributes =
        "[SparseInfer.DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64), SparseInfer.Attention(Heads = 4), "
        + "SparseInfer.FeedForward(Intermediate = 96), SparseInfer.RmsNorm, SparseInfer.Weights(SparseInfer.WeightType.F16)] ";

    private const string Layer =
        "partial class C { [SparseInfer.FeedForward(Hidden = 40, Intermediate = 50), SparseInfer.Weights(SparseInfer.WeightType.F32)] "
        + "static partial SparseInfer.FeedForwardKernel ";

    [Theory]
    [InlineData("partial class {|SPI0039:Load|} { }")]
    [InlineData("partial class {|SPI0039:DeclaredShape|} { }")]
    [InlineData("partial class M { int {|SPI0039:Load|}; }")]
    [InlineData("partial class M { class {|SPI0039:Load|} { } }")]
    [InlineData("partial class M { static void {|SPI0039:DeclaredShape|}() { } }")]
    [InlineData("partial class M { static int {|SPI0039:get_DeclaredShape|}() => 1; }")]
    [InlineData("partial class M { static M {|SPI0039:Load|}(string a, SparseInfer.Device b, SparseInfer.LoadOptions? c) => null!; }")]
    [InlineData("partial class M { public int {|SPI0039:Load|}(SparseInfer.Files.ModelFile a, SparseInfer.Device b, SparseInfer.LoadOptions c) => 1; }")]
    public Task Load_and_declared_shape_are_the_generators(string markup) => Diagnose.Expect(Attributes + markup);

    [Theory]
    [InlineData("partial class CreateProgram { }")]
    [InlineData("partial class M { int CreateProgram; int CreateProgram1; }")]
    [InlineData("partial class M { public static M Load(System.IO.Stream stream) => null!; public static M Load(string path) => null!; }")]
    [InlineData("partial class M { static M Load<T>(string a, SparseInfer.Device b, SparseInfer.LoadOptions c) => null!; }")]
    [InlineData("partial class M { public M(string path) : this(default(SparseInfer.Runtime.LoadedModel)!) { } }")]
    [InlineData("partial class Session { }")]
    [InlineData("partial class Shape { }")]
    [InlineData("partial class Device { } class device { }")]
    public Task Other_names_are_the_users(string markup) => Diagnose.Expect(Attributes + markup);

    [Theory]
    [InlineData(LanguageVersion.CSharp7_3, false)]
    [InlineData(LanguageVersion.CSharp8, false)]
    [InlineData(LanguageVersion.CSharp9, false)]
    [InlineData(LanguageVersion.CSharp10, false)]
    [InlineData(LanguageVersion.CSharp11, false)]
    [InlineData(LanguageVersion.CSharp12, true)]
    [InlineData(LanguageVersion.CSharp13, true)]
    public Task A_model_needs_the_c_sharp_that_it_is_written_in(LanguageVersion version, bool isEnough)
    {
        string name = isEnough ? "M" : "{|SPI0040:M|}";
        return Diagnose.Expect(
            Attributes + "partial class " + name + " { static M Use() { return Load(\"path\"); } }", source => In(version, source));
    }

    [Fact]
    public async Task A_layer_needs_partial_properties() =>
        (await Diagnose.Expect(
            Layer + "{|SPI0040:P|} { get; } }", source => In(LanguageVersion.CSharp12, source), "CS8703", "CS9248"))
            .ShouldBe(
            [
                "What is generated for 'P' needs C# 13.0, but the project has C# 12.0; "
                + "write '<LangVersion>latest</LangVersion>' in the project, or remove it",
            ]);

    [Theory]
    [InlineData("namespace SparseInfer { enum Device { } }")]
    [InlineData("namespace SparseInfer { class FeedForwardKernel { } }", "CS0029")]
    [InlineData("namespace SparseInfer.Runtime { enum RopeTable { } }")] // of another namespace of ours: found twice
    [InlineData("namespace SparseInfer.Session { class C { } }")]
    [InlineData("namespace SparseInfer.Generated { enum Math { } }")]
    [InlineData("namespace SparseInfer.Generated.System { enum E { } }")]
    [InlineData("namespace System.Diagnostics { enum NativeBuffer { } }")]
    [InlineData("enum @nint { }")]
    [InlineData("namespace SparseInfer { enum @var { } }")]
    public async Task Nothing_takes_the_place_of_what_generated_code_names(string hiding, params string[] errors) =>
        await Diagnose.Expect(
            hiding + "\n" + Attributes + "partial class {|SPI0041:M|} { }\n" + Layer + "{|SPI0041:P|} { get; } }", [.. errors, "CS0435", "CS9248"]);

    /// <summary>The compiler rejects what is written with that type, and only we know why.</summary>
    [Fact]
    public async Task A_type_that_takes_an_arguments_place_is_named()
    {
        const string Taken = "namespace SparseInfer { enum Activation { Relu } }\n";
        const string Argument = "Intermediate = 50, Activation = SparseInfer.Activation.Relu";
        await Diagnose.Expect(Taken + Layer.Replace("Intermediate = 50", Argument) + "{|SPI0041:P|} { get; } }", "CS0029", "CS0266", "CS9248");
        await Diagnose.Expect(Taken + Attributes.Replace("Intermediate = 96", Argument) + "partial class {|SPI0041:M|} { }", "CS0029", "CS0266");
    }

    /// <summary>The compiler says it of the second; what is generated for the first has no name twice.</summary>
    [Fact]
    public void A_layer_that_is_declared_again_is_generated_once()
    {
        CSharpCompilation project = GeneratedProject.Compilation(Layer + "P { get; } " + Layer.Replace("partial class C { ", "") + "P { get; } }");
        project.GetDiagnostics().ShouldContain(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error && diagnostic.Id != "CS9248");

        GeneratedProject.Complete(project).GetDiagnostics().ShouldHaveNoWarningsInGeneratedCode();
        GeneratedProject.Complete(project.WithIlgpu()).GetDiagnostics().ShouldHaveNoWarningsInGeneratedCode();
    }

    [Theory]
    [InlineData("namespace SparseInfer { enum Device { } }", "SparseInfer.Device", "SparseInfer's 'SparseInfer.Device'")]
    [InlineData("namespace SparseInfer.Device { enum E { } }", "SparseInfer.Device", "the type 'SparseInfer.Device'")]
    [InlineData("namespace SparseInfer { enum Files { } }", "SparseInfer.Files", "the namespace 'SparseInfer.Files'")]
    [InlineData("enum ILGPU { }", "ILGPU", "the namespace 'ILGPU'")]
    [InlineData("namespace SparseInfer { enum @nint { } }", "SparseInfer.nint", "the word 'nint'")]
    [InlineData("namespace SparseInfer.Generated { enum E { } }", "SparseInfer.Generated.E", "what SparseInfer generates or names there")]
    [InlineData("namespace System { static class Math { } }", "System.Math", "the base library's 'System.Math'")]
    [InlineData("namespace System { ref struct Span<T> { } }", "System.Span<T>", "the base library's 'System.Span'")]
    [InlineData(
        "namespace System.Runtime.CompilerServices { static class Unsafe { } }",
        "System.Runtime.CompilerServices.Unsafe",
        "the base library's 'System.Runtime.CompilerServices.Unsafe'")]
    [InlineData(
        "namespace System.Numerics { static class BitOperations { } }",
        "System.Numerics.BitOperations",
        "the base library's 'System.Numerics.BitOperations'")]
    [InlineData("namespace System.Numerics { static class Math { } }", "System.Numerics.Math", "the base library's 'System.Math'")] // found twice
    public void The_message_names_what_is_hidden(string hiding, string by, string what) =>
        Diagnose.Run(UserCode.Compile(hiding + "\n" + Attributes + "partial class M { }"), out _).ShouldHaveSingleItem()
            .GetMessage(System.Globalization.CultureInfo.InvariantCulture)
            .ShouldBe($"What is generated for 'M' would find '{by}' of this project in place of {what}; move it to a namespace of your own");

    [Theory]
    [InlineData("namespace SparseInfer.System { enum Math { } enum Span { } }")]
    [InlineData("namespace SparseInfer.ILGPU.Runtime { enum Index1D { } }")]
    [InlineData("namespace SparseInfer.SparseInfer.Runtime { enum Device { } }")]
    [InlineData("namespace SparseInfer { enum Math { } enum Unsafe { } enum MemoryMarshal { } enum Vector256 { } enum Layer { } enum State { } }")]
    [InlineData("namespace System { enum Tokens { } }")]
    [InlineData("class device { } class global { } class Runtime { }")]
    [InlineData("namespace SparseInfer { enum Context { } enum MethodImpl { } enum Interop { } }")]
    [InlineData("namespace System.Runtime.CompilerServices { static class IsExternalInit { } sealed class RequiredMemberAttribute : Attribute { } }")]
    [InlineData("namespace System { struct Index { } struct Range { } }")]
    [InlineData("namespace System.Runtime.CompilerServices { static class RuntimeHelpers { } } namespace System.Numerics { struct Vector { } }")]
    [InlineData("namespace System.Diagnostics.CodeAnalysis { sealed class NotNullWhenAttribute : Attribute { } }")]
    public void What_only_sounds_alike_is_not_in_the_way(string around)
    {
        string source = around + "\n" + Attributes + "sealed partial class M { }\n" + Layer + "P { get; } }";
        CSharpCompilation project = GeneratedProject.Compilation(source);

        GeneratedProject.Complete(project).GetDiagnostics().ShouldHaveNoWarningsInGeneratedCode();
        GeneratedProject.Complete(project.WithIlgpu()).GetDiagnostics().ShouldHaveNoWarningsInGeneratedCode();
    }

    [Theory]
    [InlineData("[DecoderModel(Hidden = {|SPI0010:65537|}, Layers = 1, Vocabulary = 1, Context = 1), Attention(Heads = 1, HeadDimension = 64)")]
    [InlineData("[DecoderModel(Hidden = 65536, Layers = 1, Vocabulary = 1, Context = 1), Attention(Heads = {|SPI0010:1|})")]
    [InlineData("[DecoderModel(Hidden = 64, Layers = 1, Vocabulary = 1, Context = 1), Attention(Heads = 1, HeadDimension = {|SPI0010:4098|})")]
    public Task Rows_that_gpus_cannot_hold_are_refused_where_there_is_code_for_them(string attributes)
    {
        string markup = attributes + ", FeedForward(Intermediate = 9), RmsNorm, Weights(WeightType.F16)] partial class M;";
        return Diagnose.Expect(markup, source => UserCode.Compile(source).WithIlgpu());
    }

    [Fact]
    public async Task Without_gpus_they_are_not()
    {
        await Diagnose.Expect(Declared.Layer("[FeedForward(Hidden = 1 << 20, Intermediate = 9)]"));
        await Diagnose.Expect(
            Declared.Layer("[FeedForward(Hidden = {|SPI0010:1 << 20|}, Intermediate = 9)]"), source => UserCode.Compile(source).WithIlgpu());
    }

    private static CSharpCompilation In(LanguageVersion version, string source) => CSharpCompilation.Create(
        "UserCode",
        [CSharpSyntaxTree.ParseText(source, new CSharpParseOptions(version), "Source.cs")],
        UserCode.References,
        new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
}
