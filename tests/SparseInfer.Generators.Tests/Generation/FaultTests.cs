using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Generation;

/// <summary>An exception in the generator costs the declaration that it happens in, and is reported on it.</summary>
public sealed class FaultTests
{
    private const string Source = """
        public static partial class Layers
        {
            [FeedForward(Hidden = 64, Intermediate = 96), Weights(WeightType.F16)]
            public static partial FeedForwardKernel Sound { get; }

            [FeedForward(Hidden = 64, Intermediate = 96), Weights(WeightType.F16)]
            public static partial FeedForwardKernel Faulty { get; }
        }
        """;

    [Fact]
    public void A_rule_that_throws_costs_one_declaration()
    {
        var generator = With([.. DeclarationRules.All, new Throws(() => new InvalidCastException("one\ntwo"))]);

        GeneratorRunResult result = Run(generator, out Compilation complete);

        result.Exception.ShouldBeNull();
        Diagnostic fault = result.Diagnostics.ShouldHaveSingleItem();
        fault.Id.ShouldBe("SPI0042");
        fault.Location.SourceTree!.ToString().Substring(fault.Location.SourceSpan.Start, 6).ShouldBe("Faulty");
        fault.GetMessage().ShouldStartWith("'Faulty' was not generated, because the generator threw InvalidCastException (one two)");
        result.GeneratedSources.Select(source => source.HintName).ShouldContain("Layers.Sound.Cpu.g.cs");
        result.GeneratedSources.Single(source => source.HintName == "Layers.Faulty.g.cs").SourceText.ToString().ShouldContain("\"SPI0042: ");
        complete.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ShouldBeEmpty();
    }

    [Fact]
    public void Cancellation_is_no_fault()
    {
        using var source = new CancellationTokenSource();
        var generator = With([new Throws(() =>
        {
            source.Cancel();
            return new OperationCanceledException(source.Token);
        })]);

        Should.Throw<OperationCanceledException>(() => Run(generator, out _, source.Token));
    }

    [Fact]
    public void An_emitter_that_throws_costs_one_file()
    {
        GeneratorRunResult result = Run(new Emits(), out _);

        result.Exception.ShouldBeNull();
        result.Diagnostics.ShouldHaveSingleItem().GetMessage().ShouldStartWith("'Bad' was not generated, because the generator threw FormatException");
        result.GeneratedSources.ShouldHaveSingleItem().HintName.ShouldBe("Good.g.cs");
    }

    private static SparseInferGenerator With(IReadOnlyList<DeclarationRule> rules) => new(DeclarationLanguage.ReaderWith(rules));

    private static GeneratorRunResult Run(
        IIncrementalGenerator generator, out Compilation complete, CancellationToken token = default) => CSharpGeneratorDriver
        .Create([generator.AsSourceGenerator()], parseOptions: UserCode.ParseOptions)
        .RunGeneratorsAndUpdateCompilation(UserCode.Compile(Source), out complete, out ImmutableArray<Diagnostic> _, token)
        .GetRunResult().Results.Single();

    private sealed class Throws(Func<Exception> exception) : DeclarationRule
    {
        public override DiagnosticDescriptor Descriptor => DeclarationRules.All[0].Descriptor;

        public override IEnumerable<Violation> Check(Declaration declaration) =>
            declaration.Symbol.Name == "Faulty" ? throw exception() : [];
    }

    private sealed class Emits : IIncrementalGenerator
    {
        public void Initialize(IncrementalGeneratorInitializationContext context) => context.RegisterSourceOutput(
            context.CompilationProvider,
            static (output, _) =>
            {
                SparseInferGenerator.Add(output, "Bad", () => throw new FormatException());
                SparseInferGenerator.Add(output, "Good", () => "// fine\n");
            });
    }
}
