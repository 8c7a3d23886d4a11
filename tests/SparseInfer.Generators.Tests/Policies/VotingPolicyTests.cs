using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Policies;

/// <summary>Models whose neurons are chosen by votes of signs and magnitudes: the bits are the same however they are run.</summary>
public sealed class VotingPolicyTests
{
    private static readonly CpuDevice[] Devices = [Device.Cpu(1), Device.Cpu(3)];

    private static readonly DecoderCase[] Models =
    [
        // Beside signs and exact, in registers and in vectors.
        new("Votes")
        {
            Traits =
            [
                "[SignMagnitudePredictor(OutlierSigmas = 2, Layers = \"0\")]", "[SignBitPredictor(Layers = \"1\")]",
                "[SignMagnitudePredictor(Beta = 1.02f, OutlierWeight = 20, OutlierSigmas = 1.5f, Layers = \"2\")]",
            ],
        },
        new("VotesOfTwo")
        {
            Hidden = 320,
            Layers = 2,
            Activation = Activation.DRelu,
            Traits = ["[SignMagnitudePredictor(Beta = 1.05f, OutlierSigmas = 2)]"],
            Weights = [WeightType.F16],
        },
        new("VotesBeforeThresholds")
        {
            Activation = Activation.Silu,
            Traits =
            [
                "[ActivationThreshold(Threshold = 0.05f, GateVote = 60, Layers = \"0\")]", "[ActivationThreshold(Threshold = 0.02f, Layers = \"1\")]",
                "[ActivationThreshold(Threshold = 0.01f, GateVote = 20, OutlierSigmas = 2, OutlierWeight = 10, Layers = \"2\")]",
            ],
        },
    ];

    private static readonly Lazy<GeneratedAssembly> Assembly = new(() => GeneratedProject.Build([.. Models.Select(model => model.Source)]));

    public static TheoryData<string> Names { get; } = [.. Models.Select(model => model.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_bits_are_those_of_any_number_of_threads_of_a_prompt_of_a_batch_and_of_a_metered_run(string name)
    {
        DecoderCase declared = Models.Single(model => model.Name == name);
        var weights = new DecoderWeights(declared);
        DecoderRun.ShouldHaveOneSetOfBits(name, Devices[0], Devices[1], (device, run) =>
            DecoderRun.With(weights, path => Assembly.Value.LoadModel(declared.FullName, path, device), model =>
            {
                run(model);
                return 0;
            }));
    }
}
