using System.CommandLine;
using System.Globalization;
using System.Text;
using SparseInfer;

namespace Stories;

/// <summary>The options: their names, help and rules. A rule's message names the option and says what it takes.</summary>
internal sealed class OptionSet
{
    public const string Description = """
        Writes a story with a small bundled model, then measures what its
        activation sparsity is worth: speed, perplexity on held-out text, and for
        each layer how many neurons were inactive, how many the predictor found,
        and the bytes that a token touched.

        Examples:
          Stories --prompt "Once upon a time, a dragon" --seed 7 --tokens 200
          Stories --quiet --temperature 0 --prompt "Lily and Tom" > story.txt
          Stories --evaluate all --threads 1
        """;

    private readonly Option<string> _prompt = Text(
        "--prompt", "TEXT", "The beginning of the story.", "Once upon a time", "some text in valid Unicode", IsPrompt);

    private readonly Option<int> _tokens = Value(
        "--tokens", "N", "The most tokens to write. The model's context ends the story after 512 at the latest.",
        200, "a whole number of at least 1", static text => Integer(text, 1, int.MaxValue));

    private readonly Option<ulong?> _seed = Value<ulong?>(
        "--seed", "N", "Repeats a story: the same seed, options and model give the same text. [default: a new one, which is shown]",
        null, "a whole number from 0 to 18446744073709551615",
        static text => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed) ? (true, seed) : default);

    private readonly Option<double> _temperature = Value(
        "--temperature", "T", "0 always takes the likeliest token, 1 draws as the model was trained; more is wilder.",
        0.8, "a finite number of at least 0",
        static text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double t) && double.IsFinite(t) && t >= 0
            ? (true, t)
            : default);

    private readonly Option<SparsityMode?> _mode = Value<SparsityMode?>(
        "--mode", "dense|exact|predicted",
        "How the story is computed: dense, every neuron; exact, without those whose activation is zero (the same text); "
        + "predicted, as the declaration has it. [default: predicted]",
        null, "one of dense, exact, predicted",
        static text => Enum.GetNames<SparsityMode>().Contains(text, StringComparer.OrdinalIgnoreCase)
            ? (true, Enum.Parse<SparsityMode>(text, ignoreCase: true))
            : default);

    private readonly Option<int> _threads = Value(
        "--threads", "N", "Worker threads. [default: one a processor]",
        0, $"a whole number from 1 to {CpuDevice.MaxThreads}", static text => Integer(text, 1, CpuDevice.MaxThreads));

    private readonly Option<string> _device = Text(
        "--device", "NAME",
        "Where the model runs: best, cpu, cuda, cuda:1, opencl, ilgpu-cpu, cuda-software. What there is on a machine, 'sparseinfer doctor' tells.",
        "best", "the name of a device", static text => text.Length > 0);

    private readonly Option<string> _model = Text(
        "--model", "FILE", "A GGUF file with weights of the declared shape. [default: the bundled stories-relu.gguf]",
        "", "the path of a GGUF file", static text => text.Length > 0);

    private readonly Option<int> _evaluate = Value(
        "--evaluate", "N|all", "Tokens of the held-out text to measure on; more is slower and more exact.",
        HeldOutText.DefaultTokens, $"'all', or a whole number of at least {HeldOutText.Window}",
        static text => text == "all" ? (true, int.MaxValue) : Integer(text, HeldOutText.Window, int.MaxValue));

    private readonly Option<bool> _quiet = new("--quiet")
    {
        Description = "Write the text alone, prompt included, and measure nothing.",
    };

    public void AddTo(RootCommand root)
    {
        Option[] all = [_prompt, _tokens, _seed, _temperature, _mode, _threads, _device, _model, _evaluate, _quiet];
        foreach (Option option in all)
        {
            root.Options.Add(option);
        }
    }

    public StoryOptions Read(ParseResult parsed) => new()
    {
        Prompt = parsed.GetRequiredValue(_prompt),
        Tokens = parsed.GetValue(_tokens),
        Seed = parsed.GetValue(_seed) ?? (ulong)Random.Shared.Next(1_000_000),
        Temperature = parsed.GetValue(_temperature),
        Mode = parsed.GetValue(_mode) ?? SparsityMode.Predicted,
        Threads = parsed.GetValue(_threads),
        Device = parsed.GetRequiredValue(_device),
        Model = parsed.GetValue(_model) is { Length: > 0 } model ? model : Bundled.Model,
        Evaluate = parsed.GetValue(_evaluate),
        Quiet = parsed.GetValue(_quiet),
    };

    private static Option<string> Text(
        string name, string helpName, string description, string defaultValue, string expected, Func<string, bool> accepts) =>
        Value(name, helpName, description, defaultValue, expected, text => (accepts(text), text));

    private static Option<T> Value<T>(
        string name, string helpName, string description, T defaultValue, string expected, Func<string, (bool Valid, T Value)> parse)
    {
        bool hasDefault = defaultValue is not (null or 0 or "");
        return new Option<T>(name)
        {
            Description = description,
            HelpName = helpName,
            Arity = ArgumentArity.ExactlyOne,
            DefaultValueFactory = hasDefault ? _ => defaultValue : null,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                (bool valid, T value) = parse(text);
                if (!valid)
                {
                    result.AddError($"{name} takes {expected}; '{Shorten(text)}' is not.");
                }

                return value;
            },
        };
    }

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "...";

    private static (bool Valid, int Value) Integer(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most
            ? (true, value)
            : default;

    /// <summary>Bytes that are not UTF-8 arrive as U+FFFD; half of a surrogate pair, which Windows lets through, enumerates as U+FFFD.</summary>
    private static bool IsPrompt(string text) => text.Length > 0 && !text.EnumerateRunes().Contains(Rune.ReplacementChar);
}
