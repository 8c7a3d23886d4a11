using System.Globalization;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>What <c>sparseinfer calibrate</c> found for a model: strengths of policies, layer by layer. The measured curves beside them are for people.</summary>
/// <param name="Model">The model's shape, as text that declarations are compared with.</param>
/// <param name="Policies">By the attribute's name, as users write it; then by layer; then values by the attribute's properties.</param>
internal sealed record SparsityProfile(ProfileShape Model, IReadOnlyDictionary<string, IReadOnlyDictionary<int, IReadOnlyDictionary<string, string>>> Policies)
{
    /// <summary>The version that this reads: what is needed to read a profile, whichever generator wrote it.</summary>
    public const int Version = 1;

    /// <summary>Reads a profile.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="strengths">What values an attribute can have, by its name as users write it; null: such an attribute is not known, and not looked into.</param>
    /// <exception cref="JsonException">It is none.</exception>
    public static SparsityProfile Read(string text, Func<string, IReadOnlyList<string>?> strengths)
    {
        JsonObject root = Object(Json.Parse(text), "the profile");
        int version = Integer(root, "version");
        if (version != Version)
        {
            throw new JsonException(root["version"]!.Line, $"its version is {version.ToString(CultureInfo.InvariantCulture)}, and this generator reads {Version}");
        }

        JsonObject model = Object(Member(root, "model"), "'model'");
        var shape = new ProfileShape(Integer(model, "hidden"), Integer(model, "layers"), Integer(model, "intermediate"), String(model, "activation"));
        var policies = new Dictionary<string, IReadOnlyDictionary<int, IReadOnlyDictionary<string, string>>>();
        foreach (Json item in Array(root, "policies"))
        {
            JsonObject policy = Object(item, "a policy");
            string name = String(policy, "attribute");
            if (policies.ContainsKey(name))
            {
                throw new JsonException(policy.Line, $"it has '{name}' twice");
            }

            policies.Add(name, Layers(policy, name, strengths(name)));
        }

        return new(shape, policies);
    }

    private static Dictionary<int, IReadOnlyDictionary<string, string>> Layers(JsonObject policy, string attribute, IReadOnlyList<string>? strengths)
    {
        var layers = new Dictionary<int, IReadOnlyDictionary<string, string>>();
        foreach (Json item in Array(policy, "layers"))
        {
            JsonObject layer = Object(item, "a layer");
            int number = Integer(layer, "layer");
            if (layers.ContainsKey(number))
            {
                throw new JsonException(layer.Line, $"it has layer {number.ToString(CultureInfo.InvariantCulture)} twice");
            }

            var values = new Dictionary<string, string>();
            foreach (KeyValuePair<string, Json> value in Object(Member(layer, "values"), "'values'").Members)
            {
                if (strengths is not null && !strengths.Contains(value.Key))
                {
                    throw new JsonException(value.Value.Line, $"'{value.Key}' is no value of [{attribute}], which takes {(strengths.Count == 0 ? "none" : string.Join(", ", strengths))}");
                }

                values[value.Key] = value.Value switch
                {
                    JsonNumber one => one.Text,
                    JsonWord { Text: "true" or "false" } one => one.Text,
                    var other => throw new JsonException(other.Line, $"'{value.Key}' is {other.Kind}, and must be a number"),
                };
            }

            layers.Add(number, values);
        }

        return layers;
    }

    private static Json Member(JsonObject owner, string name) => owner[name] ?? throw new JsonException(owner.Line, $"'{name}' is missing");

    private static JsonObject Object(Json value, string what) =>
        value as JsonObject ?? throw new JsonException(value.Line, $"{what} is {value.Kind}, and must be an object");

    private static IReadOnlyList<Json> Array(JsonObject owner, string name) => Member(owner, name) is var value && value is JsonArray array
        ? array.Items
        : throw new JsonException(value.Line, $"'{name}' is {value.Kind}, and must be an array");

    private static string String(JsonObject owner, string name) => Member(owner, name) is var value && value is JsonString text
        ? text.Value
        : throw new JsonException(value.Line, $"'{name}' is {value.Kind}, and must be a string");

    private static int Integer(JsonObject owner, string name) =>
        Member(owner, name) is var value && value is JsonNumber number
        && int.TryParse(number.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int integer)
            ? integer
            : throw new JsonException(value.Line, $"'{name}' must be a whole number");
}

/// <summary>Which model a profile is of.</summary>
internal sealed record ProfileShape(int Hidden, int Layers, int Intermediate, string Activation)
{
    public override string ToString() => string.Format(
        CultureInfo.InvariantCulture, "{0} layers of hidden size {1} and {2} neurons with {3}", Layers, Hidden, Intermediate, Activation);
}
