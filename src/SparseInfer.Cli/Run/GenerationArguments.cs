using System.CommandLine;
using System.Globalization;

namespace SparseInfer.Cli.Run;

/// <summary>How a text is generated: llama.cpp's names and defaults.</summary>
/// <param name="usualCount">Most tokens where nothing is said; -1: until the context is full.</param>
internal sealed class GenerationArguments(int usualCount = 256)
{
    private static readonly GenerationOptions Usual = new();

    private readonly Option<int> _count = ValueOption.Of(
        "--n-predict", "N", "Most tokens to generate; -1: until the context is full.", usualCount, "a whole number above 0, or -1",
        text => text == "-1" ? (true, -1) : ValueOption.Integer(text, 1, int.MaxValue), "-n");

    private readonly Option<int?> _context = ValueOption.Of<int?>(
        "--ctx-size", "N", "Tokens that a sequence can hold. [default: the model's]", null, $"a whole number from 1 to {ModelOptions.MaxTokens}",
        text => ValueOption.Integer(text, 1, ModelOptions.MaxTokens) is (true, var value) ? (true, value) : default((bool, int?)), "-c");

    private readonly Option<double> _temperature = Number("--temp", "T", "What logits are divided by; 0: always the likeliest token.", Usual.Temperature, 0, double.MaxValue);

    private readonly Option<int> _topK = ValueOption.Of(
        "--top-k", "K", "So many of the likeliest tokens are kept; 0: all.", Usual.TopK, "a whole number", text => ValueOption.Integer(text, 0, int.MaxValue));

    private readonly Option<double> _topP = Number("--top-p", "P", "The fewest likeliest tokens that have this probability together; 1: all.", Usual.TopP, 0, 1);

    private readonly Option<double> _minP = Number("--min-p", "P", "Tokens at least this many times as probable as the likeliest; 0: all.", Usual.MinP, 0, 1);

    private readonly Option<double> _penalty = Number(
        "--repeat-penalty", "X", "Makes tokens of the last 64 less likely; 1: off.", Usual.RepetitionPenalty, 0.01, 100);

    private readonly Option<ulong?> _seed = ValueOption.Of<ulong?>(
        "--seed", "S", "The same seed gives the same text. [default: another each time]", null, "a whole number",
        text => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed) ? (true, seed) : default((bool, ulong?)), "-s");

    private readonly Option<string[]> _stop = new("--stop")
    {
        Description = "A text that ends the answer, and is not shown. May be given several times.",
        HelpName = "TEXT",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
        Validators =
        {
            result =>
            {
                if (result.Tokens.Any(token => token.Value.Length == 0))
                {
                    result.AddError("--stop takes a text; '' is not.");
                }
            },
        },
    };

    private readonly Option<SparsityMode> _mode = ValueOption.Of(
        "--mode", "MODE", "dense, exact or predicted.", SparsityMode.Predicted, "one of dense, exact, predicted", ValueOption.Enumeration<SparsityMode>);

    /// <summary>The options.</summary>
    public IReadOnlyList<Option> All => [_count, _context, _temperature, _topK, _topP, _minP, _penalty, _seed, _stop, _mode];

    /// <summary>What was asked for.</summary>
    public GenerationOptions Read(ParseResult parsed) => new()
    {
        MaxTokens = parsed.GetRequiredValue(_count) is var count && count == -1 ? int.MaxValue : count,
        Temperature = parsed.GetRequiredValue(_temperature),
        TopK = parsed.GetRequiredValue(_topK),
        TopP = parsed.GetRequiredValue(_topP),
        MinP = parsed.GetRequiredValue(_minP),
        RepetitionPenalty = parsed.GetRequiredValue(_penalty),
        Seed = parsed.GetValue(_seed),
        StopStrings = parsed.GetValue(_stop) ?? [],
    };

    /// <summary>The mode that was asked for.</summary>
    public SparsityMode Mode(ParseResult parsed) => parsed.GetRequiredValue(_mode);

    /// <summary>The context that was asked for.</summary>
    public int? Context(ParseResult parsed) => parsed.GetValue(_context);

    private static Option<double> Number(string name, string helpName, string description, double usual, double least, double most) => ValueOption.Of(
        name, helpName, description, usual, most == double.MaxValue ? $"a number, at least {least}" : string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}"),
        text => (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value >= least && value <= most, value));
}
