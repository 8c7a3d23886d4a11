using System.CommandLine;
using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli;

/// <summary>Options that say of a model what its file does not, alike in every command.</summary>
internal static class ModelOptions
{
    /// <summary>Longer contexts and tests are surely a mistake.</summary>
    public const int MaxTokens = 1 << 20;

    public static Option<Activation?> Activation() => ValueOption.Optional(
        "--activation", string.Join('|', ActivationNames.All), "What the model was trained with: files do not say, or say it wrongly.",
        $"one of {string.Join(", ", ActivationNames.All)}", text => (ActivationNames.TryParse(text, out Activation a), a));

    public static Option<float?> Threshold() => ValueOption.Optional(
        "--threshold", "T", "FATReLU's threshold.", "a number above 0", ValueOption.Positive);

    public static Option<int?> Context() => ValueOption.Optional(
        "--context", "N", "The declared context. [default: the model's]", $"a whole number from 1 to {MaxTokens}",
        text => ValueOption.Integer(text, 1, MaxTokens));

    public static Option<string?> Predictor() => ValueOption.Of<string?>(
        "--predictor", "FILE", "Another file, with tensors that policies want and the model's file lacks.", null, "the path of a file", text => (text.Length > 0, text));

    /// <summary>Policies as text, for <see cref="PolicyText"/>.</summary>
    /// <param name="meaning">What the command does with them.</param>
    public static Option<string[]> Policy(string meaning) => new(PolicyText.Option)
    {
        Description = $"Policy attributes as C# has them, such as 'SignBitPredictor(Alpha = 1.2f)'; several with commas between them act together. {meaning}",
        HelpName = "TEXT",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };
}
