using System.CommandLine;
using System.Globalization;
using SparseInfer.Cli.Bench.Probes;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;
using SparseInfer.Runtime;

namespace SparseInfer.Cli.Bench;

/// <summary>The arguments of <c>sparseinfer bench</c>: llama-bench's names where it has one, and the rules between them.</summary>
internal sealed class BenchArguments
{
    private const string Description = """
        Measures prompt processing and generation, as llama-bench does, in every sparsity mode, with code generated for exactly this model.

        Examples:
          sparseinfer bench --synthetic llama-2-7b --layers 4 --weights f16 --sparsity 0.9 -t 1,2
          sparseinfer bench -m prosparse-llama-2-7b.gguf --activation fatrelu --threshold 0.01 -o json
          sparseinfer bench --synthetic tinyllama-1.1b --weights q8_0 -p 0 -n 64 -d 0,512,1024,1900
          sparseinfer bench --synthetic llama-2-7b --layers 4 --weights q4_0 -p 0 -n 32 --sessions 1,2,4,8,16
        """;

    private const int MaxRepetitions = 1000;

    private readonly Option<string?> _model = ValueOption.Of<string?>(
        "--model", "FILE", "A GGUF file, or safetensors beside a config.json.", null, "the path of a model file", text => (text.Length > 0, text), "-m");

    private readonly Option<string?> _synthetic = ValueOption.Of<string?>(
        "--synthetic", "SHAPE",
        $"Made-up weights in the shape of a published model: {string.Join(", ", NamedShape.All.Select(shape => shape.Declaration.Name))}.",
        null, "the name of a shape", text => (text.Length > 0, text));

    private readonly Option<int?> _layers = ValueOption.Optional(
        "--layers", "N", "Synthetic: so many layers. [default: the published model's]", "a whole number from 1 to 1000",
        text => ValueOption.Integer(text, 1, 1000));

    private readonly Option<WeightType?> _weights = ValueOption.Optional(
        "--weights", "TYPE", "Synthetic: f32, f16, bf16, q8_0, q4_0, q5_0, q5_1, q4_k, q5_k or q6_k. [default: f16]",
        $"one of {string.Join(", ", ValueOption.Names<WeightType>())}", ValueOption.Enumeration<WeightType>);

    private readonly Option<double?> _sparsity = Share("--sparsity", "Synthetic: share of neurons that are inactive. [default: 0.9]");

    private readonly Option<double?> _precision = Share(
        "--precision", "Synthetic: of the neurons predicted inactive, the share that is. [default: 1]");

    private readonly Option<double?> _recall = Share(
        "--recall", "Synthetic: of the inactive neurons, the share that is predicted. [default: 1]");

    private readonly Option<int?> _seed = ValueOption.Optional(
        "--seed", "N", "Synthetic: the same seed makes the same weights. [default: 0]", "a whole number from 0 to 2147483647",
        text => ValueOption.Integer(text, 0, int.MaxValue));

    private readonly Option<Activation?> _activation = ModelOptions.Activation();

    private readonly Option<float?> _threshold = ModelOptions.Threshold();

    private readonly Option<float?> _alpha = ValueOption.Optional(
        "--alpha", "A", "The sign-bit predictor's, in every layer of a file's model. [default: 1]", "a number above 0",
        ValueOption.Positive);

    private readonly Option<string[]> _policy = ModelOptions.Policy("In place of the sign-bit predictor.");

    private readonly Option<string?> _predictor = ModelOptions.Predictor();

    private readonly Option<int?> _context = ModelOptions.Context();

    private readonly OverrideOptions _overrides = new();

    private readonly Option<int[]> _prompts = ValueOption.Integers(
        "--n-prompt", "N,...", "Lengths of prompts; 0: none.", [512], 0, ModelOptions.MaxTokens, "-p");

    private readonly Option<int[]> _generations = ValueOption.Integers(
        "--n-gen", "N,...", "Numbers of tokens to generate; 0: none.", [128], 0, ModelOptions.MaxTokens, "-n");

    private readonly Option<int[]> _depths = ValueOption.Integers(
        "--n-depth", "N,...", "Tokens that are in the key-value cache before a test.", [0], 0, ModelOptions.MaxTokens, "-d");

    private readonly Option<KeyValueType> _cacheType = ValueOption.Of(
        "--cache-type", "TYPE", "What the key-value cache stores.", KeyValueType.F32,
        $"one of {string.Join(", ", ValueOption.Names<KeyValueType>())}", ValueOption.Enumeration<KeyValueType>);

    private readonly Option<int[]> _threads = ValueOption.Integers(
        "--threads", "N,...", "Worker threads.", [Environment.ProcessorCount], 1, CpuDevice.MaxThreads, "-t");

    private readonly Option<int[]> _sessions = ValueOption.Integers(
        "--sessions", "N,...", "Sessions that generate together, one token of each a step; none: one session by itself.", [], 1, DecoderBatch.MaxStates);

    private readonly Option<int> _repetitions = ValueOption.Of(
        "--repetitions", "N", "Times that each test is repeated.", 5, $"a whole number from 1 to {MaxRepetitions}",
        text => ValueOption.Integer(text, 1, MaxRepetitions), "-r");

    private readonly Option<SparsityMode[]> _modes = ValueOption.Of<SparsityMode[]>(
        "--modes", "MODE,...", "dense, exact, predicted; taken in turns. [default: all]", Enum.GetValues<SparsityMode>(),
        "a list of dense, exact, predicted", text => ValueOption.List(text, ValueOption.Enumeration<SparsityMode>));

    private readonly Option<OutputFormat> _output = ValueOption.Of(
        "--output", "md|json|csv", "How the results are written.", OutputFormat.Markdown, "one of md, json, csv",
        text => text.ToLowerInvariant() switch
        {
            "md" => (true, OutputFormat.Markdown),
            "json" => (true, OutputFormat.Json),
            "csv" => (true, OutputFormat.Csv),
            _ => default,
        }, "-o");

    private readonly Option<string?> _outputFile = ValueOption.Of<string?>(
        "--output-file", "FILE", "Write the results to a file, whole or not at all.", null, "the path of a file",
        text => (text.Length > 0, text));

    private readonly Option<int> _probe = ValueOption.Of(
        "--probe-mib", "MIB", "Size of the buffer that the bandwidth probe reads: several times the caches'.",
        (int)(ReadBandwidthProbe.DefaultBytes >> 20), "a whole number from 1 to 65536", text => ValueOption.Integer(text, 1, 65536));

    /// <summary>The command, without an action.</summary>
    public Command CreateCommand()
    {
        var command = new Command("bench", Description);
        foreach (Option option in (Option[])
        [
            _model, _synthetic, _layers, _weights, _sparsity, _precision, _recall, _seed, _activation, _threshold, _alpha, _policy, _predictor, _context, .. _overrides.All,
            _prompts, _generations, _depths, _cacheType, _threads, _sessions, _repetitions, _modes, _output, _outputFile, _probe,
        ])
        {
            command.Options.Add(option);
        }

        return command;
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="CliException">Options contradict each other.</exception>
    public BenchOptions Read(ParseResult parsed)
    {
        string? model = parsed.GetValue(_model);
        string? synthetic = parsed.GetValue(_synthetic);
        if ((model is null) == (synthetic is null))
        {
            throw new CliException("give either -m FILE or --synthetic SHAPE.");
        }

        Option[] misplaced = model is not null
            ? [_layers, _weights, _sparsity, _precision, _recall, _seed]
            : [_alpha, _predictor, .. _overrides.All];
        if (misplaced.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } wrong)
        {
            throw new CliException($"{wrong.Name} goes with {(model is not null ? "--synthetic" : "-m")} only.");
        }

        string[] policies = parsed.GetValue(_policy) ?? [];
        if (policies.Length > 1 || (policies.Length > 0 && parsed.GetValue(_alpha) is not null))
        {
            throw new CliException(policies.Length > 1
                ? $"one model is measured: give one {PolicyText.Option}, with commas between attributes that act together."
                : $"--alpha is short for {PolicyText.Option} 'SignBitPredictor(Alpha = ...)': give one of them.");
        }

        var options = new BenchOptions
        {
            Policies = policies is [var policy] ? PolicyText.Parse(policy) : null,
            Synthetic = synthetic is null ? null : ReadSynthetic(parsed, synthetic),
            File = model is null ? null : new FileRequest(
                model, parsed.GetValue(_activation), parsed.GetValue(_threshold), parsed.GetValue(_alpha) ?? 1f, parsed.GetValue(_context),
                _overrides.Read(parsed) with { PredictorFile = parsed.GetValue(_predictor) }),
            Prompts = parsed.GetRequiredValue(_prompts),
            Generations = parsed.GetRequiredValue(_generations),
            Depths = parsed.GetRequiredValue(_depths),
            CacheType = parsed.GetValue(_cacheType),
            Threads = parsed.GetRequiredValue(_threads),
            Sessions = parsed.GetRequiredValue(_sessions),
            Repetitions = parsed.GetValue(_repetitions),
            Modes = [.. parsed.GetRequiredValue(_modes).Distinct()],
            Format = parsed.GetValue(_output),
            OutputFile = parsed.GetValue(_outputFile),
            ProbeBytes = (long)parsed.GetValue(_probe) << 20,
        };
        if (options.Sessions.Count > 0 && options.Generations.Max() == 0)
        {
            throw new CliException("--sessions generate together, and -n 0 leaves them nothing to generate.");
        }

        return options.Prompts.Max() + options.Generations.Max() > 0
            ? options
            : throw new CliException("-p 0 and -n 0 leave nothing to measure.");
    }

    private SyntheticRequest ReadSynthetic(ParseResult parsed, string name)
    {
        NamedShape shape = NamedShape.Find(name);
        ModelDeclaration published = shape.Declaration;
        Activation activation = parsed.GetValue(_activation) ?? published.Activation;
        float? threshold = parsed.GetValue(_threshold);
        var target = new ActivityTarget(
            parsed.GetValue(_sparsity) ?? 0.9, parsed.GetValue(_precision) ?? 1, parsed.GetValue(_recall) ?? 1);
        target.Validate();
        ModelDeclaration declaration = published with
        {
            Layers = parsed.GetValue(_layers) ?? published.Layers,
            Context = parsed.GetValue(_context) ?? published.Context,
            Weights = [parsed.GetValue(_weights) ?? WeightType.F16],
            Activation = activation,
            Threshold = activation == published.Activation && threshold is null
                ? published.Threshold
                : FileDeclaration.Threshold(activation, threshold),
        };
        return new SyntheticRequest(declaration, shape.Differs, target, (ulong)(parsed.GetValue(_seed) ?? 0));
    }

    private static Option<double?> Share(string name, string description) => ValueOption.Optional(
        name, "SHARE", description, "a share from 0 to 1",
        text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double share) && share is >= 0 and <= 1
            ? (true, share)
            : default);
}
