using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Generation;
using SparseInfer.Generators.Text;
using static SparseInfer.Generators.Tests.Execution.DecoderRun;

namespace SparseInfer.Generators.Tests.Traits;

/// <summary>A family of models is added without a change to what there is: a trait's attribute rewrites the program.</summary>
public sealed class TraitTests
{
    private static readonly CpuDevice[] Devices = [Device.Cpu(1), Device.Cpu(3)];

    private static readonly DecoderCase Declared = new("Scaled")
    {
        Alphas = [1m, null, 1.1m],
        FeedForwardBiases = true,
        OutputBias = true,
        Traits = ["[TestScales(Residual = 0.3f, Logits = 0.125f)]", "[TestShift]"],
    };

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() =>
    {
        GeneratorRunResult result = TraitProject.Run(TraitProject.Compilation(Declared.Source), out Compilation complete);
        result.Diagnostics.ShouldBeEmpty();
        return GeneratedAssembly.Load(complete);
    });

    [Theory]
    [InlineData(SparsityMode.Dense)]
    [InlineData(SparsityMode.Exact)]
    [InlineData(SparsityMode.Predicted)]
    public void Logits_are_those_of_double_precision(SparsityMode mode)
    {
        DecoderWeights weights = Weights();
        float[] logits = With(weights, Devices[0], model => Prompt(model, mode));
        var reference = new Reference(Declared, weights, mode);
        for (int i = 0; i < Tokens; i++)
        {
            double[] expected = reference.Next(Token(Declared.Vocabulary, i));
            double worst = expected.Select((value, j) => Math.Abs(logits[(i * Declared.Vocabulary) + j] - value)).Max();
            worst.ShouldBeLessThan(2e-5 * expected.Max(Math.Abs), $"{mode}, position {i}");
        }
    }

    [Theory]
    [InlineData(SparsityMode.Exact)]
    [InlineData(SparsityMode.Predicted)]
    public void Decoding_has_the_bits_of_the_prompt_on_any_number_of_threads(SparsityMode mode)
    {
        DecoderWeights weights = Weights();
        float[] expected = With(weights, Devices[0], model => Prompt(model, mode));
        ShouldHaveTheBitsOf(expected, With(weights, Devices[1], model => Prompt(model, mode)), "prompt, three threads");
        ShouldHaveTheBitsOf(expected, With(weights, Devices[1], model => Decode(model, mode)), "decode, three threads");
    }

    [Fact]
    public void The_head_comment_names_the_traits() => Cpu(TraitProject.Run(TraitProject.Compilation(Declared.Source), out _)).ShouldContain(
        "//   traits       vectors are added to what blocks add, and to logits\n//                residuals times 0.3f, logits times 0.125f\n");

    [Fact]
    public void Traits_come_in_their_own_order_whatever_the_attributes_is()
    {
        ModelSpec spec = TraitProject.Read(Model("[TestShift]", "[TestScales(Residual = 0.5f)]")).ShouldNotBeNull();
        spec.ShouldBe(TraitProject.Read(Model("[TestScales(Residual = 0.5f)]", "[TestShift]")));
        spec.ShouldNotBe(TraitProject.Read(Model("[TestScales(Residual = 0.25f)]", "[TestShift]")));
        spec.ShouldNotBe(TraitProject.Read(Model("[TestShift]")));
        ModelProgram.Of(spec).Layer.Where(operation => operation.Stage == Stage.Output).Select(operation => operation.GetType().Name)
            .ShouldBe(["Project", "TestShift", "TestScale", "AddResidual"]);
        ModelProgram.Of(spec).AfterHead.Select(operation => operation.GetType().Name).ShouldBe(["TestShift", "TestScale"]);
    }

    [Fact]
    public void A_traits_rules_are_kept()
    {
        GeneratorRunResult result = TraitProject.Run(TraitProject.Compilation(Model("[TestScales(Residual = -1f)]")), out Compilation complete);
        Diagnostic wrong = result.Diagnostics.ShouldHaveSingleItem();
        wrong.Id.ShouldBe("SPI9001");
        wrong.GetMessage().ShouldBe("Residual of [TestScales] is -1");
        complete.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ShouldBeEmpty();
    }

    [Fact]
    public void A_trait_without_a_model_is_stray() =>
        TraitProject.Run(TraitProject.Compilation("using SparseInfer;\n[TestScales] public sealed partial class M;"), out _)
            .Diagnostics.ShouldHaveSingleItem().Id.ShouldBe("SPI0005");

    /// <summary>At the declaration, and with a stub.</summary>
    [Fact]
    public void An_operation_that_no_gpu_kernel_computes_is_an_error_where_there_is_code_for_gpus()
    {
        string model = Model("[TestScales(Logits = 0.5f)]", "[TestOnCpu]");
        GeneratorRunResult result = TraitProject.Run(TraitProject.Compilation(model, ilgpu: true), out Compilation complete);
        Diagnostic refused = result.Diagnostics.ShouldHaveSingleItem();
        refused.Id.ShouldBe("SPI0043");
        refused.GetMessage().ShouldStartWith("Nothing is generated for 'M': no kernel for GPUs computes TestNegate of residual, nor ");
        refused.GetMessage().ShouldEndWith("; remove what declares it, or reference SparseInfer.Runtime instead of SparseInfer.Runtime.Ilgpu");
        refused.Location.SourceTree!.ToString().Substring(refused.Location.SourceSpan.Start, 1).ShouldBe("M");
        result.GeneratedSources.ShouldHaveSingleItem().HintName.ShouldBe("M.g.cs");
        complete.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ShouldBeEmpty();

        TraitProject.Run(TraitProject.Compilation(model), out _).Diagnostics.ShouldBeEmpty();
        TraitProject.Run(TraitProject.Compilation(Model("[TestScales(Logits = 0.5f)]", "[TestShift]"), ilgpu: true), out _).Diagnostics.ShouldBeEmpty();
    }

    /// <summary>Backends take these from the declaration: a trait that changed them would be computed as if it had not.</summary>
    [Fact]
    public void A_trait_cannot_change_what_backends_take_from_the_declaration()
    {
        ModelSpec spec = TraitProject.Read(Model()).ShouldNotBeNull();
        Func<ModelProgram, ModelProgram>[] changes =
        [
            program => program with { Embed = program.Embed with { Scale = 2 } },
            program => program with { OutputNorm = program.OutputNorm with { Spec = new NormSpec(NormKind.Rms, 0.1f) } },
            program => program with { Head = program.Head with { From = Slot.Residual } },
        ];
        foreach (var change in changes)
        {
            Should.Throw<NotSupportedException>(() => ModelProgram.Of(spec with { Traits = new TraitSpec[] { new Changes(change) }.ToEquatableArray() }));
        }
    }

    [Fact]
    public void Every_trait_rewrites_a_program_and_has_a_name_of_its_own()
    {
        TraitRegistry.All.Select(trait => trait.AttributeName).ShouldBeUnique();
        typeof(TraitSpec).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(TraitSpec)) && !type.IsAbstract)
            .ShouldAllBe(type => type.IsAssignableTo(typeof(IProgramTrait)));
    }

    private sealed record Changes(Func<ModelProgram, ModelProgram> Change) : TraitSpec, IProgramTrait
    {
        public override string Describe() => "";

        public ModelProgram Apply(ModelProgram program, ModelSpec spec) => Change(program);
    }

    private sealed class Reference(DecoderCase model, DecoderWeights weights, SparsityMode mode) : DecoderReference(model, weights, mode)
    {
        private readonly DecoderWeights _weights = weights;

        protected override double[] Added(string part, double[] x)
        {
            float[]? shift = _weights.Vector(part + "_shift.weight");
            return [.. x.Select((value, j) => (value + (shift?[j] ?? 0)) * 0.3f)];
        }

        protected override double[] Logits(double[] x) => [.. x.Select((value, j) => (value + _weights.Vector("output_shift.weight")![j]) * 0.125)];
    }

    private static string Model(params string[] attributes) => "using SparseInfer;\n" + Fixture.Declared.Model(attributes);

    private static string Cpu(GeneratorRunResult result) =>
        result.GeneratedSources.Single(source => source.HintName == "Scaled.Cpu.g.cs").SourceText.ToString();

    private static DecoderWeights Weights()
    {
        var weights = new DecoderWeights(Declared);
        weights.AddVector("output_shift.weight", Declared.Vocabulary);
        for (int layer = 0; layer < Declared.Layers; layer++)
        {
            weights.AddVector($"blk.{layer}.attn_shift.weight", Declared.Hidden);
            weights.AddVector($"blk.{layer}.ffn_shift.weight", Declared.Hidden);
        }

        return weights;
    }

    private static float[] With(DecoderWeights weights, Device device, Func<LanguageModel, float[]> run) =>
        DecoderRun.With(weights, path => Assembly.Value.LoadModel(Declared.FullName, path, device), run);
}
