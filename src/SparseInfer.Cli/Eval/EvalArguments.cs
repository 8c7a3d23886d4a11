using System.CommandLine;
using System.Globalization;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Eval;

/// <summary>The arguments of <c>sparseinfer eval</c>.</summary>
internal sealed class EvalArguments
{
    private const string Description = """
        Judges sparsity policies on a text: perplexity, how far the predicted tokens are from those of the dense model, and what each layer skipped,
        rightly and wrongly.

        Examples:
          sparseinfer eval -m prosparse-llama-2-7b.gguf --activation fatrelu --threshold 0.01 --text wiki.test.raw --alpha 1,1.02,1.05
          sparseinfer eval -m tinyllama.gguf --activation silu --text wiki.test.raw --activation-threshold 0.05,0.1 --tokens 8192 --json
          sparseinfer eval -m model.gguf --text text.txt --policy 'SignBitPredictor(Alpha = 1.2f)' --policy 'ExactSparsity'
        """;

    private readonly Option<string> _model = Path("--model", "A GGUF file, or safetensors beside a config.json.", "the path of a model file", "-m");

    private readonly Option<string?> _text = ValueOption.Of<string?>(
        "--text", "FILE", "The text, UTF-8, that the model shall predict.", null, "the path of a text file", text => (text.Length > 0, text));

    private readonly Option<string?> _choices = ValueOption.Of<string?>(
        "--choices", "FILE", "Multiple-choice questions, JSON lines with question, choices and answer: an index or a choice's text.", null,
        "the path of a file of JSON lines", text => (text.Length > 0, text));

    private readonly Option<Activation?> _activation = ModelOptions.Activation();

    private readonly Option<float?> _threshold = ModelOptions.Threshold();

    private readonly Option<float[]> _alphas = Numbers("--alpha", "A,...", "The sign-bit predictor's, in every layer: a row for each. [default: 1]");

    private readonly Option<float[]> _activationThresholds = Numbers(
        "--activation-threshold", "T,...", "CATS: neurons with a smaller activation are skipped, in every layer. A row for each.");

    private readonly Option<string[]> _policies = ModelOptions.Policy("A row for each that is given. [default: the sign-bit predictor]");

    private readonly Option<string[]> _profiles = new("--profile")
    {
        Description = "A profile of sparseinfer calibrate: its policies, with its strengths. A row for each that is given.",
        HelpName = "FILE",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
        Validators =
        {
            result =>
            {
                if (result.Tokens.Any(token => token.Value.Length == 0))
                {
                    result.AddError("--profile takes the path of a profile; '' is not.");
                }
            },
        },
    };

    private readonly Option<string?> _predictor = ModelOptions.Predictor();

    private readonly Option<int> _window = ValueOption.Of(
        "--window", "N", "Tokens that are predicted in a row; the next window sees nothing of them.", 256,
        $"a whole number from 2 to {ModelOptions.MaxTokens}", text => ValueOption.Integer(text, 2, ModelOptions.MaxTokens));

    private readonly Option<int?> _prompt = ValueOption.Optional(
        EvalOptions.PromptOption, "N",
        "Tokens that each window begins with, computed dense as prompts are, and not judged. [default: half of it where a policy chooses by prompts, else 0]",
        $"a whole number from 0 to {ModelOptions.MaxTokens}", text => ValueOption.Integer(text, 0, ModelOptions.MaxTokens));

    private readonly Option<int?> _tokens = ValueOption.Optional(
        "--tokens", "N", "Predict no more than so many, in windows spread evenly over the text. [default: all]", "a whole number from 2 to 2147483647",
        text => ValueOption.Integer(text, 2, int.MaxValue));

    private readonly Option<double?> _ppl = ValueOption.Optional(
        "--ppl", "P%", "Tell what each combination of attributes skips where perplexity is P% above the dense model's, between its rows.", "a percentage above 0, such as 1%",
        text => double.TryParse(text.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double percent) && percent is > 0 and <= 1000
            ? (true, percent / 100)
            : default);

    private readonly Option<int?> _speed = ValueOption.Optional(
        EvalOptions.SpeedOption, "N", $"Time N tokens of the text, one by one, after a prompt of {Speed.Prompt}: in turns dense and with the policy, medians of 5 rounds.",
        $"a whole number from 1 to {ModelOptions.MaxTokens}", text => ValueOption.Integer(text, 1, ModelOptions.MaxTokens));

    private readonly Option<int> _threads = ValueOption.Of(
        "--threads", "N", "Worker threads.", Environment.ProcessorCount, $"a whole number from 1 to {CpuDevice.MaxThreads}",
        text => ValueOption.Integer(text, 1, CpuDevice.MaxThreads), "-t");

    private readonly Option<bool> _json = new("--json") { Description = "Write an object, layers included, instead of tables." };

    private readonly Option<string?> _html = ValueOption.Of<string?>(
        "--html", "FILE", "Write a report for browsers too: one file, whole or not at all.", null, "the path of a file", text => (text.Length > 0, text));

    private readonly Option<string?> _outputFile = ValueOption.Of<string?>(
        "--output-file", "FILE", "Write the results to a file, whole or not at all.", null, "the path of a file",
        text => (text.Length > 0, text));

    private readonly OverrideOptions _overrides = new();

    /// <summary>The command, without an action.</summary>
    public Command CreateCommand()
    {
        var command = new Command("eval", Description);
        foreach (Option option in (Option[])
        [
            _model, _text, _choices, _activation, _threshold, .. _overrides.All, _alphas, _activationThresholds, _policies, _profiles, _predictor, _window, _prompt, _tokens, _ppl, _speed, _threads, _json, _html, _outputFile,
        ])
        {
            command.Options.Add(option);
        }

        return command;
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="CliException">Options contradict each other.</exception>
    public EvalOptions Read(ParseResult parsed)
    {
        var options = new EvalOptions
        {
            File = new FileRequest(
                parsed.GetRequiredValue(_model), parsed.GetValue(_activation), parsed.GetValue(_threshold), Alpha: 1f, Context: null,
                _overrides.Read(parsed) with { PredictorFile = parsed.GetValue(_predictor) }),
            TextFile = parsed.GetValue(_text),
            ChoicesFile = parsed.GetValue(_choices),
            Alphas = [.. parsed.GetRequiredValue(_alphas).Distinct()],
            ActivationThresholds = [.. parsed.GetRequiredValue(_activationThresholds).Distinct()],
            Policies = [.. (parsed.GetValue(_policies) ?? []).Select(PolicyText.Parse)],
            Profiles = [.. (parsed.GetValue(_profiles) ?? []).Distinct()],
            Window = parsed.GetValue(_window),
            Prompt = parsed.GetValue(_prompt),
            Tokens = parsed.GetValue(_tokens),
            Ppl = parsed.GetValue(_ppl),
            Speed = parsed.GetValue(_speed),
            Threads = parsed.GetValue(_threads),
            Json = parsed.GetValue(_json),
            HtmlFile = parsed.GetValue(_html),
            OutputFile = parsed.GetValue(_outputFile),
        };
        if (options.TextFile is null && options.ChoicesFile is null)
        {
            throw new CliException("give what to judge on: --text FILE, --choices FILE, or both.");
        }

        if (options.Ppl is not null && options.TextFile is null)
        {
            throw new CliException("--ppl is about perplexity, which goes with --text FILE.");
        }

        if (options.Speed is not null && options.TextFile is null)
        {
            throw new CliException($"{EvalOptions.SpeedOption} decodes a text, which goes with --text FILE.");
        }

        if (options.TextFile is null && ((Option[])[_window, _prompt, _tokens]).FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } ofText)
        {
            throw new CliException($"{ofText.Name} is about windows of a text, which goes with --text FILE; questions are whole.");
        }

        if (options.Prompt >= options.Window)
        {
            throw new CliException($"{EvalOptions.PromptOption} {options.Prompt} leaves nothing of a window, which has {options.Window}, to be judged: give less, or --window N.");
        }

        return options.Tokens is not { } tokens || tokens >= options.Window
            ? options
            : throw new CliException($"--tokens {tokens} is less than a window, which has {options.Window}: give more, or --window N.");
    }

    private static Option<string> Path(string name, string description, string expected, params string[] aliases)
    {
        Option<string> option = ValueOption.Of<string>(name, "FILE", description, null!, expected, text => (text.Length > 0, text), aliases);
        option.Required = true;
        return option;
    }

    private static Option<float[]> Numbers(string name, string helpName, string description) => ValueOption.Of<float[]>(
        name, helpName, description, [], "numbers above 0, commas between them", text => ValueOption.List(text, ValueOption.Positive));
}
