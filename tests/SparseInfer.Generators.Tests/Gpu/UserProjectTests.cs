using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Gpu;

/// <summary>Who does not reference the package that runs models on GPUs pays nothing for it.</summary>
public sealed class UserProjectTests
{
    private static readonly string Source = DecoderZoo.All.Single(model => model.Name == "Mixed").Source;

    private static readonly string[] GpuFiles =
    [
        "FeedForward_64x96_Relu_F16_Ilgpu.g.cs",
        "FeedForward_64x96_Relu_Q8_0_Ilgpu.g.cs",
        "Mixed.Ilgpu.g.cs",
        "SparseInfer.Ilgpu.g.cs",
    ];

    [Fact]
    public void Without_the_package_there_is_no_code_for_gpus()
    {
        var generated = GeneratedProject.Generate(Source);

        generated.Select(source => source.HintName).ShouldNotContain(name => GpuFiles.Contains(name));
        generated.ShouldAllBe(source => !source.SourceText.ToString().Contains("ILGPU", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void With_the_package_there_is_and_nothing_else_changes_but_what_a_model_can_be_loaded_on()
    {
        var without = GeneratedProject.Generate(Source).ToDictionary(source => source.HintName, source => source.SourceText.ToString());
        var with = GeneratedProject.Generate(GeneratedProject.Compilation(Source).WithIlgpu())
            .ToDictionary(source => source.HintName, source => source.SourceText.ToString());

        with.Keys.Except(without.Keys).ShouldBe(GpuFiles);
        without.Where(file => with[file.Key] != file.Value).Select(file => file.Key).ShouldBe(["Mixed.g.cs"]);
        with["Mixed.g.cs"].ShouldContain("IlgpuDevice");
    }

    [Fact]
    public void A_layer_alone_has_a_program_for_gpus_too() => GeneratedProject.Generate(GeneratedProject.Compilation("""
        using SparseInfer;

        public static partial class Layers
        {
            [FeedForward(Hidden = 40, Intermediate = 50)]
            [Weights(WeightType.F32)]
            public static partial FeedForwardKernel Mlp { get; }
        }
        """).WithIlgpu()).Select(source => source.HintName).ShouldBe(
        [
            "Layers.Mlp.g.cs", "Layers.Mlp.Cpu.g.cs", "FeedForward_40x50_Relu_F32.Cpu.g.cs",
            "Layers.Mlp.Ilgpu.g.cs", "FeedForward_40x50_Relu_F32_Ilgpu.g.cs", "SparseInfer.Ilgpu.g.cs",
        ],
        ignoreOrder: true);
}
