using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Eval;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// Thresholds of <c>[InputThreshold]</c> (TEAL, arXiv 2408.14690), one for each input and layer: the quantile of <c>|x|</c> of the dense model on a text. The same share
/// everywhere; TEAL takes the quantile from a histogram and, in its better variant, shares that differ.
/// </summary>
internal sealed class ChannelCalibrator(ChannelOptions options, ProgressLine progress, CancellationToken cancellationToken)
{
    /// <summary>More tokens than these move no threshold.</summary>
    private const int Tokens = 1024;

    /// <summary>Calibrates, and writes the profile.</summary>
    /// <returns>What came out, for people.</returns>
    /// <exception cref="CliException">The model cannot be calibrated so, or the text does not suit it.</exception>
    public string Run()
    {
        string text = TextWindows.ReadText(options.TextFile);
        ModelDeclaration model = DenseObservation.Declare(options, ofNeurons: false);
        if (model.Experts > 0 && options.Inputs.Except(ChannelInput.Usual).FirstOrDefault() is { } ofExperts)
        {
            throw new CliException($"--uses {ofExperts}: {options.File.Path} has experts, whose inputs are read whole; give --uses {string.Join(',', ChannelInput.Usual)}.");
        }

        IReadOnlyList<WindowChannels> seen = new DenseObservation(options, progress, cancellationToken).Run(
            text, model, Tokens, options.Inputs.Sum(input => input.Width(model)), positions => new WindowChannels(model.Layers, options.Inputs, positions));
        var layers = new StrengthValue[model.Layers][];
        for (int layer = 0; layer < layers.Length; layer++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress.Show("finding thresholds", (double)layer / layers.Length);
            layers[layer] = [.. options.Inputs.Select((input, i) => new StrengthValue(input.Name, Threshold([.. seen.SelectMany(window => window.Of(layer, i))], options.Target.Value)))];
        }

        var calibration = new JsonObject
        {
            ["target"] = options.Target.Text,
            ["text"] = Path.GetFileName(options.TextFile),
            ["text_sha256"] = System.Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))),
            ["window"] = options.Window,
            ["tokens"] = options.Tokens,
        };
        OutputFile.WriteWhole(options.Output, ProfileText.Of(model, calibration, Policies(layers)), "--output");
        return Summary(layers);
    }

    /// <summary>The magnitude that a share of all does not exceed: such channels are left out.</summary>
    /// <param name="magnitudes">At least one; they are sorted.</param>
    /// <param name="share">Above 0, below 1.</param>
    /// <returns>Above 0: 0 is no threshold, and would keep channels that are zero.</returns>
    public static float Threshold(float[] magnitudes, double share)
    {
        Array.Sort(magnitudes);
        int count = (int)(share * magnitudes.Length);
        return Math.Max(count == 0 ? 0 : magnitudes[count - 1], 1e-6f);
    }

    private IEnumerable<JsonObject> Policies(StrengthValue[][] layers)
    {
        if (options.Inputs.Any(input => input.NeedsDense))
        {
            yield return ProfileText.Policy("Dense", []);
        }

        yield return ProfileText.Policy("InputThreshold", layers.Select((strengths, layer) => ProfileText.Layer(layer, strengths)));
    }

    private string Summary(StrengthValue[][] layers)
    {
        var text = new StringBuilder();
        string[] names = [.. options.Inputs.Select(input => input.Name)];
        text.Append(CultureInfo.InvariantCulture, $"InputThreshold for {options.Target.Text}, on {options.TextFile}.\n\n");
        text.Append(CultureInfo.InvariantCulture, $"| layer | {string.Join(" | ", names)} |\n|---:|{string.Concat(names.Select(_ => "---:|"))}\n");
        for (int layer = 0; layer < layers.Length; layer++)
        {
            IEnumerable<string> thresholds = layers[layer].Select(strength => strength.Value.ToString("R", CultureInfo.InvariantCulture));
            text.Append(CultureInfo.InvariantCulture, $"| {layer} | {string.Join(" | ", thresholds)} |\n");
        }

        string name = Path.GetFileName(options.Output);
        string dense = options.Inputs.Any(input => input.NeedsDense) ? "[Dense] and " : "";
        text.Append(CultureInfo.InvariantCulture, $"\nIn the project: <AdditionalFiles Include=\"{name}\" />. On the class: [SparsityProfile(\"{name}\")], {dense}[InputThreshold].\n");
        return text.ToString();
    }
}
