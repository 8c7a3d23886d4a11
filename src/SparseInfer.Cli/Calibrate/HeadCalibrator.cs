using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Eval;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// Shares of the heads that <c>[HeadSparsity]</c> keeps, by their queries, in all layers but the first. One key-value head is left out at a time: in the last layer, in the one before it, up
/// to the second; then another one. How far that goes is found by bisection, whose probes run the compiled model.
/// </summary>
internal sealed class HeadCalibrator(HeadOptions options, ProgressLine progress, CancellationToken cancellationToken)
{
    private const string Attribute = "HeadSparsity";

    /// <summary>What it says beside its strength: the first layer attends with every head.</summary>
    private const string Arguments = "Layers = \"1..\"";

    /// <summary>Calibrates, and writes the profile.</summary>
    /// <returns>What came out, for people.</returns>
    /// <exception cref="CliException">The model cannot be calibrated so, or the text does not suit it.</exception>
    public string Run()
    {
        string text = TextWindows.ReadText(options.TextFile);
        ModelDeclaration model = DenseObservation.Declare(options, ofNeurons: false);
        if (model.KeyValueHeads < 2 || model.Layers < 2)
        {
            throw new CliException($"--policy {Attribute}: {options.File.Path} has {(model.Layers < 2 ? "one layer" : "one key-value head")}, and nothing to choose.");
        }

        var probe = new PerplexityProbe(options, progress, cancellationToken);
        double dense = Perplexity(model with { Policies = [] }, SparsityMode.Dense, "evaluating the dense model");
        double kept = dense;
        int left = PerplexityProbe.Largest((model.Layers - 1) * (model.KeyValueHeads - 1), count =>
        {
            var profile = new DeclaredProfile("probe.json", Profile(model, new JsonObject(), count));
            double perplexity = Perplexity(
                model with { Policies = [model.HasZeros ? "ExactSparsity" : "Dense", $"{Attribute}({Arguments})"], Profile = profile },
                SparsityMode.Predicted,
                FormattableString.Invariant($"evaluating {LeftOut(model, count):0.0%} of the heads left out"));
            bool keeps = perplexity <= dense * (1 + options.Target.Value);
            kept = keeps ? perplexity : kept;
            return keeps;
        });
        if (left == 0)
        {
            throw new CliException($"--target {options.Target.Text}: the model loses more with one head of its last layer left out; give another target.");
        }

        var calibration = new JsonObject
        {
            ["target"] = options.Target.Text,
            ["text"] = Path.GetFileName(options.TextFile),
            ["text_sha256"] = System.Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))),
            ["window"] = options.Window,
            ["tokens"] = options.Tokens,
            ["perplexity"] = new JsonObject { ["dense"] = ProfileText.Rounded(dense, 5), ["profile"] = ProfileText.Rounded(kept, 5) },
        };
        OutputFile.WriteWhole(options.Output, Profile(model, calibration, left), "--output");
        return Summary(model, left, dense, kept);

        double Perplexity(ModelDeclaration declaration, SparsityMode mode, string stage) =>
            probe.Of(declaration, mode, tokenizer => TextWindows.Of(text, options.Windows, tokenizer), count => [.. Enumerable.Range(0, count)], prompt: 0, stage);
    }

    /// <summary>Key-value heads that a layer leaves out, of so many in all layers but the first.</summary>
    public static int LeftOut(int layer, int layers, int count) => (count / (layers - 1)) + (layers - layer <= count % (layers - 1) ? 1 : 0);

    /// <summary>The share by which so many heads are kept, and no more: <c>ceil(Keep * heads)</c>, whatever float the share is.</summary>
    public static float Keep(int kept, int heads) => kept == heads ? 1 : (float)(Math.Floor(10000.0 * kept / heads) / 10000);

    /// <summary>The share of all layers' heads.</summary>
    private static double LeftOut(ModelDeclaration model, int count) => (double)count / (model.Layers * model.KeyValueHeads);

    private static string Profile(ModelDeclaration model, JsonObject calibration, int count) => ProfileText.Of(model, calibration,
    [
        ProfileText.Policy(
            Attribute,
            Enumerable.Range(1, model.Layers - 1).Select(layer => ProfileText.Layer(layer, [new("Keep", KeepOf(model, layer, count))])),
            Arguments),
    ]);

    private static float KeepOf(ModelDeclaration model, int layer, int count) => Keep(model.KeyValueHeads - LeftOut(layer, model.Layers, count), model.KeyValueHeads);

    private string Summary(ModelDeclaration model, int count, double dense, double kept)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Attribute} for {options.Target.Text}, on {options.TextFile}.\n\n");
        text.Append("| layer | Keep | key-value heads |\n|---:|---:|---:|\n");
        for (int layer = 1; layer < model.Layers; layer++)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {layer} | {KeepOf(model, layer, count)} | {model.KeyValueHeads - LeftOut(layer, model.Layers, count)} of {model.KeyValueHeads} |\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"\n{LeftOut(model, count):0.0%} of all layers' heads are left out.\n");
        text.Append(CultureInfo.InvariantCulture, $"Perplexity on this text: {kept:0.0000}, dense {dense:0.0000} ({(kept / dense) - 1:+0.00%;-0.00%}).\n");
        string name = Path.GetFileName(options.Output);
        text.Append(CultureInfo.InvariantCulture, $"\nIn the project: <AdditionalFiles Include=\"{name}\" />. On the class: [SparsityProfile(\"{name}\")] and [{Attribute}({Arguments})].\n");
        return text.ToString();
    }
}
