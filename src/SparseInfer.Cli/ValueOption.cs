using System.CommandLine;
using System.Globalization;

namespace SparseInfer.Cli;

/// <summary>Options whose errors name the option, and say what it takes.</summary>
internal static class ValueOption
{
    private const int MaxShownLength = 40;

    /// <summary>An option with one value.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="helpName">What help calls the value.</param>
    /// <param name="description">Help.</param>
    /// <param name="defaultValue">The value where it is not given; null: none.</param>
    /// <param name="expected">What it takes, in words.</param>
    /// <param name="parse">Reads it.</param>
    /// <param name="aliases">Its other names.</param>
    public static Option<T> Of<T>(
        string name,
        string helpName,
        string description,
        T defaultValue,
        string expected,
        Func<string, (bool Valid, T Value)> parse,
        params string[] aliases) =>
        new(name, aliases)
        {
            Description = description,
            HelpName = helpName,
            Arity = ArgumentArity.ExactlyOne,
            DefaultValueFactory = defaultValue is null ? null : _ => defaultValue,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                (bool valid, T value) = parse(text);
                if (!valid)
                {
                    string shown = text.Length <= MaxShownLength ? text : text[..MaxShownLength] + "...";
                    result.AddError($"{name} takes {expected}; '{shown}' is not.");
                }

                return value;
            },
        };

    /// <summary>An option with one value, null where it is not given.</summary>
    public static Option<T?> Optional<T>(
        string name, string helpName, string description, string expected, Func<string, (bool Valid, T Value)> parse)
        where T : struct => Of<T?>(name, helpName, description, null, expected, text =>
        {
            (bool valid, T value) = parse(text);
            return (valid, value);
        });

    /// <summary>An option with a list of whole numbers, as <c>1,2,4</c>.</summary>
    public static Option<int[]> Integers(
        string name, string helpName, string description, int[] defaultValue, int least, int most, params string[] aliases) => Of(
        name, helpName, defaultValue.Length == 0 ? description : $"{description} [default: {string.Join(',', defaultValue)}]", defaultValue,
        $"whole numbers from {least} to {most}, commas between them", text => List(text, item => Integer(item, least, most)), aliases);

    /// <summary>Reads a list, none of it empty.</summary>
    public static (bool Valid, T[] Value) List<T>(string text, Func<string, (bool Valid, T Value)> parse)
    {
        (bool Valid, T Value)[] items = [.. text.Split(',').Select(item => parse(item.Trim()))];
        return (items.All(item => item.Valid), [.. items.Select(item => item.Value)]);
    }

    public static (bool Valid, int Value) Integer(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most
            ? (true, value)
            : default;

    public static (bool Valid, float Value) Positive(string text) =>
        float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && float.IsFinite(value) && value > 0
            ? (true, value)
            : default;

    /// <summary>A value by its name, never by its number.</summary>
    public static (bool Valid, T Value) Enumeration<T>(string text)
        where T : struct, Enum =>
        Enum.GetNames<T>().Contains(text, StringComparer.OrdinalIgnoreCase) ? (true, Enum.Parse<T>(text, ignoreCase: true)) : default;

    public static IEnumerable<string> Names<T>()
        where T : struct, Enum => Enum.GetNames<T>().Select(name => name.ToLowerInvariant());
}
