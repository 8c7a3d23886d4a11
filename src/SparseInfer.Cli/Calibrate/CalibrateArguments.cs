using System.CommandLine;
using System.Globalization;
using SparseInfer.Cli.Bench;

namespace SparseInfer.Cli.Calibrate;

/// <summary>The arguments of <c>sparseinfer calibrate</c>.</summary>
internal sealed class CalibrateArguments
{
    private static readonly string Description = """
        Finds the strength of a sparsity policy in each layer of a model, on a text, and writes a profile: a file that [SparsityProfile] reads.

        Examples:
          sparseinfer calibrate -m prosparse-llama-2-7b.gguf --activation fatrelu --threshold 0.01 --text wiki.train.raw --policy SignBitPredictor --target precision=0.995 --output llama.sparsity.json
          sparseinfer calibrate -m tinyllama.gguf --activation silu --text wiki.train.raw --policy ActivationThreshold --target perplexity=1% --output tiny.sparsity.json
        """;

    private readonly Option<string> _model = Path("--model", "A GGUF file, or safetensors beside a config.json.", "the path of a model file", "-m");

    private readonly Option<string> _text = Path("--text", "The text, UTF-8, that activations are looked at on.", "the path of a text file");

    private readonly Option<string> _output = Path("--output", "The profile to write, whole or not at all.", "the path of a file");

    private readonly Option<ScoredPolicy> _policy = ValueOption.Of<ScoredPolicy>(
        "--policy", "NAME", "The policy's attribute.", null!, $"one of {string.Join(", ", ScoredPolicy.All.Select(policy => policy.Attribute))}",
        text => ScoredPolicy.All.FirstOrDefault(policy => policy.Attribute.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } policy ? (true, policy) : default);

    private readonly Option<CalibrationTarget> _target = ValueOption.Of(
        "--target", "TARGET", $"What to keep: {CalibrationTarget.Forms}. [default: {CalibrationTarget.Default.Text}]", CalibrationTarget.Default,
        CalibrationTarget.Forms, CalibrationTarget.Parse);

    private readonly Option<Activation?> _activation = ModelOptions.Activation();

    private readonly Option<float?> _threshold = ModelOptions.Threshold();

    private readonly Option<int> _window = ValueOption.Of(
        "--window", "N", "Tokens in a row; the next window sees nothing of them.", 256,
        $"a whole number from 2 to {ModelOptions.MaxTokens}", text => ValueOption.Integer(text, 2, ModelOptions.MaxTokens));

    private readonly Option<int> _tokens = ValueOption.Of(
        "--tokens", "N", "Tokens of the text, spread evenly over it: half of them are looked at, half are for perplexity.", 16384,
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
            [_model, _text, _policy, _target, _output, _activation, _threshold, .. _overrides.All, _window, _tokens, _seed, _threads])
        {
            command.Options.Add(option);
        }

        return command;
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="CliException">Options contradict each other.</exception>
    public CalibrateOptions Read(ParseResult parsed)
    {
        var options = new CalibrateOptions
        {
            File = new FileRequest(
                parsed.GetRequiredValue(_model), parsed.GetValue(_activation), parsed.GetValue(_threshold), Alpha: 1f, Context: null, _overrides.Read(parsed)),
            TextFile = parsed.GetRequiredValue(_text),
            Policy = parsed.GetRequiredValue(_policy),
            Target = parsed.GetRequiredValue(_target),
            Output = parsed.GetRequiredValue(_output),
            Window = parsed.GetValue(_window),
            Tokens = parsed.GetValue(_tokens),
            Seed = parsed.GetValue(_seed),
            Threads = parsed.GetValue(_threads),
        };
        return options.Tokens >= 2L * options.Window
            ? options
            : throw new CliException($"--tokens {options.Tokens} is less than two windows, which have {options.Window} each: give more, or --window N.");
    }

    private static Option<string> Path(string name, string description, string expected, params string[] aliases)
    {
        Option<string> option = ValueOption.Of<string>(name, "FILE", description, null!, expected, text => (text.Length > 0, text), aliases);
        option.Required = true;
        return option;
    }
}
