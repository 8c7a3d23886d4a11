using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Generation;

/// <summary>What a target changes in what is generated for GPUs.</summary>
public sealed partial class TargetTests
{
    [Fact]
    public void Models_of_different_targets_have_kernels_of_their_own_and_those_of_one_target_share_them()
    {
        string[] names = [.. Generate(
            Model("Anywhere"),
            Model("Narrow", "[Target(\"orin-nano-4\")]"),
            Model("Wide", "[Target(\"orin-agx-64\")]"),
            Model("Widest", "[Target(\"sm_87\")]"))
            .Select(source => source.HintName).Where(name => name.Contains("FeedForward", StringComparison.Ordinal))];

        names.ShouldBe(
            [
                "FeedForward_64x96_Relu_F16.Cpu.g.cs", "FeedForward_64x96_Relu_F16_Ilgpu.g.cs",
                "FeedForward_64x96_Relu_F16_Ilgpu_orin_agx_64.g.cs", "FeedForward_64x96_Relu_F16_Ilgpu_orin_nano_4.g.cs",
            ],
            ignoreOrder: true);
    }

    [Fact]
    public void A_model_launches_the_kernels_of_its_target()
    {
        string text = Generate(Model("M", "[Target(\"orin-nano-4\")]"))
            .Single(source => source.HintName == "M.Ilgpu.g.cs").SourceText.ToString();

        text.ShouldContain("made for orin-nano-4");
        text.ShouldContain("FeedForward_64x96_Relu_F16_Ilgpu_orin_nano_4.Slices");
        text.ShouldNotContain("FeedForward_64x96_Relu_F16_Ilgpu.");
    }

    [Fact]
    public void Layers_alone_share_kernels_with_models_of_their_target()
    {
        IReadOnlyList<GeneratedSourceResult> generated = Generate(Model("M", "[Target(\"sm_87\")]"), """
            using SparseInfer;

            public static partial class Layers
            {
                [FeedForward(Hidden = 64, Intermediate = 96)]
                [Weights(WeightType.F16)]
                [Target("orin-agx-64")]
                public static partial FeedForwardKernel Wide { get; }

                [FeedForward(Hidden = 64, Intermediate = 96)]
                [Weights(WeightType.F16)]
                [Target("orin-nano-4")]
                public static partial FeedForwardKernel Narrow { get; }
            }
            """);
        string Text(string name) => generated.Single(source => source.HintName == name).SourceText.ToString();

        generated.Select(source => source.HintName).Where(name => name.StartsWith("FeedForward_", StringComparison.Ordinal)).ShouldBe(
            [
                "FeedForward_64x96_Relu_F16.Cpu.g.cs",
                "FeedForward_64x96_Relu_F16_Ilgpu_orin_agx_64.g.cs", "FeedForward_64x96_Relu_F16_Ilgpu_orin_nano_4.g.cs",
            ],
            ignoreOrder: true);
        Text("Layers.Wide.Ilgpu.g.cs").ShouldContain("new FeedForward_64x96_Relu_F16_Ilgpu_orin_agx_64.Kernels(device)");
        Text("Layers.Narrow.Ilgpu.g.cs").ShouldContain("new FeedForward_64x96_Relu_F16_Ilgpu_orin_nano_4.Kernels(device)");
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("[Weights(WeightType.Q8_0, WeightType.F32)]", "[SignBitPredictor(Layers = \"0\")] [ExactSparsity(Layers = \"1\")]")]
    [InlineData("[Attention(Heads = 4, HeadDimension = 32, OutputBias = true)]", "[Target(\"rtx-4090\")]")]
    public void The_table_of_kernels_names_those_that_are_written(string replaced, string added)
    {
        string source = Model("M", replaced + added);
        IEnumerable<string> written = Generate(source)
            .Where(file => file.HintName.Contains("Ilgpu", StringComparison.Ordinal))
            .SelectMany(file => Kernel().Matches(file.SourceText.ToString()).SelectMany(Names));

        KernelTable.Of(IlgpuDecoderPlan.Of(Parsed.Model(source.Replace("using SparseInfer;", "", StringComparison.Ordinal))!))
            .Select(kernel => kernel.Name).ShouldBe(written, ignoreOrder: true);
    }

    [Fact]
    public void The_table_counts_as_many_launches_as_the_model_of_cost()
    {
        IlgpuDecoderPlan plan = IlgpuDecoderPlan.Of(Parsed.Model(Declared.Model(
            "[SignBitPredictor(Layers = \"0..2\")]", "[ExactSparsity(Layers = \"3..\")]", "[Weights(WeightType.Q8_0, WeightType.F16)]"))!);
        int Launches(SparsityMode mode) => DeviceCost.Of(plan, new(mode, 0.5, 17)).Launches;

        KernelTable.Of(plan).Sum(kernel => kernel.Dense).ShouldBe(Launches(SparsityMode.Dense));
        KernelTable.Of(plan).Sum(kernel => kernel.Exact).ShouldBe(Launches(SparsityMode.Exact));
        KernelTable.Of(plan).Sum(kernel => kernel.Predicted).ShouldBe(Launches(SparsityMode.Predicted));
    }

    /// <summary>The largest tile that gives each multiprocessor a group in a product of hidden rows and a batch of tokens.</summary>
    [Theory]
    [InlineData(4096, "orin-agx-64", 128, 64, 64)]
    [InlineData(2048, "default", 64, 64, 64)]
    [InlineData(4096, "rtx-4090", 64, 32, 32)]
    [InlineData(256, "orin-agx-64", 32, 32, 32)]
    [InlineData(256, "rtx-4090", 32, 32, 32)]
    public void Tiles_of_prompts_leave_no_multiprocessor_idle(int hidden, string device, int rows, int tokens, int matrixRows)
    {
        var spec = Parsed.Model(Declared.Model(
            $"[DecoderModel(Hidden = {hidden}, Layers = 8, Vocabulary = 512, Context = 128)]", $"[FeedForward(Intermediate = {3 * hidden})]"))!;
        IlgpuDecoderPlan plan = IlgpuDecoderPlan.Of(spec, DeviceTable.Find(device)!);

        (plan.ProductTile.Rows, plan.ProductTile.Tokens).ShouldBe((rows, tokens));
        plan.MatrixTile.Rows.ShouldBe(matrixRows);
        plan.ProductTile.SharedBytes.ShouldBeLessThanOrEqualTo(DeviceTable.MaxSharedBytes);
        plan.MatrixTile.SharedBytes.ShouldBeLessThanOrEqualTo(DeviceTable.MaxSharedBytes);
        plan.HasMatrixKernels.ShouldBeTrue();
        IlgpuDecoderPlan.Of(spec, DeviceTable.Find("xavier-nx-8")!).HasMatrixKernels.ShouldBeFalse();
    }

    private static IReadOnlyList<GeneratedSourceResult> Generate(params string[] models) =>
        [.. GeneratedProject.Generate(GeneratedProject.Compilation(models).WithIlgpu())];

    private static string Model(string name, string attributes = "")
    {
        string attention = attributes.Contains("[Attention", StringComparison.Ordinal) ? "" : "[Attention(Heads = 4)]";
        string weights = attributes.Contains("[Weights", StringComparison.Ordinal) ? "" : "[Weights(WeightType.F16)]";
        return $"""
            using SparseInfer;

            [DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 64)]
            {attention}
            [FeedForward(Intermediate = 96)]
            [RmsNorm]
            {weights}
            {attributes}
            public sealed partial class {name};
            """;
    }

    /// <summary>A kernel with a meter is launched as two.</summary>
    private static string[] Names(Match kernel)
    {
        string name = kernel.Groups[1].Value;
        return kernel.Groups[2].Success ? [name, name + "Metered"] : [name];
    }

    [GeneratedRegex(@"internal static void (\w+)(<TMeter>)?\((?!\))")]
    private static partial Regex Kernel();
}
