using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Eval;
using SparseInfer.Cli.Synthetic;
using SparseInfer.Files;

namespace SparseInfer.Cli.Calibrate;

/// <summary>
/// Looks at the dense model on some windows of a text, measures what each strength would do to each layer, and chooses. For a target of perplexity the
/// model is compiled with strengths on the way from cautious to bold and run on the other windows.
/// </summary>
internal sealed class Calibrator(CalibrateOptions options, ProgressLine progress, CancellationToken cancellationToken)
{
    /// <summary>More tokens than these move no strength; they would only fill memory.</summary>
    private const int MaxSamples = 1024;

    private const long MaxSampleBytes = 1L << 30;

    /// <summary>Steps of the way from cautious to bold are some hundreds.</summary>
    private const int MaxProbes = 12;

    /// <summary>The dense model's perplexity among the probes: these are numbered by their steps.</summary>
    private const int OfDense = -1;

    /// <summary>Calibrates, and writes the profile.</summary>
    /// <returns>What came out, for people.</returns>
    /// <exception cref="CliException">The model cannot be calibrated so, or the text does not suit it.</exception>
    public string Run()
    {
        string text = TextWindows.ReadText(options.TextFile);
        ModelDeclaration model = Declare();
        string hash = System.Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        string profile;
        string summary;
        using (ResumeFile resume = OpenResume(hash))
        {
            progress.Show("compiling the model");
            CompiledModel observed = ModelCompiler.Compile(model with { Observed = true, Policies = [] }, cancellationToken);
            TextWindows windows;
            IReadOnlyList<TokenSample>[] samples;
            using (CpuDevice device = Device.Cpu(options.Threads))
            using (LanguageModel dense = LoadDense(observed, device))
            {
                if (!dense.HasTokenizer)
                {
                    throw new CliException($"{options.File.Path} cannot be calibrated on a text: {dense.WhyNoTokenizer}.");
                }

                windows = TextWindows.Of(text, options.Windows, dense.Tokenizer);
                if (windows.Count < 2)
                {
                    throw new CliException($"{options.TextFile} has one window of {options.Window} tokens, and calibration needs two: give a longer text, or a shorter --window.");
                }

                samples = Observe(dense, model, windows, resume);
            }

            LayerCurve[] curves = Measure(model, samples);
            IReadOnlyDictionary<string, double> perplexities;
            int[] chosen;
            if (options.Target.Kind == TargetKind.Perplexity)
            {
                (chosen, perplexities) = Search(model, windows, curves, resume);
            }
            else
            {
                chosen = [.. curves.Select(curve => StrengthChoice.Of(curve, options.Target))];
                perplexities = new Dictionary<string, double>();
            }

            profile = ProfileText.Of(model, Calibration(hash, samples[0].Count, perplexities), options.Policy, curves, chosen);
            summary = Summary(curves, chosen, perplexities);
            OutputFile.WriteWhole(options.Output, profile, "--output");
            resume.Delete();
        }

        return summary;
    }

    private ModelDeclaration Declare()
    {
        ModelDeclaration model = DenseObservation.Declare(options, ofNeurons: true);
        if (options.Policy.Refusal(model) is { } refusal)
        {
            throw new CliException($"--policy {options.Policy.Attribute}: {refusal}.");
        }

        using (ModelFile file = ModelFile.Open(options.File.Path))
        using (ModelFile? predictor = OpenPredictor())
        {
            options.Policy.Check(new(file, predictor, model.Experts), model);
        }

        if (options.Policy.Arguments is not null)
        {
            // What somebody typed may be no C#, which would be found out when the profile is used.
            _ = ModelCompiler.Read(model with { Policies = [options.Policy.Declaration] }, cancellationToken);
        }

        if (options.Target.Kind == TargetKind.Precision && !model.HasZeros)
        {
            throw new CliException($"--target {options.Target.Text}: {model.Activation} has no exact zeros, so that no neuron is skipped rightly; give contribution=0.99 or perplexity=1%.");
        }

        return model;
    }

    private ResumeFile OpenResume(string textHash)
    {
        string[] arguments =
        [
            .. ResumeFile.Circumstances(options.File.Path, options.File.Overrides.PredictorFile), $"{options.File.Activation} {options.File.Threshold}",
            $"{options.File.Overrides.Architecture} {string.Join(' ', options.File.Overrides.IgnoreMetadata)}", textHash, options.Policy.Declaration, options.Target.Text,
            FormattableString.Invariant($"{options.Window} {options.Tokens} {options.Seed}"),
        ];
        ResumeFile resume = ResumeFile.Open(options.Output, System.Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', arguments)))));
        if (resume.Windows > 0)
        {
            progress.Note($"going on from {ResumeFile.PathOf(options.Output)}, which has {resume.Windows} windows");
        }

        return resume;
    }

    private ModelFile? OpenPredictor() => options.File.Overrides.PredictorFile is { } path ? ModelFile.Open(path) : null;

    /// <summary>Without the policy there is nothing for a predictor's file.</summary>
    private LanguageModel LoadDense(CompiledModel model, Device device) =>
        model.Load(ModelFile.Open(options.File.Path), device, options.File.Overrides with { PredictorFile = null });

    /// <summary>Of two neighbouring windows one is looked at, and one is for perplexity.</summary>
    private (int Seen, int HeldOut) Pair(int index)
    {
        int second = (int)(new SplitMix64(options.Seed, 0, index).Next() & 1);
        return ((2 * index) + second, (2 * index) + 1 - second);
    }

    /// <summary>What the dense model computed of some tokens, by layer.</summary>
    private IReadOnlyList<TokenSample>[] Observe(LanguageModel dense, ModelDeclaration model, TextWindows windows, ResumeFile resume)
    {
        int pairs = windows.Count / 2;
        ModelShape shape = dense.Shape;
        long ofToken = (long)shape.Layers * (shape.Hidden + DenseObservation.Neurons(model)) * sizeof(float);
        int each = (int)Math.Clamp(Math.Min(MaxSamples, MaxSampleBytes / ofToken) / pairs, 1, options.Window);
        int[] input = new int[options.Window];
        var seen = new List<TokenSample>[shape.Layers];
        for (int layer = 0; layer < seen.Length; layer++)
        {
            seen[layer] = [];
        }

        for (int pair = 0; pair < pairs; pair++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress.Show("looking at the dense model", (double)pair / pairs);
            TokenSample[][]? samples = resume.Window(pair);
            if (samples is null)
            {
                var observer = new WindowSamples(shape.Layers, Positions(pair, each), options.Policy.Reads);
                windows.Read(Pair(pair).Seen, input);
                using Session session = dense.CreateSession(new() { Mode = SparsityMode.Dense, Context = options.Window, Observer = observer });
                session.Forward(input);
                resume.Add(pair, observer.Samples);
                samples = [.. observer.Samples];
            }

            for (int layer = 0; layer < seen.Length; layer++)
            {
                seen[layer].AddRange(samples[layer]);
            }
        }

        return seen;
    }

    /// <summary>Some positions of a window, ascending, any as likely as another.</summary>
    private int[] Positions(int pair, int count)
    {
        var random = new SplitMix64(options.Seed, 1, pair);
        int[] all = [.. Enumerable.Range(0, options.Window)];
        for (int i = 0; i < count; i++)
        {
            int other = i + (int)(random.NextUnit() * (all.Length - i));
            (all[i], all[other]) = (all[other], all[i]);
        }

        return [.. all.Take(count).Order()];
    }

    private LayerCurve[] Measure(ModelDeclaration model, IReadOnlyList<TokenSample>[] samples)
    {
        using ModelFile file = ModelFile.Open(options.File.Path);
        using ModelFile? predictor = OpenPredictor();
        double? share = options.Target.Kind == TargetKind.Skipped ? options.Target.Value : null;
        var curves = new LayerCurve[model.Layers];
        for (int layer = 0; layer < curves.Length; layer++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress.Show("measuring layers", (double)layer / curves.Length);
            LayerWeights[] experts =
            [
                .. Enumerable.Range(0, Math.Max(1, model.Experts))
                    .Select(expert => LayerWeights.Read(file, options.File.Overrides, model, layer, expert, predictor: predictor)),
            ];
            curves[layer] = LayerCurve.Measure(options.Policy, model, experts, samples[layer], share, cancellationToken);
        }

        return curves;
    }

    /// <summary>The boldest step of the way that keeps the target on the windows that were not looked at: by bisection, each probe a run of the compiled model.</summary>
    private (int[] Chosen, IReadOnlyDictionary<string, double> Perplexities) Search(
        ModelDeclaration model, TextWindows windows, LayerCurve[] curves, ResumeFile resume)
    {
        IReadOnlyList<int[]> path = StrengthChoice.Path(curves);
        double dense = Probe(OfDense, 0);
        (int kept, int lost) = (0, path.Count);
        for (int probe = 1; probe < MaxProbes && lost - kept > 1; probe++)
        {
            int step = kept + ((lost - kept) / 2);
            (kept, lost) = Probe(step, probe) <= Most(dense) ? (step, lost) : (kept, step);
        }

        return (path[kept], new Dictionary<string, double> { ["dense"] = dense, ["profile"] = Probe(kept, MaxProbes) });

        double Probe(int step, int number)
        {
            if (resume.Probe(step) is { } known)
            {
                return known;
            }

            string stage = step == OfDense ? "evaluating the dense model" : $"evaluating step {step} of {path.Count}";
            double perplexity = step == OfDense
                ? Perplexity(model with { Policies = [] }, SparsityMode.Dense, windows, stage)
                : Perplexity(
                    model with { Policies = [options.Policy.Declaration], Profile = new("probe.json", ProfileText.Of(model, options.Policy, curves, path[step])) },
                    SparsityMode.Predicted,
                    windows,
                    stage);
            resume.Add(step, perplexity);
            return perplexity;
        }
    }

    /// <summary>The greatest perplexity that keeps the target.</summary>
    private double Most(double dense) => dense * (1 + options.Target.Value);

    /// <summary>On the windows that were not looked at. Where a policy chooses by prompts, the dense model is judged on the same halves.</summary>
    private double Perplexity(ModelDeclaration declaration, SparsityMode mode, TextWindows windows, string stage) => new PerplexityProbe(options, progress, cancellationToken).Of(
        declaration, mode, _ => windows, count => [.. Enumerable.Range(0, count / 2).Select(pair => Pair(pair).HeldOut)],
        options.Policy.ChoosesByPrompts ? options.Window / 2 : 0, stage);

    private JsonObject Calibration(string textHash, int samples, IReadOnlyDictionary<string, double> perplexities)
    {
        var calibration = new JsonObject
        {
            ["target"] = options.Target.Text,
            ["text"] = Path.GetFileName(options.TextFile),
            ["text_sha256"] = textHash,
            ["window"] = options.Window,
            ["tokens"] = options.Tokens,
            ["seed"] = options.Seed,
            ["samples"] = samples,
        };
        if (perplexities.Count > 0)
        {
            calibration["perplexity"] = new JsonObject(perplexities.Select(pair => new KeyValuePair<string, JsonNode?>(pair.Key, ProfileText.Rounded(pair.Value, 5))));
        }

        return calibration;
    }

    /// <summary>A line that says where the most cautious strength was chosen although it misses the target; empty: nowhere.</summary>
    private string Missed(LayerCurve[] curves, int[] chosen, IReadOnlyDictionary<string, double> perplexities)
    {
        if (options.Target.Kind == TargetKind.Perplexity)
        {
            return perplexities["profile"] <= Most(perplexities["dense"]) ? ""
                : $"The target {options.Target.Text} is missed: the model loses more with the most cautious strengths. Give another target, or another policy.\n";
        }

        int[] layers = [.. Enumerable.Range(0, curves.Length).Where(layer => !StrengthChoice.Keeps(curves[layer].Points[chosen[layer]], options.Target))];
        return layers.Length == 0 ? ""
            : $"The target {options.Target.Text} is missed in {(layers.Length == 1 ? "layer" : "layers")} {string.Join(", ", layers)}: "
            + "the most cautious strength loses more. Give another target, or leave these out with Layers.\n";
    }

    private string Summary(LayerCurve[] curves, int[] chosen, IReadOnlyDictionary<string, double> perplexities)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{options.Policy.Attribute} for {options.Target.Text}, on {options.TextFile}.\n\n");
        text.Append("| layer | strength | skipped | precision | recall | contribution | bytes of dense |\n|---:|---|---:|---:|---:|---:|---:|\n");
        for (int layer = 0; layer < curves.Length; layer++)
        {
            CurvePoint point = curves[layer].Points[chosen[layer]];
            string strengths = string.Join(", ", point.Strengths.Select(strength => FormattableString.Invariant($"{strength.Name} = {strength.Value}")));
            text.Append(CultureInfo.InvariantCulture, $"| {layer} | {strengths} | {point.Skipped:0.0%} | {point.Precision:0.00%} | {point.Recall:0.0%} ");
            text.Append(CultureInfo.InvariantCulture, $"| {point.Contribution:0.0000} | {point.Bytes / curves[layer].DenseBytes:0.000} |\n");
        }

        double bytes = curves.Select((curve, layer) => curve.Points[chosen[layer]].Bytes).Sum() / curves.Sum(curve => curve.DenseBytes);
        text.Append(CultureInfo.InvariantCulture, $"\nA token's feed-forwards read {bytes:0.000} of what they read dense.\n");
        if (perplexities.Count > 0)
        {
            (double dense, double sparse) = (perplexities["dense"], perplexities["profile"]);
            text.Append(CultureInfo.InvariantCulture, $"Perplexity on the other half of the windows: {sparse:0.0000}, dense {dense:0.0000} ({(sparse / dense) - 1:+0.00%;-0.00%}).\n");
        }

        text.Append(Missed(curves, chosen, perplexities));

        string name = Path.GetFileName(options.Output);
        text.Append(CultureInfo.InvariantCulture, $"\nIn the project: <AdditionalFiles Include=\"{name}\" />. On the class: [SparsityProfile(\"{name}\")] and [{options.Policy.Declaration}].\n");
        return text.ToString();
    }
}
