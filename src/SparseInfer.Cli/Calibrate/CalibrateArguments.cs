using System.CommandLine;
using System.Globalization;
using SparseInfer.Cli.Bench;

namespace SparseInfer.Cli.Calibrate;

/// <summary>The arguments of <c>sparseinfer calibrate</c>.</summary>
internal sealed class CalibrateArguments
{
    private static readonly string Description = """
        Finds the strength of a sparsity policy in each layer of a model, on a text, and writes a profile: a file that [SparsityProfile] reads; or makes what a policy wants
        of a file, which LoadOptions.PredictorFile names.

        Examples:
          sparseinfer calibrate -m prosparse-llama-2-7b.gguf --activation fatrelu --threshold 0.01 --text wiki.train.raw --policy SignBitPredictor --target precision=0.995 --output llama.sparsity.json
          sparseinfer calibrate -m tinyllama.gguf --activation silu --text wiki.train.raw --policy ActivationThreshold --target perplexity=1% --output tiny.sparsity.json
          sparseinfer calibrate -m tinyllama.gguf --activation silu --text wiki.train.raw --policy InputThreshold --target skipped=0.4 --output teal.sparsity.json
          sparseinfer calibrate -m prosparse-llama-2-7b.gguf --activation fatrelu --threshold 0.01 --text wiki.train.raw --policy TruncatedSvdPredictor --rank 256 --output svd.safetensors
        """;

    private static IEnumerable<string> Policies => ScoredPolicy.All.Select(policy => policy.Attribute).Append(InputThreshold).Append(HeadSparsity).Append(TruncatedSvd).Append(Vocabulary);

    private readonly Option<string> _model = Path("--model", "A GGUF file, or safetensors beside a config.json.", "the path of a model file", "-m");

    private readonly Option<string> _text = Path("--text", "The text, UTF-8, that activations are looked at on.", "the path of a text file");

    private readonly Option<string> _output = Path("--output", "The profile, or the file of its own, to write: whole or not at all.", "the path of a file");

    /// <summary>What skips channels of inputs.</summary>
    private const string InputThreshold = "InputThreshold";

    /// <summary>What leaves out heads of attention.</summary>
    private const string HeadSparsity = "HeadSparsity";

    /// <summary>What has a file of its own, and no profile.</summary>
    private const string TruncatedSvd = "TruncatedSvdPredictor";

    /// <summary>The head's.</summary>
    private const string Vocabulary = "VocabularyPredictor";

    private readonly Option<string> _policy = ValueOption.Of<string>(
        "--policy", "NAME", "The policy's attribute; with arguments where its matrices are there, and their threshold is to be found.", null!,
        $"one of {string.Join(", ", Policies)}, or with arguments {string.Join(" or ", FactoredScores.Forms)}",
        text => text.Contains('(', StringComparison.Ordinal) ? (true, text)
            : Policies.FirstOrDefault(policy => policy.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } policy ? (true, policy) : default);

    private readonly Option<string?> _predictor = ModelOptions.Predictor();

    private readonly Option<IReadOnlyList<ChannelInput>> _uses = ValueOption.Of(
        "--uses", "USES", "InputThreshold: which inputs get a threshold.", ChannelInput.Usual,
        $"some of {string.Join(',', ChannelInput.All.Select(input => input.Name))}, with commas between them", ChannelInput.Parse);

    private readonly Option<ChannelCentre> _centre = ValueOption.Of(
        "--centre", "CENTRE", "InputThreshold: what channels lie around (SCAP): 0, or each input's and layer's own.", ChannelCentre.Zero, "zero, median or mode",
        ValueOption.Enumeration<ChannelCentre>);

    private readonly Option<bool> _columnNorms = new("--column-norms")
    {
        Description = "InputThreshold: thresholds of magnitudes times the norms of the channels' weights (WINA), for Heads and FeedForward.",
    };

    private readonly Option<int?> _rank = ValueOption.Optional(
        "--rank", "R", "TruncatedSvdPredictor, VocabularyPredictor: singular values of the gate, of the head, that are kept.", "a whole number from 1 to 65536",
        text => ValueOption.Integer(text, 1, 65536));

    private readonly Option<bool> _perNeuron = new("--per-neuron")
    {
        Description = "ActivationThreshold: a threshold for each neuron (CHESS), in a safetensors file in place of a profile.",
    };

    private readonly Option<float?> _skip = ValueOption.Optional(
        "--skip", "S",
        "TruncatedSvdPredictor, ActivationThreshold --per-neuron: the share of the neurons to skip; with SVD and exact zeros, of those that are zero. [default: 0.5, with zeros 0.9]",
        "a number above 0, at most 1", text => ValueOption.Positive(text) is (true, <= 1f) share ? share : default);

    private readonly Option<CalibrationTarget> _target = ValueOption.Of(
        "--target", "TARGET", $"What to keep: {CalibrationTarget.Forms}.", CalibrationTarget.Default,
        CalibrationTarget.Forms, CalibrationTarget.Parse);

    private readonly Option<Activation?> _activation = ModelOptions.Activation();

    private readonly Option<float?> _threshold = ModelOptions.Threshold();

    private readonly Option<int> _window = ValueOption.Of(
        "--window", "N", "Tokens in a row; the next window sees nothing of them.", 256,
        $"a whole number from 2 to {ModelOptions.MaxTokens}", text => ValueOption.Integer(text, 2, ModelOptions.MaxTokens));

    private readonly Option<int> _tokens = ValueOption.Of(
        "--tokens", "N", "Tokens of the text, spread evenly over it; for a profile of neurons half of them are looked at, half are for perplexity.", 16384,
        "a whole number from 4 to 2147483647", text => ValueOption.Integer(text, 4, int.MaxValue));

    private readonly Option<ulong> _seed = ValueOption.Of(
        "--seed", "S", "Another seed chooses other windows and tokens.", 1UL, "a whole number",
        text => (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed), seed));

    private readonly Option<int> _threads = ValueOption.Of(
        "--threads", "N", "Worker threads.", Environment.ProcessorCount, $"a whole number from 1 to {CpuDevice.MaxThreads}",
        text => ValueOption.Integer(text, 1, CpuDevice.MaxThreads), "-t");

    private readonly OverrideOptions _overrides = new();

    /// <summary>The command, without an action.</summary>
    public Command CreateCommand()
    {
        _policy.Required = true;
        var command = new Command("calibrate", Description);
        foreach (Option option in (Option[])
            [_model, _text, _policy, _predictor, _target, _uses, _centre, _columnNorms, _rank, _perNeuron, _skip, _output, _activation, _threshold, .. _overrides.All, _window, _tokens, _seed, _threads])
        {
            command.Options.Add(option);
        }

        return command;
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="CliException">Options contradict each other.</exception>
    public CalibrateOptions Read(ParseResult parsed)
    {
        Refuse(parsed, [_rank, _skip], $"is for what has a file of its own: --policy {TruncatedSvd} or {Vocabulary}, or --per-neuron");
        RefuseUses(parsed);
        if (ScoredPolicy.All.Any(policy => policy.Attribute == parsed.GetRequiredValue(_policy)))
        {
            Refuse(parsed, [_predictor], $"has nothing that --policy {parsed.GetRequiredValue(_policy)} looks at");
        }

        var options = new CalibrateOptions
        {
            File = File(parsed),
            TextFile = parsed.GetRequiredValue(_text),
            Policy = ScoredPolicy.All.FirstOrDefault(policy => policy.Attribute == parsed.GetRequiredValue(_policy)) ?? FactoredScores.Parse(parsed.GetRequiredValue(_policy)),
            Target = parsed.GetRequiredValue(_target),
            Output = Profile(parsed),
            Window = parsed.GetValue(_window),
            Tokens = parsed.GetValue(_tokens),
            Seed = parsed.GetValue(_seed),
            Threads = parsed.GetValue(_threads),
        };
        return options.Tokens >= 2L * options.Window
            ? options
            : throw new CliException($"--tokens {options.Tokens} is less than two windows, which have {options.Window} each: give more, or --window N.");
    }

    /// <summary>What was asked for, where it is a file of its own; null: a profile.</summary>
    /// <exception cref="CliException">Options contradict each other.</exception>
    public PredictorOptions? ReadPredictor(ParseResult parsed)
    {
        string policy = parsed.GetRequiredValue(_policy);
        bool isSvd = policy is TruncatedSvd or Vocabulary;
        bool isPerNeuron = parsed.GetValue(_perNeuron);
        if (isPerNeuron && policy != "ActivationThreshold")
        {
            throw new CliException("--per-neuron is for --policy ActivationThreshold.");
        }

        if (!isSvd && !isPerNeuron)
        {
            return null;
        }

        RefuseUses(parsed);
        Refuse(parsed, [_predictor, _target, _seed, .. isSvd ? Array.Empty<Option>() : [_rank]], "is not for this: what is made has a file of its own, and skips what --skip says");
        if (policy == Vocabulary)
        {
            Refuse(parsed, [_skip], $"is not for --policy {Vocabulary}, whose threshold is declared: a table says what some of them skip");
        }

        if (isSvd && parsed.GetValue(_rank) is null)
        {
            throw new CliException($"--policy {policy} takes --rank R: a sixteenth of the hidden size is usual.");
        }

        return new()
        {
            File = File(parsed),
            TextFile = parsed.GetRequiredValue(_text),
            Kind = policy == Vocabulary ? PredictorKind.Vocabulary : isSvd ? PredictorKind.TruncatedSvd : PredictorKind.NeuronThresholds,
            Rank = parsed.GetValue(_rank) ?? 0,
            Share = parsed.GetValue(_skip),
            Output = Named(parsed, ".safetensors", "LoadOptions.PredictorFile takes"),
            Window = parsed.GetValue(_window),
            Tokens = parsed.GetValue(_tokens),
            Threads = parsed.GetValue(_threads),
        };
    }

    /// <summary>What was asked for, where it is thresholds of input channels; null: it is not.</summary>
    /// <exception cref="CliException">Options contradict each other.</exception>
    public ChannelOptions? ReadChannels(ParseResult parsed)
    {
        if (parsed.GetRequiredValue(_policy) != InputThreshold)
        {
            return null;
        }

        Refuse(parsed, [_rank, _perNeuron, _skip, _seed, _predictor], $"is not for --policy {InputThreshold}");
        CalibrationTarget target = parsed.GetRequiredValue(_target);
        if (parsed.GetValue(_columnNorms) && !parsed.GetRequiredValue(_uses).Any(input => input.HasNorms))
        {
            throw new CliException("--column-norms is about Heads and FeedForward: give --uses one of them.");
        }

        return target.Kind != TargetKind.Precision
            ? new()
            {
                File = File(parsed),
                TextFile = parsed.GetRequiredValue(_text),
                Inputs = parsed.GetRequiredValue(_uses),
                Centre = parsed.GetValue(_centre),
                ColumnNorms = parsed.GetValue(_columnNorms),
                Target = target,
                Output = Profile(parsed),
                Window = parsed.GetValue(_window),
                Tokens = parsed.GetValue(_tokens),
                Threads = parsed.GetValue(_threads),
            }
            : throw new CliException(
                $"--target {target.Text}: channels have no zeros that it would be right to skip; --policy {InputThreshold} takes skipped=0.4, a share of each input's channels, contribution=0.99 or perplexity=1%.");
    }

    /// <summary>What was asked for, where it is shares of heads; null: it is not.</summary>
    /// <exception cref="CliException">Options contradict each other.</exception>
    public HeadOptions? ReadHeads(ParseResult parsed)
    {
        if (parsed.GetRequiredValue(_policy) != HeadSparsity)
        {
            return null;
        }

        RefuseUses(parsed);
        Refuse(parsed, [_rank, _perNeuron, _skip, _seed, _predictor], $"is not for --policy {HeadSparsity}");
        CalibrationTarget target = parsed.GetRequiredValue(_target);
        return target.Kind == TargetKind.Perplexity
            ? new()
            {
                File = File(parsed),
                TextFile = parsed.GetRequiredValue(_text),
                Target = target,
                Output = Profile(parsed),
                Window = parsed.GetValue(_window),
                Tokens = parsed.GetValue(_tokens),
                Threads = parsed.GetValue(_threads),
            }
            : throw new CliException($"--policy {HeadSparsity} takes --target perplexity=1%: no other is measured for heads.");
    }

    /// <summary>A profile's file. Its name stands in a project file and in C# text: what either would read otherwise is refused.</summary>
    private string Profile(ParseResult parsed)
    {
        string path = Named(parsed, ".json", "[SparsityProfile] reads");
        return System.IO.Path.GetFileName(path).IndexOfAny(['"', '<', '>', '&', '\'', '\\', ';', '*', '?', '%', '$', '@']) < 0
            ? path
            : throw new CliException($"{_output.Name} {path}: a project file cannot name it as it is; use letters, digits, '.', '-' and '_'.");
    }

    private string Named(ParseResult parsed, string ending, string reader)
    {
        string path = parsed.GetRequiredValue(_output);
        return path.EndsWith(ending, StringComparison.OrdinalIgnoreCase)
            ? path
            : throw new CliException($"{_output.Name} {path}: {reader} a file whose name ends in '{ending}'.");
    }

    private void RefuseUses(ParseResult parsed) => Refuse(parsed, [_uses, _centre, _columnNorms], $"is for --policy {InputThreshold}");

    private FileRequest File(ParseResult parsed) => new(
        parsed.GetRequiredValue(_model), parsed.GetValue(_activation), parsed.GetValue(_threshold), Alpha: 1f, Context: null,
        _overrides.Read(parsed) with { PredictorFile = parsed.GetValue(_predictor) });

    private static void Refuse(ParseResult parsed, IReadOnlyList<Option> options, string why)
    {
        if (options.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new CliException($"{given.Name} {why}.");
        }
    }

    private static Option<string> Path(string name, string description, string expected, params string[] aliases)
    {
        Option<string> option = ValueOption.Of<string>(name, "FILE", description, null!, expected, text => (text.Length > 0, text), aliases);
        option.Required = true;
        return option;
    }
}
