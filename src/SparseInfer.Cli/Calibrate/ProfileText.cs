using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Calibrate;

/// <summary>A profile as text: what <c>[SparsityProfile]</c> reads, and the measured curves for people.</summary>
internal static class ProfileText
{
    /// <summary>What generators compare; it changes with what is needed to read a profile.</summary>
    private const int Version = 1;

    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Strengths alone: what a probe is compiled with.</summary>
    public static string Of(ModelDeclaration model, ScoredPolicy policy, IReadOnlyList<LayerCurve> curves, int[] chosen) =>
        Of(model, new JsonObject(), policy, curves, chosen, withCurves: false);

    /// <summary>A whole profile.</summary>
    /// <param name="model">The model.</param>
    /// <param name="calibration">How it was made.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="curves">Of each layer.</param>
    /// <param name="chosen">Which point of it.</param>
    /// <param name="withCurves">Whether with the curves.</param>
    public static string Of(
        ModelDeclaration model, JsonObject calibration, ScoredPolicy policy, IReadOnlyList<LayerCurve> curves, int[] chosen, bool withCurves = true) =>
        Of(model, calibration, [Policy(policy.Attribute, curves.Select((curve, layer) => Layer(layer, curve, chosen[layer], withCurves)), policy.Arguments)]);

    /// <summary>A whole profile of whatever policies.</summary>
    /// <param name="model">The model.</param>
    /// <param name="calibration">How it was made.</param>
    /// <param name="policies">Of <see cref="Policy"/>.</param>
    public static string Of(ModelDeclaration model, JsonObject calibration, IEnumerable<JsonObject> policies) => new JsonObject
    {
        ["version"] = Version,
        ["model"] = new JsonObject
        {
            ["hidden"] = model.Hidden,
            ["layers"] = model.Layers,
            ["intermediate"] = model.Intermediate,
            ["activation"] = model.Activation.ToString(),
        },
        ["calibration"] = calibration,
        ["policies"] = new JsonArray([.. policies]),
    }.ToJsonString(Options) + "\n";

    /// <summary>A policy's layers.</summary>
    /// <param name="attribute">Its attribute's name.</param>
    /// <param name="layers">What it gets in each.</param>
    /// <param name="arguments">What the attribute says beside that, for who declares it again; null: nothing.</param>
    public static JsonObject Policy(string attribute, IEnumerable<JsonObject> layers, string? arguments = null)
    {
        var policy = new JsonObject { ["attribute"] = attribute };
        if (arguments is not null)
        {
            policy["arguments"] = arguments;
        }

        policy["layers"] = new JsonArray([.. layers]);
        return policy;
    }

    /// <summary>What the attribute gets in a layer.</summary>
    public static JsonObject Layer(int layer, IEnumerable<StrengthValue> strengths) => new()
    {
        ["layer"] = layer,
        ["values"] = new JsonObject(strengths.Select(strength => new KeyValuePair<string, JsonNode?>(strength.Name, strength.Value))),
    };

    private static JsonObject Layer(int layer, LayerCurve curve, int chosen, bool withCurve)
    {
        JsonObject written = Layer(layer, curve.Points[chosen].Strengths);
        if (!withCurve)
        {
            return written;
        }

        written["measured"] = Point(curve.Points[chosen]);
        written["dense_bytes"] = Rounded(curve.DenseBytes, 0);
        written["curve"] = new JsonArray([.. curve.Points.Select(point =>
        {
            var strengths = new JsonObject(point.Strengths.Select(strength => new KeyValuePair<string, JsonNode?>(strength.Name, strength.Value)));
            foreach (KeyValuePair<string, JsonNode?> measured in Point(point))
            {
                strengths.Add(measured.Key, measured.Value?.DeepClone());
            }

            return strengths;
        })]);
        return written;
    }

    private static JsonObject Point(CurvePoint point) => new()
    {
        ["skipped"] = Rounded(point.Skipped, 5),
        ["precision"] = Rounded(point.Precision, 5),
        ["recall"] = Rounded(point.Recall, 5),
        ["contribution"] = Rounded(point.Contribution, 5),
        ["bytes"] = Rounded(point.Bytes, 0),
    };

    /// <summary>What was measured on some thousand tokens has no more digits.</summary>
    public static JsonNode? Rounded(double? value, int digits) => value is { } number && double.IsFinite(number) ? Math.Round(number, digits) : null;
}
