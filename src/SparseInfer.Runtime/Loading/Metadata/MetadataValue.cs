using System.Globalization;
using SparseInfer.Files;

namespace SparseInfer.Loading;

/// <summary>
/// A value of a model file's metadata, whatever form it was written in: 7, 7.0, "7" and [7, 7, 7] are one number. Converters write all of
/// these, and an array where layers could differ.
/// </summary>
internal readonly record struct MetadataValue
{
    /// <summary>Elements of an array that messages show.</summary>
    private const int ElementsShown = 4;

    /// <summary>The number; null: this is none, or several that differ.</summary>
    public double? Number { get; private init; }

    /// <summary>The text; null: this is none.</summary>
    public string? Text { get; private init; }

    /// <summary>True or false, also as 1 or 0; null: this is neither.</summary>
    public bool? Flag { get; private init; }

    /// <summary>The texts of an array, or one; null: these are none.</summary>
    public IReadOnlyList<string>? Texts { get; private init; }

    /// <summary>The numbers of an array, or one; null: these are none.</summary>
    public IReadOnlyList<double>? Numbers { get; private init; }

    /// <summary>The value for messages.</summary>
    public string Shown { get; private init; }

    /// <summary>Reads a key's value. There must be one.</summary>
    public static MetadataValue Read(ModelMetadata metadata, string key)
    {
        if (metadata.TryGetInt64(key, out long integer))
        {
            return Of(integer);
        }

        if (metadata.TryGetDouble(key, out double number))
        {
            return Of(number);
        }

        if (metadata.TryGetBoolean(key, out bool flag))
        {
            return new MetadataValue { Flag = flag, Shown = flag ? "true" : "false" };
        }

        if (metadata.TryGetString(key, out string? text))
        {
            return Of(text);
        }

        if (metadata.TryGetStringArray(key, out string[]? texts))
        {
            double?[] parsed = [.. texts.Select(Parse)];
            IReadOnlyList<double>? numbers = parsed.Length > 0 && parsed.All(value => value is not null) ? [.. parsed.Select(value => value!.Value)] : null;
            return new MetadataValue { Number = Common(numbers), Numbers = numbers, Texts = texts, Shown = List(texts.Select(FileText.Quote), texts.Length) };
        }

        if (metadata.TryGetInt32Array(key, out int[]? integers))
        {
            return Of(Array.ConvertAll(integers, value => (double)value));
        }

        return metadata.TryGetSingleArray(key, out float[]? singles)
            ? Of(Array.ConvertAll(singles, value => (double)value))
            : new MetadataValue { Shown = metadata.Describe(key) ?? "absent" };
    }

    /// <summary>A number for messages: whole ones in full, others as the single precision they are compared in.</summary>
    public static string Show(double number) => number == Math.Floor(number) && Math.Abs(number) < 1e15
        ? number.ToString("0", CultureInfo.InvariantCulture)
        : ((float)number).ToString(CultureInfo.InvariantCulture);

    /// <summary>A number as a value.</summary>
    public static MetadataValue Of(double number) => new()
    {
        Number = number,
        Numbers = [number],
        Flag = number is 0 or 1 ? number == 1 : null,
        Shown = Show(number),
    };

    private static MetadataValue Of(string text) => new()
    {
        Number = Parse(text),
        Numbers = Parse(text) is { } number ? [number] : null,
        Text = text,
        Texts = [text],
        Shown = FileText.Quote(text),
    };

    private static MetadataValue Of(double[] numbers) => new()
    {
        Number = Common(numbers),
        Numbers = numbers,
        Shown = Common(numbers) is { } common ? Show(common) : List(numbers.Select(Show), numbers.Length),
    };

    private static double? Parse(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;

    private static double? Common(IReadOnlyList<double>? numbers) =>
        numbers is [var first, ..] && numbers.All(number => number.Equals(first)) ? first : null;

    private static string List(IEnumerable<string> shown, int count) =>
        $"[{string.Join(", ", shown.Take(ElementsShown))}{(count > ElementsShown ? ", ..." : "")}]";
}
