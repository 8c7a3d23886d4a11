extern alias generators;

using System.CommandLine;
using System.Globalization;
using generators::SparseInfer.Generators.Declare;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;
using SparseInfer.Files;

namespace SparseInfer.Cli.Inspect;

/// <summary>The arguments of <c>sparseinfer inspect</c>, and the rules between them.</summary>
internal sealed class InspectArguments
{
    private const string Description = """
        Shows what the generator makes of a model for a GPU: the plan with the modelled cost of a token, the kernels, their C# or PTX.
        Costs are modelled, never measured.

        Examples:
          sparseinfer inspect --synthetic llama-2-7b --device orin-agx-64 --sparsity 0.9
          sparseinfer inspect prosparse-llama-2-7b.gguf --activation fatrelu --threshold 0.01 --device sm_87 --json
          sparseinfer inspect --synthetic tinyllama-1.1b --kernels
          sparseinfer inspect --synthetic llama-2-7b --ptx sm_87 --out ptx
        """;

    private readonly OverrideOptions _overrides = new();

    private readonly Argument<string?> _model = new("MODEL")
    {
        Description = "A GGUF file, a folder with safetensors and their config.json, or --synthetic.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _synthetic = ValueOption.Of<string?>(
        "--synthetic", "SHAPE",
        $"A published model's shape: {string.Join(", ", NamedShape.All.Select(shape => shape.Declaration.Name))}.",
        null, "the name of a shape", text => (text.Length > 0, text));

    private readonly Option<string?> _device = ValueOption.Of<string?>(
        "--device", "NAME", $"The GPU to plan for: {string.Join(", ", DeviceTable.Names)}. [default: {DeviceTable.Default.Name}]",
        null, "the name of a device", text => (text.Length > 0, text));

    private readonly Option<double?> _sparsity = ValueOption.Optional(
        "--sparsity", "SHARE", "Share of neurons that are inactive, all predicted. [default: 0.9]", "a share from 0 to 1", Share);

    private readonly Option<double?> _channels = ValueOption.Optional(
        "--channels", "SHARE", "Share of channels that InputThreshold leaves out of each input that it is for. [default: 0]", "a share from 0 to 1", Share);

    private readonly Option<string[]> _policy = ModelOptions.Policy("In place of the sign-bit predictor.");

    private readonly Option<int?> _position = ValueOption.Optional(
        "--position", "N",
        $"Tokens in the key-value cache before this one. [default: {InspectOptions.UsualPosition}, where the context has them]",
        $"a whole number from 0 to {ModelOptions.MaxTokens}", text => ValueOption.Integer(text, 0, ModelOptions.MaxTokens));

    private readonly Option<bool> _kernels = new("--kernels")
    {
        Description = "List the generated kernels, and what the software CUDA device counts of a token in them.",
    };

    private readonly Option<bool> _code = new("--code") { Description = "Write the generated C#." };

    private readonly Option<string?> _ptx = ValueOption.Of<string?>(
        "--ptx", "SM", "Compile the kernels to PTX for an architecture, sm_87.",
        null, "an architecture", text => (text.Length > 0, text));

    private readonly Option<string?> _out = ValueOption.Of<string?>(
        "--out", "DIR", "With --code and --ptx: write files into a folder. [default: all to standard output]",
        null, "the path of a folder", text => (text.Length > 0, text));

    private readonly Option<bool> _json = new("--json") { Description = "Write an object instead of text." };

    private readonly Option<int?> _layers = ValueOption.Optional(
        "--layers", "N", "Synthetic: so many layers. [default: the published model's]", "a whole number from 1 to 1000",
        text => ValueOption.Integer(text, 1, 1000));

    private readonly Option<WeightType?> _weights = ValueOption.Optional(
        "--weights", "TYPE", "Synthetic: f32, f16, bf16, q8_0, q4_0, q5_0, q5_1, q4_k, q5_k or q6_k. [default: f16]",
        $"one of {string.Join(", ", ValueOption.Names<WeightType>())}", ValueOption.Enumeration<WeightType>);

    private readonly Option<Activation?> _activation = ModelOptions.Activation();

    private readonly Option<float?> _threshold = ModelOptions.Threshold();

    private readonly Option<int?> _context = ModelOptions.Context();

    /// <summary>The command, without an action.</summary>
    public Command CreateCommand()
    {
        var command = new Command("inspect", Description) { _model };
        foreach (Option option in (Option[])
        [
            _synthetic, _device, _policy, _sparsity, _channels, _position, _kernels, _code, _ptx, _out, _json,
            _layers, _weights, _activation, _threshold, _context, .. _overrides.All,
        ])
        {
            command.Options.Add(option);
        }

        return command;
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="CliException">Options contradict each other, or name what there is not.</exception>
    public InspectOptions Read(ParseResult parsed)
    {
        Option[] views = [.. new Option[] { _kernels, _code, _ptx }.Where(option => IsGiven(parsed, option))];
        if (views.Length > 1)
        {
            throw new CliException($"{views[0].Name} and {views[1].Name} are two views: give one.");
        }

        InspectView view = views is not [var chosen] ? InspectView.Cost
            : chosen == _kernels ? InspectView.Kernels
            : chosen == _code ? InspectView.Code
            : InspectView.Ptx;
        Require(parsed, view is InspectView.Code or InspectView.Ptx, "--code and --ptx", _out);
        Require(parsed, view is InspectView.Cost, "the modelled cost, not with a view of the code,", _sparsity, _channels, _position);
        Require(parsed, view is not InspectView.Kernels, "the modelled cost, --code and --ptx", _policy);
        Require(parsed, view is InspectView.Cost or InspectView.Kernels, "the modelled cost and --kernels", _json);
        string? architecture = parsed.GetValue(_ptx);
        if (architecture is not null && !DeviceTable.Architectures.Contains(architecture))
        {
            throw new CliException(
                $"--ptx: there is no architecture '{architecture}'; there is: {string.Join(", ", DeviceTable.Architectures)}.");
        }

        string? device = parsed.GetValue(_device);
        if (device is not null && DeviceTable.Find(device) is null)
        {
            string nearest = DeviceTable.Nearest(device) is { } name ? $", {name} is nearest" : "";
            throw new CliException(
                $"--device: there is no device '{device}'{nearest}; there is: {string.Join(", ", DeviceTable.Names)}.");
        }

        string[] policies = parsed.GetValue(_policy) ?? [];
        if (policies.Length > 1)
        {
            throw new CliException($"one model is shown: give one {PolicyText.Option}, with commas between attributes that act together.");
        }

        var options = new InspectOptions
        {
            Declaration = Declare(parsed) with { Target = device ?? architecture, Policies = policies is [var policy] ? PolicyText.Parse(policy) : null },
            View = view,
            Sparsity = parsed.GetValue(_sparsity) ?? 0.9,
            Channels = parsed.GetValue(_channels),
            Position = parsed.GetValue(_position),
            Architecture = architecture,
            Out = parsed.GetValue(_out),
            Json = parsed.GetValue(_json),
        };
        return options.Position is not { } position || position < options.Declaration.Context
            ? options
            : throw new CliException(
                $"--position {position} is past the context, which holds {options.Declaration.Context}: give less, or --context N.");
    }

    private static (bool, double) Share(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double share) && share is >= 0 and <= 1 ? (true, share) : default;

    private static void Require(ParseResult parsed, bool condition, string with, params Option[] options)
    {
        if (!condition && options.FirstOrDefault(option => IsGiven(parsed, option)) is { } wrong)
        {
            throw new CliException($"{wrong.Name} goes with {with} only.");
        }
    }

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private ModelDeclaration Declare(ParseResult parsed)
    {
        string? path = parsed.GetValue(_model);
        string? synthetic = parsed.GetValue(_synthetic);
        if ((path is null) == (synthetic is null))
        {
            throw new CliException("give either MODEL or --synthetic SHAPE.");
        }

        if (synthetic is null)
        {
            return DeclareFile(parsed, path!);
        }

        return _overrides.All.FirstOrDefault(option => IsGiven(parsed, option)) is { } wrong
            ? throw new CliException($"{wrong.Name} goes with MODEL only.")
            : DeclareSynthetic(parsed, synthetic);
    }

    private ModelDeclaration DeclareFile(ParseResult parsed, string path)
    {
        Option[] synthetics = [_layers, _weights];
        if (synthetics.FirstOrDefault(option => IsGiven(parsed, option)) is { } wrong)
        {
            throw new CliException($"{wrong.Name} goes with --synthetic only.");
        }

        return CliException.OfFiles(() =>
        {
            using ModelFile file = ModelFile.Open(path);
            ModelDeclaration read = FileDeclaration.Read(
                file, parsed.GetValue(_activation), parsed.GetValue(_threshold), alpha: 1f, _overrides.Read(parsed));
            return parsed.GetValue(_context) is { } context ? read with { Context = context } : read;
        });
    }

    private ModelDeclaration DeclareSynthetic(ParseResult parsed, string name)
    {
        ModelDeclaration published = NamedShape.Find(name).Declaration;
        Activation activation = parsed.GetValue(_activation) ?? published.Activation;
        float? threshold = parsed.GetValue(_threshold);
        return published with
        {
            Layers = parsed.GetValue(_layers) ?? published.Layers,
            Context = parsed.GetValue(_context) ?? published.Context,
            Weights = [parsed.GetValue(_weights) ?? WeightType.F16],
            Activation = activation,
            Threshold = activation == published.Activation && threshold is null
                ? published.Threshold
                : FileDeclaration.Threshold(activation, threshold),
        };
    }
}
