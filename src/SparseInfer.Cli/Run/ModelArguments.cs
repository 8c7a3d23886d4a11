using System.CommandLine;
using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Run;

/// <summary>Which model, with which policies, where: alike for all that answers.</summary>
internal sealed class ModelArguments
{
    private readonly Option<Activation?> _activation = ModelOptions.Activation();

    private readonly Option<float?> _threshold = ModelOptions.Threshold();

    private readonly Option<string?> _policy = ValueOption.Of<string?>(
        PolicyText.Option, "TEXT",
        "Policy attributes as C# has them, such as 'SignBitPredictor(Alpha = 1.2f)', commas between them. [default: the profile's, or else only what changes no result]",
        null, "attributes", text => (text.Length > 0, text));

    private readonly Option<string?> _profile = ValueOption.Of<string?>(
        "--profile", "FILE", "A profile of sparseinfer calibrate: its policies, with its strengths.", null, "the path of a profile", text => (text.Length > 0, text));

    private readonly Option<string?> _predictor = ModelOptions.Predictor();

    private readonly Option<string> _device = ValueOption.Of(
        "--device", "NAME", "Where it runs: cpu, cuda:0, best, or another that sparseinfer doctor lists.", "cpu", "the name of a device", text => (text.Length > 0, text));

    private readonly Option<int> _threads = ValueOption.Of(
        "--threads", "N", "Worker threads of the CPU.", Environment.ProcessorCount, $"a whole number from 1 to {CpuDevice.MaxThreads}",
        text => ValueOption.Integer(text, 1, CpuDevice.MaxThreads), "-t");

    private readonly OverrideOptions _overrides = new();

    /// <summary>The model, where it is no argument.</summary>
    public Option<string?> Model { get; } = ValueOption.Of<string?>(
        "--model", "FILE", "The model, in place of the first argument.", null, "the path of a model file", text => (text.Length > 0, text), "-m");

    /// <summary>The options of what only declares the model.</summary>
    public IReadOnlyList<Option> Declaring => [Model, _activation, _threshold, _policy, _profile, .. _overrides.All];

    /// <summary>The options of what loads it too.</summary>
    public IReadOnlyList<Option> All => [.. Declaring, _predictor, _device, _threads];

    /// <summary>The options of what declares it for a program that loads it.</summary>
    public IReadOnlyList<Option> Writing => [.. Declaring, _predictor];

    /// <summary>What was asked for.</summary>
    /// <param name="parsed">The options.</param>
    /// <param name="model">The model's path.</param>
    /// <exception cref="CliException">There is nothing in it.</exception>
    public ModelRequest Read(ParseResult parsed, string model) => new()
    {
        File = new(
            model.Length > 0 ? model : throw new CliException("the model's path is empty: give a file. Is a variable of the shell not set?"), parsed.GetValue(_activation), parsed.GetValue(_threshold), Alpha: 1f, Context: null,
            _overrides.Read(parsed) with { PredictorFile = parsed.GetValue(_predictor) }),
        Policies = parsed.GetValue(_policy) is { } text ? PolicyText.Parse(text) : null,
        Profile = parsed.GetValue(_profile),
        Device = parsed.GetValue(_device) ?? "cpu",
        Threads = parsed.GetValue(_threads),
    };
}
