using System.Globalization;
using System.Text.Json;
using SparseInfer.Cli.Serve.Http;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>
/// A request's JSON object, read parameter by parameter, with the errors of OpenAI's service. A parameter that nobody has asked for is unknown, and an error: one
/// that would change the answer is never left out in silence. Null is as good as absent.
/// </summary>
internal sealed class Parameters
{
    private readonly JsonElement _body;
    private readonly HashSet<string> _known = [];
    private readonly string _path;

    /// <summary>Reads an object.</summary>
    /// <param name="body">The object.</param>
    /// <param name="path">Where it stands in the body, such as <c>messages[0]</c>; empty: it is the body.</param>
    /// <exception cref="ApiException">It is no object.</exception>
    public Parameters(JsonElement body, string path = "")
    {
        _body = body.ValueKind == JsonValueKind.Object ? body
            : path.Length == 0 ? throw ApiException.Invalid($"Invalid body: expected a JSON object, but got {Kind(body)} instead.")
            : throw WrongType(path, "an object", body);
        _path = path;
    }

    /// <summary>How errors call a parameter.</summary>
    public string PathOf(string name) => _path.Length == 0 ? name : $"{_path}.{name}";

    /// <summary>A parameter's value, if it is given and not null.</summary>
    public bool TryGet(string name, out JsonElement value)
    {
        _known.Add(name);
        return _body.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    /// <summary>A parameter's value.</summary>
    /// <exception cref="ApiException">It is absent.</exception>
    public JsonElement Require(string name) =>
        TryGet(name, out JsonElement value) ? value : throw ApiException.Invalid($"Missing required parameter: '{PathOf(name)}'.", PathOf(name), "missing_required_parameter");

    public string? Text(string name) =>
        !TryGet(name, out JsonElement value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw WrongType(PathOf(name), "a string", value);

    public bool? Boolean(string name) =>
        !TryGet(name, out JsonElement value) ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw WrongType(PathOf(name), "a boolean", value);

    public long? Integer(string name, long least, long most)
    {
        if (!TryGet(name, out JsonElement value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Number)
        {
            throw WrongType(PathOf(name), "an integer", value);
        }

        // 5.0 is a whole number, as JavaScript writes some.
        if (!value.TryGetInt64(out long number) && !(value.TryGetDecimal(out decimal fraction) && decimal.IsInteger(fraction) && long.TryParse(
            fraction.ToString("0", CultureInfo.InvariantCulture), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number)))
        {
            throw value.GetDouble() is var real && (double.IsInteger(real) || double.IsInfinity(real)) ? Beyond(name, "integer", real < 0, real < 0 ? $"{least}" : $"{most}", value) : WrongType(PathOf(name), "an integer", value);
        }

        return number < least ? throw Beyond(name, "integer", below: true, $"{least}", value)
            : number > most ? throw Beyond(name, "integer", below: false, $"{most}", value)
            : number;
    }

    public double? Number(string name, double least, double most)
    {
        if (!TryGet(name, out JsonElement value))
        {
            return null;
        }

        double number = value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw WrongType(PathOf(name), "a decimal", value);
        return number < least ? throw Beyond(name, "decimal", below: true, Shown(least), value)
            : number > most ? throw Beyond(name, "decimal", below: false, Shown(most), value)
            : number;
    }

    /// <summary>One of a few words.</summary>
    public string? Choice(string name, params ReadOnlySpan<string> words) => Text(name) is { } text ? OneOf(text, PathOf(name), words) : null;

    /// <summary>A list, empty where it is absent.</summary>
    public JsonElement[] List(string name, string of, int most)
    {
        if (!TryGet(name, out JsonElement value))
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            throw WrongType(PathOf(name), $"an array of {of}", value);
        }

        int length = value.GetArrayLength();
        return length <= most ? [.. value.EnumerateArray()] : throw ApiException.Invalid(
            $"Invalid '{PathOf(name)}': array too long. Expected an array with maximum length {most}, but got an array with length {length} instead.", PathOf(name), "array_above_max_length");
    }

    /// <summary>Parameters that change no answer.</summary>
    public void Ignore(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            _known.Add(name);
        }
    }

    /// <summary>A parameter that is refused, unless it says what is done anyway.</summary>
    /// <param name="name">The parameter.</param>
    /// <param name="isNothing">Whether a value asks for nothing.</param>
    public void Refuse(string name, Func<JsonElement, bool> isNothing)
    {
        if (TryGet(name, out JsonElement value) && !isNothing(value))
        {
            throw ApiException.Invalid($"Unsupported parameter: '{PathOf(name)}' is not supported by this server.", PathOf(name), "unsupported_parameter");
        }
    }

    /// <summary>Which model is asked, where the body says so: there is one.</summary>
    /// <exception cref="ApiException">It is another one.</exception>
    public void RequireModel(string model)
    {
        if (Text("model") is { } name && name != model)
        {
            throw ApiException.NoSuchModel(Short(name));
        }
    }

    /// <summary>Whatever was not asked for is an error.</summary>
    public void EndHere()
    {
        foreach (JsonProperty property in _body.EnumerateObject())
        {
            if (!_known.Contains(property.Name) && property.Value.ValueKind != JsonValueKind.Null)
            {
                throw ApiException.UnknownParameter(PathOf(Short(property.Name)), _path);
            }
        }
    }

    /// <summary>A value is of another type.</summary>
    public static ApiException WrongType(string path, string expected, JsonElement value) =>
        ApiException.Invalid($"Invalid type for '{path}': expected {expected}, but got {Kind(value)} instead.", path, "invalid_type");

    /// <summary>A text that is one of a few.</summary>
    public static string OneOf(string text, string path, params ReadOnlySpan<string> words) =>
        words.Contains(text) ? text : throw ApiException.Invalid(
            $"Invalid value: '{Short(text)}'. Supported values are: {string.Join(", ", words.ToArray().Select(word => $"'{word}'"))}.", path, "invalid_value");

    /// <summary>What somebody sent, short enough for a message.</summary>
    public static string Short(string text, int most = 64) => text.Length <= most ? text : string.Concat(text.AsSpan(0, most), "...");

    private ApiException Beyond(string name, string type, bool below, string limit, JsonElement value) => ApiException.Invalid(
        $"Invalid '{PathOf(name)}': {type} {(below ? "below minimum" : "above maximum")} value. Expected a value {(below ? ">=" : "<=")} {limit}, but got {Short(value.GetRawText())} instead.",
        PathOf(name), $"{type}_{(below ? "below_min" : "above_max")}_value");

    private static string Shown(double number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => value.TryGetInt64(out _) ? "an integer" : "a decimal",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };
}
