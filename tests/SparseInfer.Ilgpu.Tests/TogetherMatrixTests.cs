using System.Runtime.InteropServices;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Policies.SignBit;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Kernels.Ilgpu;
using ReferencePolicy = SparseInfer.Generators.Tests.Execution.LayerPolicy;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>
/// Several tokens together: each has the bits of the kernel of one token, with every weight type, with a gate and without, and every policy.
/// </summary>
public sealed class TogetherMatrixTests
{
    /// <summary>Counts of tokens, beside the most: one, two runs of statements or part of them, all runs but one.</summary>
    private static readonly int[] Counts = [1, 2, 3, 8, 9, 15];

    /// <summary>
    /// Of each weight type layers with a gate and without, and every policy among them, and of types that share their kernels those that differ most; rows of one load and of several, neurons of one slice and of many,
    /// whole slices and others. Kernels of block types take longest to compile by far: of their policies the one that skips most is run together.
    /// </summary>
    public static TheoryData<string> Layers { get; } =
    [
        "Relu_F32_1x1_Gated", "FatRelu_F32_768x100_Gated_Biases", "SquaredRelu_F32_33x65",
        "Relu_F16_33x65_Gated_Biases", "Gelu_F16_64x1100_Biases",
        "DRelu_BF16_600x33_Gated_Biases", "Gelu_BF16_257x129_Gated", "Relu_BF16_257x129",
        "Silu_Q8_0_544x32_Gated", "SquaredRelu_Q8_0_32x32_Biases",
        "Relu_Q4_0_32x32_Gated", "Silu_Q4_0_96x160_Biases",
        "SquaredRelu_Q4_K_512x256", "SquaredRelu_Q6_K_512x256",
    ];

    [Fact]
    public void Every_weight_type_has_layers_with_a_gate_and_without_and_every_policy_is_there()
    {
        LayerCase[] layers = [.. Layers.SelectMany(row => Shape(row.Data))];
        layers.Where(layer => !StoredFormat.For(layer.Weights).IsCovered).Select(layer => (layer.Weights, layer.Gated)).Distinct().Count()
            .ShouldBe(2 * StoredFormat.Types.Count(type => !StoredFormat.For(type).IsCovered));
        layers.Select(layer => layer.Policy).Distinct().Count().ShouldBe(Enum.GetValues<ReferencePolicy>().Length);
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public void Each_token_has_the_bits_that_it_has_alone(string name)
    {
        IGrouping<(WeightType, int, int, Activation, bool, bool), LayerCase> shape = Shape(name);
        LayerCase first = shape.First();
        IlgpuFeedForwardPlan plan = SlicePlanner.Candidates(FeedForwardKernels.Planned(first), DeviceTable.Default).MaxBy(plan => plan.SliceBlocks)!;
        using var layer = new TogetherLayer(first, plan);
        int next = Layers.TakeWhile(row => row.Data != name).Count();
        Float4[][]? dense = null;
        foreach (LayerCase declared in shape.Where(declared => declared.Policy != ReferencePolicy.None).OrderBy(declared => declared.Policy))
        {
            (string kernel, object? parameter) = FeedForwardMatrixTests.Kernel(declared);
            Float4[][] alone = [.. layer.Inputs.Select(x => layer.Kernels.Partial(kernel, layer.Weights, x, parameter))];
            dense ??= alone;
            if (declared.Policy == ReferencePolicy.Exact)
            {
                for (int token = 0; token < alone.Length; token++)
                {
                    MemoryMarshal.AsBytes<Float4>(alone[token]).SequenceEqual(MemoryMarshal.AsBytes<Float4>(dense[token])).ShouldBeTrue($"{declared.Name}, number {token}");
                }
            }

            if (layer.Plan.Row.IsBlock && declared.Policy != shape.Max(other => other.Policy))
            {
                continue;
            }

            foreach (int tokens in new[] { Counts[next++ % Counts.Length], TogetherPlan.Tokens })
            {
                string where = $"{declared.Name}, {tokens} tokens";
                (Float4[] partial, float[] activated) = layer.Kernels.Together(kernel, layer.Weights, layer.Inputs[..tokens], parameter);
                for (int token = 0; token < tokens; token++)
                {
                    ReadOnlySpan<Float4> ofToken = partial.AsSpan(token * alone[token].Length, alone[token].Length);
                    MemoryMarshal.AsBytes(ofToken).SequenceEqual(MemoryMarshal.AsBytes<Float4>(alone[token])).ShouldBeTrue($"{where}, number {token}");
                    activated.AsSpan(token * layer.Plan.Shape.PaddedIntermediate, layer.Plan.Intermediate).Contains(float.NaN)
                        .ShouldBeFalse($"{where}, number {token}: an activation is not written");
                }
            }
        }
    }

    /// <summary>Rows, and their signs, are read once for all tokens: those that any of them wants.</summary>
    [Theory]
    [InlineData("Exact")]
    [InlineData("SignBit")]
    public void What_any_token_wants_is_read_once(string kernel)
    {
        LayerCase declared = new(256, 512, Activation.Relu, WeightType.F16, Gated: true, Biases: false, ReferencePolicy.None);
        using var layer = new TogetherLayer(declared, FeedForwardKernels.Emit(declared).Plan);
        object? parameter = kernel == "SignBit" ? SignBitThreshold.Of("1", declared.Hidden) : null;
        int neurons = declared.Intermediate;
        float[] activated = [];
        IReadOnlyDictionary<string, long> Read(float[][] inputs) => TestDevice
            .Count(layer.Device, () => activated = layer.Kernels.Together(kernel, layer.Weights, inputs, parameter).Activated)
            .SelectMany(launch => MemoryOfFields.Of(launch, layer.Kernels.Weights))
            .GroupBy(field => field.Key).ToDictionary(fields => fields.Key, fields => fields.Sum(field => field.Value.LoadedSectors));

        // Of a neuron that is not zero in any token, up and down are read; of one that is predicted, gate.
        float[][] inputs = layer.Inputs;
        IReadOnlyDictionary<string, long>[] alone = [.. inputs.Select(x => Read([x]))];
        IReadOnlyDictionary<string, long> same = Read([.. Enumerable.Repeat(inputs[0], inputs.Length)]);
        IReadOnlyDictionary<string, long> all = Read(inputs);
        long wanted = Enumerable.Range(0, neurons)
            .Count(n => Enumerable.Range(0, inputs.Length).Any(token => activated[(token * layer.Plan.Shape.PaddedIntermediate) + n] != 0));

        long sectors = layer.Plan.Row.Bytes / 32;
        all["Down"].ShouldBe(wanted * sectors);
        all["Gate"].ShouldBeInRange(alone.Max(read => read["Gate"]), neurons * sectors);
        all["Up"].ShouldBeInRange(wanted * sectors, all["Gate"]);
        wanted.ShouldBeLessThan(neurons, "some neuron is zero in every token, else nothing is shown");
        same.ShouldBe(alone[0]);
        if (kernel == "SignBit")
        {
            all["GateSigns"].ShouldBe(neurons * declared.Hidden / 8 / 32);
        }
        else
        {
            all["Gate"].ShouldBe(neurons * sectors);
        }
    }

    private static IGrouping<(WeightType, int, int, Activation, bool, bool), LayerCase> Shape(string name) =>
        FeedForwardMatrixTests.Shapes.Single(shape => shape.First().Name == $"{name}_{shape.First().Policy}");

    /// <summary>A layer on a device, and 16 inputs, the layer's own among them, so that tokens differ in what they want.</summary>
    private sealed class TogetherLayer : IDisposable
    {
        private readonly UploadedLayer _uploaded;

        public TogetherLayer(LayerCase layer, IlgpuFeedForwardPlan plan)
        {
            var data = new LayerData(layer);
            Device = TestDevice.Open();
            _uploaded = new UploadedLayer(Device, layer, data);
            Kernels = new FeedForwardKernels(Device, FeedForwardKernels.Compile([FeedForwardKernels.Emit(layer, plan)]), plan);
            Weights = _uploaded.As(Kernels.Weights);
            var random = new Random(layer.Hidden);
            float[] shared = data.Inputs[0].X;
            Inputs =
            [
                .. Enumerable.Range(0, TogetherPlan.Tokens).Select(token => token % 4 == 1
                    ? data.Inputs[token / 4].X
                    : [.. shared.Select(value => value + ((random.NextSingle() - 0.5f) * token / 8))]),
            ];
        }

        public IlgpuDevice Device { get; }

        public FeedForwardKernels Kernels { get; }

        public IlgpuFeedForwardPlan Plan => Kernels.Plan;

        public object Weights { get; }

        public float[][] Inputs { get; }

        public void Dispose()
        {
            Kernels.Dispose();
            _uploaded.Dispose();
            Device.Dispose();
        }
    }
}
