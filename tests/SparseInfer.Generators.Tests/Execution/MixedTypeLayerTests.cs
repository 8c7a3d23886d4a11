using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Execution;

/// <summary>A layer that declares several weight types takes any of them, one after the other.</summary>
public sealed class MixedTypeLayerTests
{
    private static readonly LayerCase Layer =
        new(96, 160, Activation.SquaredRelu, WeightType.F16, Gated: true, Biases: true, LayerPolicy.SignBit);

    private static readonly string Source =
        LayerCase.File([Layer]).Replace("WeightType.F16", "WeightType.F16, WeightType.Q8_0, WeightType.Q4_0", StringComparison.Ordinal);

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedProject.Build(Source));

    /// <summary>In a project that sets <c>CheckForOverflowUnderflow</c>.</summary>
    private static readonly Lazy<GeneratedAssembly> Checked = new(() =>
    {
        var project = GeneratedProject.Compilation(Source);
        return GeneratedAssembly.Load(GeneratedProject.Complete(project.WithOptions(project.Options.WithOverflowChecks(true))));
    });

    [Theory]
    [InlineData(WeightType.F16)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    public void Every_declared_type_is_computed_in_its_own_type(WeightType type) => ShouldCompute(Assembly.Value, type);

    [Theory]
    [InlineData(WeightType.F16)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    public void Nothing_overflows_where_arithmetic_is_checked(WeightType type) => ShouldCompute(Checked.Value, type);

    private static void ShouldCompute(GeneratedAssembly assembly, WeightType type)
    {
        using FeedForwardKernel kernel = assembly.Layer("Layers", Layer.Name);

        // Another type first: its weights must not be the ones that are used.
        foreach (WeightType loaded in new[] { type == WeightType.F16 ? WeightType.Q4_0 : WeightType.F16, type })
        {
            var data = new LayerData(Layer, loaded);
            var reference = new LayerReference(Layer, data);
            kernel.Load(data.Weights);
            foreach ((string input, float[] x) in data.Inputs)
            {
                foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
                {
                    float[] y = new float[Layer.Hidden];
                    kernel.Mode = (UserMode)mode;
                    kernel.Forward(x, y);
                    LayerMatrixTests.ShouldMatch(y, reference.Forward(x, mode), $"{loaded}, {mode}, {input}");
                }
            }
        }
    }

    [Fact]
    public void Values_without_a_type_take_the_first_declared_type()
    {
        var data = new LayerData(Layer);
        using FeedForwardKernel kernel = Assembly.Value.Layer("Layers", Layer.Name);
        kernel.Load(new FeedForwardWeights
        {
            Gate = data.Gate!.Values,
            Up = data.Up.Values,
            Down = data.Down.Values,
            GateBias = data.GateBias,
            UpBias = data.UpBias,
            DownBias = data.DownBias,
        });
        float[] y = new float[Layer.Hidden];
        kernel.Mode = UserMode.Dense;
        kernel.Forward(data.Inputs[0].X, y);

        LayerMatrixTests.ShouldMatch(y, new LayerReference(Layer, data).Forward(data.Inputs[0].X, SparsityMode.Dense), "F16");
    }

    [Fact]
    public void A_type_that_is_not_declared_is_refused()
    {
        using FeedForwardKernel kernel = Assembly.Value.Layer("Layers", Layer.Name);

        Should.Throw<ArgumentException>(() => kernel.Load(new LayerData(Layer, WeightType.BF16).Weights))
            .Message.ShouldContain("add WeightType.BF16");
    }
}
