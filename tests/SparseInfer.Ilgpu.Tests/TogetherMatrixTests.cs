using System.Reflection;
using System.Runtime.InteropServices;
using SparseInfer.Generators.Plan.Ilgpu;
using SparseInfer.Generators.Policies.SignBit;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Kernels.Ilgpu;
using ReferencePolicy = SparseInfer.Generators.Tests.Execution.LayerPolicy;

namespace SparseInfer.Ilgpu.Tests;

/// <summary>
/// Several tokens together: each has the bits of the kernel of one token, in every activation x weight type x gate x biases x policy x odd shape.
/// </summary>
public sealed class TogetherMatrixTests
{
    /// <summary>Counts of tokens, beside the most: one, two runs of statements or part of them, all runs but one.</summary>
    private static readonly int[] Counts = [1, 2, 3, 8, 9, 15];

    /// <summary>
    /// Every fifth shape of each type: kernels take most of the time, and each shape's are compiled for it. Of block types, whose kernels take longest,
    /// those without a gate.
    /// </summary>
    private static readonly LayerCase[] Chosen =
    [
        .. FeedForwardMatrixTests.Shapes.Where(shape => !shape.First().Gated || shape.Key.Weights is not (WeightType.Q8_0 or WeightType.Q4_0))
            .GroupBy(shape => shape.Key.Weights)
            .SelectMany(type => type.Where((_, i) => i % 5 == (int)type.Key % 5))
            .Select(shape => shape.First()),
    ];

    public static TheoryData<string> Layers { get; } = [.. Chosen.Select(layer => layer.Name)];

    [Theory]
    [MemberData(nameof(Layers))]
    public void EachTokenHasTheBitsThatItHasAlone(string name)
    {
        IGrouping<(WeightType Weights, int, int, Activation, bool, bool), LayerCase> shape = FeedForwardMatrixTests.Shapes.Single(shape => shape.First().Name == name);
        using var layer = new TogetherLayer(shape.First(), FeedForwardMatrixTests.Assemblies[shape.Key.Weights].Value);
        int next = Array.FindIndex(Chosen, chosen => chosen.Name == name);
        foreach (LayerCase declared in shape.Where(declared => declared.Policy != ReferencePolicy.None))
        {
            (string kernel, object? parameter) = FeedForwardMatrixTests.Kernel(declared);
            Float4[][] alone = [.. layer.Inputs.Select(x => layer.Kernels.Partial(kernel, layer.Weights, x, parameter))];
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
    public void WhatAnyTokenWantsIsReadOnce(string kernel)
    {
        LayerCase declared = new(256, 512, Activation.Relu, WeightType.F16, Gated: true, Biases: false, ReferencePolicy.None);
        using var layer = new TogetherLayer(declared, FeedForwardKernels.Compile([FeedForwardKernels.Emit(declared).Text]));
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

    /// <summary>A layer on a device, and 16 inputs, the layer's own among them, so that tokens differ in what they want.</summary>
    private sealed class TogetherLayer : IDisposable
    {
        private readonly UploadedLayer _uploaded;

        public TogetherLayer(LayerCase layer, Assembly assembly)
        {
            var data = new LayerData(layer);
            Device = TestDevice.Open();
            _uploaded = new UploadedLayer(Device, layer, data);
            Kernels = new FeedForwardKernels(Device, assembly, FeedForwardKernels.Emit(layer).Plan);
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
