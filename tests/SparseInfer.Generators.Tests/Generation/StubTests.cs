using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Generation;

/// <summary>A broken declaration is told by its rule alone: what uses it compiles, and throws.</summary>
public sealed class StubTests
{
    private const string Attributes =
        "[DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64), Attention(Heads = 5), FeedForward(Intermediate = 96)] "
        + "[RmsNorm, Weights(WeightType.F16)]\n";

    private const string Use = """

        public static class Use
        {
            public static object Shape() => $M.DeclaredShape;

            public static async System.Threading.Tasks.Task<string> Run()
            {
                using var model = $M.Load("model.gguf", Device.Cpu(), new LoadOptions());
                using Session session = model.CreateSession();
                await foreach (string text in model.GenerateAsync("Once"))
                {
                    return text;
                }

                return $M.Load(default(SparseInfer.Files.ModelFile)!).Shape.Name;
            }
        }
        """;

    [Theory]
    [InlineData("public sealed partial class M;", "M")]
    [InlineData("public abstract partial class M;", "M")]
    [InlineData("public static partial class M;", "M")]
    [InlineData("public partial record M;", "M")]
    [InlineData("public partial class M<T>;", "M<int>")]
    [InlineData("public partial class M : System.Random;", "M")]
    [InlineData("public partial class M(int x) { public int X => x; }", "M")]
    [InlineData("public partial class M { public M() { } }", "M")]
    [InlineData("public partial class M { public required int X { get; set; } }", "M")]
    [InlineData("public partial class M : LanguageModel;", "M")]
    [InlineData("public partial class M { static M Load(string path, int x) => null!; }", "M")]
    public async Task What_uses_a_model_compiles_and_throws(string type, string used)
    {
        Assembly assembly = Load(Attributes + type + Use.Replace("$M", used));
        Type use = assembly.GetType("Use").ShouldNotBeNull();

        var shape = Should.Throw<InvalidOperationException>(
            () => use.GetMethod("Shape")!.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [], null));
        var run = await Should.ThrowAsync<InvalidOperationException>(() => (Task<string>)use.GetMethod("Run")!.Invoke(null, [])!);

        shape.Message.ShouldMatch("^SPI00(04|03|12): ");
        run.Message.ShouldBe(shape.Message);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("class Outer<T> where T : class", "Outer<string>.")]
    [InlineData("interface Outer<T, U>", "Outer<string, int>.")]
    [InlineData("record struct Outer", "Outer.")]
    public void What_uses_a_layer_compiles_and_throws(string outer, string qualifier)
    {
        string layers = """
            public partial class Layers
            {
                [FeedForward(Hidden = 65, Intermediate = 0), Weights(WeightType.Q4_0)]
                public static partial FeedForwardKernel Mlp { get; }
            }
            """;
        string source = outer.Length == 0 ? layers : $"public partial {outer} {{ {layers} }}";
        Assembly assembly = Load(
            $"{source} public static class Use {{ public static object Get() => {qualifier}Layers.Mlp.Shape; }}");

        Should.Throw<InvalidOperationException>(
                () => assembly.GetType("Use")!.GetMethod("Get")!.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [], null))
            .Message.ShouldStartWith(outer.Contains('<') ? "SPI0003: " : "SPI0009: Intermediate of [FeedForward] must be at least 1");
    }

    [Theory]
    [InlineData("internal static partial (int A, string? B) P { get; private set; }")]
    [InlineData("protected partial ref readonly int P { get; }")]
    [InlineData("partial FeedForwardKernel P { get; init; }")]
    [InlineData("static partial object? P { set; }")]
    [InlineData("protected partial System.Collections.Generic.List<dynamic?> P { set; private get; }")]
    [InlineData("new static partial FeedForwardKernel? ToString { get; }")]
    public void Any_property_has_its_other_half(string property) => Complete(
        "public partial class C { [FeedForward(Hidden = 64, Intermediate = 0), Weights(WeightType.F32)] " + property + " }")
        .GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ShouldBeEmpty();

    /// <summary>What the compiler rejects in the user's text it does not reject a second time in the generated.</summary>
    [Theory]
    [InlineData("static virtual partial FeedForwardKernel P { get; }")]
    [InlineData("static partial FeedForwardKernel P { readonly get; }")]
    [InlineData("static partial FeedForwardKernel P { get; get; }")]
    [InlineData("static partial FeedForwardKernel P { private get; }")]
    [InlineData("partial static FeedForwardKernel P { get; }")]
    [InlineData("static partial void P { get; }")]
    [InlineData("static partial System.Math P { get; }")]
    [InlineData("unsafe static partial int* P { get; }")]
    [InlineData("public private static partial object P { get; }")]
    [InlineData("static static partial object P { get; }")]
    public void Errors_are_not_repeated(string property) => Diagnose.Run(
        UserCode.Compile("partial class C { [FeedForward(Hidden = 64, Intermediate = 9), Weights(WeightType.F32)] " + property + " }"),
        out Compilation complete).ShouldSatisfyAllConditions(
            () => complete.GetDiagnostics().ShouldHaveNoWarningsInGeneratedCode(),
            () => complete.GetDiagnostics().ShouldContain(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));

    [Theory]
    [InlineData("[DecoderModel(Missing = 2)] public sealed partial class P : object { }")]
    [InlineData("[DecoderModel(Hidden = 2)] public sealed partial class P : System.Object { }")]
    [InlineData("public static partial class { [Embedding] public sealed partial class P { } }")]
    [InlineData("[DecoderModel(Hidden = 2)] public sealed partial class { }")]
    [InlineData("class SparseInfer { } partial class C { [Weights(WeightType.F16)] static partial FeedForwardKernel P { get; } }")]
    [InlineData("namespace SparseInfer { partial record LanguageModel; } [Weights(WeightType.F16)] sealed partial class P { }")]
    [InlineData("class System { } partial class C { [Weights(WeightType.F16)] static partial FeedForwardKernel P { get; } }")]
    [InlineData("[Weights(WeightType.F16)] private partial class P { }")]
    [InlineData("partial class C { [Weights(WeightType.F16)] static partial FeedForwardKernel P { } }")]
    [InlineData("[DecoderModel(Hidden = 2)] public partial class P : Unknown { }")]
    [InlineData("[DecoderModel(Hidden = 2)] public partial class P<T> where T : Unknown { }")]
    public void Nor_is_what_they_leave_unclear(string source)
    {
        Diagnose.Run(UserCode.Compile(source), out Compilation complete);

        complete.GetDiagnostics().ShouldHaveNoWarningsInGeneratedCode();
    }

    [Theory]
    [InlineData("[Weights(WeightType.F32)] ")]
    [InlineData("[SignBitPredictor] ")]
    public void A_property_that_is_no_layer_yet_compiles_too(string attribute) => Complete(
        "partial class C { " + attribute + "static partial FeedForwardKernel P { get; } }")
        .GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ShouldBeEmpty();

    /// <summary>What other generators write is not there yet when the stub is: the compiler misses it beside the declaration, and only there.</summary>
    [Theory]
    [InlineData("static partial class App", "abstract class Base { public abstract int X { get; } } partial class Ctx : Base;", "CS0534")]
    [InlineData("static partial class App", "partial class Other : System.IDisposable;", "CS0535")]
    [InlineData("static partial class App", "static Written? Field; static Written Method(Written x) => x;", "CS0246")]
    [InlineData("static partial class App", "partial class Other : Written;", "CS0246")]
    [InlineData("static partial class App", "[Written] static int X => 1;", "CS0246")]
    [InlineData("static partial class App", "public static partial int X();", "CS8795")]
    [InlineData("abstract class Base { public abstract int X { get; } } partial class App : Base", "", "CS0534")]
    [InlineData("partial class App : System.IDisposable", "", "CS0535")]
    public void What_other_generators_write_is_not_in_the_way(string outer, string sibling, string missing)
    {
        string source = $$"""
            {{outer}}
            {
                {{sibling}}
                {{Attributes}} public sealed partial class M;
                [FeedForward(Hidden = 64, Intermediate = 0), Weights(WeightType.F32)] static partial FeedForwardKernel P { get; }
                static object Use() => M.Load("file").Shape.Name + P.Shape + M.DeclaredShape;
            }
            """;

        Complete(source).GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)
            .Select(diagnostic => diagnostic.Id).Distinct().ShouldBe([missing]);
    }

    [Fact]
    public void One_mistake_hides_no_other()
    {
        const string Source = """
            partial class A { [FeedForward(Hidden = 64, Intermediate = 0), Weights(WeightType.F32)] static partial FeedForwardKernel P { get; } }
            class B { [FeedForward(Hidden = 64, Intermediate = 9), Weights(WeightType.F32)] static partial FeedForwardKernel P { get; } }
            partial class C { [FeedForward(Hidden = 65, Intermediate = 9), Weights(WeightType.Q4_0)] static partial FeedForwardKernel P { get; } }
            partial class D { [FeedForward(Hidden = 64, Intermediate = 9)] static partial FeedForwardKernel P { get; } }
            [Attention(Heads = 1)] partial class E { Unknown _field; }
            [DecoderModel(Hidden = 1, Layers = 1, Vocabulary = 1, Context = 1), Attention(Heads = "1")] partial class F;
            """;

        Diagnose.Run(UserCode.Compile(Source), out Compilation complete).Select(diagnostic => diagnostic.Id)
            .ShouldBe(["SPI0009", "SPI0002", "SPI0020", "SPI0006", "SPI0005"]);
        complete.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).Select(diagnostic => diagnostic.Id)
            .ShouldBe(["CS0751", "CS9248", "CS0246", "CS0029"], ignoreOrder: true);
    }

    [Fact]
    public void A_pragma_silences_a_warning()
    {
        string source = Declared.Layer("[SignBitPredictor(Alpha = 98)]");

        Diagnose.Run(UserCode.Compile(source), out _).ShouldHaveSingleItem().Id.ShouldBe("SPI0036");
        Diagnose.Run(UserCode.Compile("#pragma warning disable SPI0036\n" + source), out _).ShouldBeEmpty();
    }

    private static Compilation Complete(string source)
    {
        CSharpCompilation project = UserCode.Compile(source)
            .WithOptions(UserCode.CompilationOptions.WithAllowUnsafe(true).WithWarningLevel(9999));
        Diagnose.Run(project, out Compilation complete).ShouldNotBeEmpty();
        complete.GetDiagnostics().ShouldHaveNoWarningsInGeneratedCode();
        return complete;
    }

    private static Assembly Load(string source)
    {
        using var image = new MemoryStream();
        Complete(source).Emit(image).Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ShouldBeEmpty();
        return new System.Runtime.Loader.AssemblyLoadContext("Stub", isCollectible: true).LoadFromStream(new MemoryStream(image.ToArray()));
    }
}
