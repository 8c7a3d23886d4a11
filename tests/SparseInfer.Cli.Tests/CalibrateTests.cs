using System.Globalization;
using System.Text;
using System.Text.Json;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Calibrate;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Tests.Calibrate;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests;

/// <summary><c>sparseinfer calibrate</c>: curves by their definitions, profiles that do not depend on threads or interruptions, and bad input.</summary>
public sealed class CalibrateTests : IDisposable
{
    private const string Story = """
        Once upon a time there was a little girl named Lily. She loved to play outside in the park with her friends. One day, she saw a big dog
        near the tree. The dog was sad because it had lost its ball. Lily wanted to help the dog. They looked under the bench and behind the
        swings. "Look!" said Lily. "Here is your ball!" The dog was very happy and wagged its tail. They played together all day long.

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-calibrate").FullName;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Skipped, wrong and lost neurons of some strengths, one by one and in double precision.</summary>
    [Theory]
    [InlineData("SignBitPredictor", null)]
    [InlineData("SignMagnitudePredictor", null)]
    [InlineData("ActivationThreshold", Activation.Silu)]
    public void A_curve_is_what_its_words_say(string attribute, Activation? activation)
    {
        const int Tokens = 5;
        const int Layer = 4;
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        ModelDeclaration model = FileDeclaration.Read(file, activation, threshold: null, alpha: 1f);
        LayerWeights weights = LayerWeights.Read(file, new LoadOptions(), model, Layer);
        var random = new Random(7);
        TokenSample[] samples =
        [
            .. Enumerable.Range(0, Tokens).Select(_ =>
            {
                float[] x = [.. Enumerable.Range(0, model.Hidden).Select(j => j == 9 ? 12 : random.NextSingle() - 0.4f)];
                float[] h = [.. Gates(x).Select(z => (float)(Activate(z) * (random.NextSingle() - 0.5)))];
                return new TokenSample(x, h, 3 + random.NextSingle());
            }),
        ];

        LayerCurve curve = LayerCurve.Measure(
            ScoredPolicy.All.Single(policy => policy.Attribute == attribute), model, [weights], samples, share: null, TestContext.Current.CancellationToken);

        curve.Points[0].Skipped.ShouldBe(0);
        curve.Points[0].Contribution.ShouldBe(1);
        curve.Points.Count.ShouldBeGreaterThan(20);
        foreach (CurvePoint point in curve.Points.Where((_, level) => level % 7 == 3))
        {
            (int skipped, int right, double lost) = (0, 0, 0);
            foreach (TokenSample sample in samples)
            {
                double[] missing = new double[model.Hidden];
                for (int neuron = 0; neuron < model.Intermediate; neuron++)
                {
                    if (IsSkipped(neuron, sample.Input, point.Strengths))
                    {
                        skipped++;
                        right += sample.Neurons[neuron] == 0 ? 1 : 0;
                        for (int j = 0; j < missing.Length; j++)
                        {
                            missing[j] += (double)sample.Neurons[neuron] * weights.Down[(neuron * model.Hidden) + j];
                        }
                    }
                }

                lost += Math.Sqrt(missing.Sum(value => value * value)) / sample.ResidualNorm / Tokens;
            }

            // A magnitude that is a cut itself is on either side of it in another precision.
            int neurons = Tokens * model.Intermediate;
            double apart = model.HasZeros ? 0 : 2;
            int inactive = samples.Sum(sample => sample.Neurons.Count(value => value == 0));
            point.Skipped.ShouldBe((double)skipped / neurons, (apart / neurons) + 1e-9);
            point.Contribution.ShouldBe(1 - lost, (apart * 1e-3) + 1e-5);
            bool isJudged = model.HasZeros && skipped > 0;
            point.Precision.HasValue.ShouldBe(isJudged);
            point.Recall.HasValue.ShouldBe(isJudged);
            (point.Precision ?? 0).ShouldBe(isJudged ? (double)right / skipped : 0, 1e-12);
            (point.Recall ?? 0).ShouldBe(isJudged ? (double)right / inactive : 0, 1e-12);
            double row = model.Hidden * 2.0;
            double expected = model.HasZeros
                ? ((neurons - skipped) * row) + ((neurons - inactive - (skipped - right)) * 2 * row) + (neurons * Math.Min(2, point.Strengths.Count) * model.Hidden / 8.0)
                : (neurons * row) + ((neurons - skipped) * 2 * row);
            point.Bytes.ShouldBe(expected / Tokens, (apart * 3 * row / Tokens) + 1e-6);
        }

        curve.DenseBytes.ShouldBe(model.Intermediate * 3.0 * model.Hidden * 2);

        IEnumerable<double> Gates(float[] x) => Enumerable.Range(0, model.Intermediate)
            .Select(neuron => x.Select((value, j) => (double)value * weights.First[(neuron * model.Hidden) + j]).Sum());

        double Activate(double z) => model.HasZeros ? Math.Max(0, z) : z / (1 + Math.Exp(-z));

        bool IsSkipped(int neuron, float[] x, IReadOnlyList<StrengthValue> strengths)
        {
            if (!model.HasZeros)
            {
                return Math.Abs(Activate(Gates(x).ElementAt(neuron))) < strengths[0].Value;
            }

            if (strengths.Count > 1)
            {
                return Votes(x, weights.First[(neuron * model.Hidden)..((neuron + 1) * model.Hidden)], StrengthTests.Exact(strengths[1].Value))
                    < Math.Round((1 - StrengthTests.Exact(strengths[0].Value)) * model.Hidden / 2, MidpointRounding.AwayFromZero);
            }

            decimal alpha = StrengthTests.Exact(strengths[0].Value);
            int disagreeing = x.Where((value, j) => float.IsNegative(value) != float.IsNegative(weights.First[(neuron * model.Hidden) + j])).Count();
            return disagreeing > Math.Floor(alpha * model.Hidden / (1 + alpha));
        }
    }

    /// <summary>A share that is none of the usual points: exact where scores are numbers of their own, at most that where they are few whole numbers.</summary>
    [Theory]
    [InlineData("SignBitPredictor", null, 0.3)]
    [InlineData("SignMagnitudePredictor", null, 0.39)]
    [InlineData("ActivationThreshold", Activation.Silu, 0.3999)]
    public void A_layer_skips_the_share_that_is_asked_for(string attribute, Activation? activation, double least)
    {
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        ModelDeclaration model = FileDeclaration.Read(file, activation, threshold: null, alpha: 1f);
        var random = new Random(7);
        TokenSample[] samples =
        [
            .. Enumerable.Range(0, 5).Select(_ => new TokenSample([.. Enumerable.Range(0, model.Hidden).Select(_ => random.NextSingle() - 0.4f)], new float[model.Intermediate], 3)),
        ];
        LayerCurve curve = LayerCurve.Measure(
            ScoredPolicy.All.Single(policy => policy.Attribute == attribute),
            model,
            [LayerWeights.Read(file, new LoadOptions(), model, layer: 4)],
            samples,
            share: 0.4,
            TestContext.Current.CancellationToken);
        int chosen = StrengthChoice.Of(curve, CalibrationTarget.Parse("skipped=0.4").Value);
        curve.Points[chosen].Skipped.ShouldBeInRange(least, 0.4);
        curve.Points[chosen + 1].Skipped.ShouldBeGreaterThan(0.4);
    }

    /// <summary>Grasp's votes of a row, by the definition.</summary>
    private static decimal Votes(float[] x, float[] w, decimal ofOutlier)
    {
        (double mean, double deviation) = Spread(x);
        (double ofWeights, double deviationOfWeights) = Spread(w);
        decimal votes = 0;
        for (int j = 0; j < x.Length; j++)
        {
            int large = (Math.Abs(x[j] - mean) > 0.6745 * deviation ? 1 : 0) + (Math.Abs(w[j] - ofWeights) > 0.6745 * deviationOfWeights ? 1 : 0);
            decimal weight = (large == 2 ? 15.3m : large == 1 ? 3.92m : 1) + (Math.Abs(x[j] - mean) > 6 * deviation ? ofOutlier : 0);
            votes += float.IsNegative(x[j]) == float.IsNegative(w[j]) ? weight : -weight;
        }

        return votes;

        static (double Mean, double Deviation) Spread(float[] values)
        {
            double mean = values.Average(value => (double)value);
            return (mean, Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1)));
        }
    }

    /// <summary>A profile is the same bytes on any number of threads, and is what the generator takes.</summary>
    [Fact]
    public void Threads_change_nothing_and_the_profile_compiles()
    {
        string[] profiles = [.. new[] { 1, 2 }.Select(threads => Calibrate(Options("contribution=0.98", $"threads{threads}.json") with { Threads = threads }))];
        profiles[1].ShouldBe(profiles[0]);

        JsonElement root = JsonDocument.Parse(profiles[0]).RootElement;
        JsonElement[] layers = [.. root.GetProperty("policies")[0].GetProperty("layers").EnumerateArray()];
        layers.Length.ShouldBe(6);
        foreach (JsonElement layer in layers)
        {
            layer.GetProperty("measured").GetProperty("contribution").GetDouble().ShouldBeGreaterThanOrEqualTo(0.98);
            double[] skipped = [.. layer.GetProperty("curve").EnumerateArray().Select(point => point.GetProperty("skipped").GetDouble())];
            skipped.ShouldBe(skipped.Order());
        }

        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        ModelDeclaration model = FileDeclaration.Read(file, activation: null, threshold: null, alpha: 1f) with
        {
            Policies = ["SignBitPredictor"],
            Profile = new("stories.json", profiles[0]),
        };
        string program = ModelCompiler.Compile(model, TestContext.Current.CancellationToken).Generated.Single(source => source.Name == model.ClassName + ".Cpu.g.cs").Text;
        foreach (JsonElement layer in layers)
        {
            program.ShouldContain($"sign-bit predictor, alpha {layer.GetProperty("values").GetProperty("Alpha").GetRawText()}\n");
        }

        Should.Throw<CliException>(() => ModelCompiler.Compile(model with { Intermediate = 512 }, TestContext.Current.CancellationToken)).Message.ShouldContain("SPI0067");
    }

    /// <summary>Thresholds leave out the share that was asked for, and inputs without one are read whole; [Dense] is in the profile where every neuron has to be computed.</summary>
    [Theory]
    [InlineData("Heads,Output", "InputThreshold")]
    [InlineData("output", "InputThreshold")]
    [InlineData("Heads,Output,FeedForward,Down", "Dense, InputThreshold")]
    [InlineData("Heads,Output", "InputThreshold", ChannelCentre.Median, true)]
    [InlineData("FeedForward", "Dense, InputThreshold", ChannelCentre.Mode, true)]
    internal void Thresholds_of_channels_are_quantiles_and_the_profile_compiles(
        string uses, string attributes, ChannelCentre centre = ChannelCentre.Zero, bool hasNorms = false)
    {
        CalibrateOptions usual = Options("skipped=0.4", "channels.json");
        var options = new ChannelOptions
        {
            File = usual.File,
            TextFile = usual.TextFile,
            Inputs = ChannelInput.Parse(uses).Value,
            Centre = centre,
            ColumnNorms = hasNorms,
            Target = usual.Target,
            Output = usual.Output,
            Window = usual.Window,
            Tokens = usual.Tokens,
            Threads = 1,
        };
        using (var progress = new ProgressLine(TextWriter.Null, isTerminal: false))
        {
            new ChannelCalibrator(options, progress, TestContext.Current.CancellationToken).Run().ShouldContain("[InputThreshold].");
        }

        DeclaredProfile profile = DeclaredProfile.Read(options.Output, [], out IReadOnlyList<string> policies);
        string.Join(", ", policies).ShouldBe(attributes);
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        ModelDeclaration model = FileDeclaration.Read(file, activation: null, threshold: null, alpha: 1f) with { Policies = policies, Profile = profile };
        CompiledModel compiled = ModelCompiler.Compile(model, TestContext.Current.CancellationToken);
        using CpuDevice device = Device.Cpu(1);
        using LanguageModel loaded = compiled.Load(ModelFile.Open(ToolProgram.Gguf), device, new LoadOptions());
        using Session session = loaded.CreateSession(new() { Mode = SparsityMode.Predicted, Context = options.Window, Metering = true, SparsePrompt = true });
        session.Forward(loaded.Tokenizer.Encode(Story, addBeginOfSequence: true).AsSpan(0, options.Window));

        // What is left out before moves what comes after, and of the neurons most are zero.
        session.ReadMetrics()[0].SkippedInputs.ShouldBeInRange(0.35, policies.Count == 2 ? 0.8 : 0.45);
    }

    /// <summary>Heads are left out from the last layer back, each layer's share keeps as many as it says, and no float makes it one more.</summary>
    [Fact]
    public void Heads_are_left_out_one_by_one_from_the_last_layer_back()
    {
        int[] Of(int count) => [.. Enumerable.Range(0, 4).Select(layer => layer == 0 ? 0 : HeadCalibrator.LeftOut(layer, layers: 4, count))];
        Of(1).ShouldBe([0, 0, 0, 1]);
        Of(3).ShouldBe([0, 1, 1, 1]);
        Of(5).ShouldBe([0, 1, 2, 2]);
        for (int heads = 2; heads <= 128; heads++)
        {
            for (int kept = 1; kept <= heads; kept++)
            {
                decimal keep = decimal.Parse(HeadCalibrator.Keep(kept, heads).ToString("R", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture);
                Math.Ceiling(keep * heads).ShouldBe(kept, $"{kept} of {heads}");
            }
        }
    }

    /// <summary>The profile that was found keeps the target on the same text, and is what eval declares of it.</summary>
    [Fact]
    public void Shares_of_heads_keep_a_perplexity()
    {
        CalibrateOptions usual = Options("perplexity=15%", "heads.json");
        string[] arguments = ["-m", ToolProgram.Gguf, "--text", usual.TextFile, "--window", $"{usual.Window}", "--tokens", $"{usual.Tokens}"];
        ToolResult found = ToolProgram.Call(["calibrate", "--policy", "HeadSparsity", "--target", "perplexity=15%", "--output", usual.Output, .. arguments]);
        found.ExitCode.ShouldBe(0, found.Error);
        ToolResult judged = ToolProgram.Call(["eval", "--profile", usual.Output, "--json", .. arguments]);
        judged.ExitCode.ShouldBe(0, judged.Error);
        JsonElement[] runs = [.. JsonDocument.Parse(judged.Output).RootElement.GetProperty("runs").EnumerateArray()];
        double Perplexity(int run) => runs[run].GetProperty("perplexity").GetDouble();
        (Perplexity(1) / Perplexity(0)).ShouldBeInRange(0.9, 1.15);
        runs[1].GetProperty("policy").GetString()!.ShouldContain("HeadSparsity(Layers = \"1..\")");
    }

    /// <summary>Each input of each layer has a share of its own, the largest with which so much is left of what its matrices make of it.</summary>
    [Fact]
    public void Input_thresholds_keep_a_contribution_of_each_input()
    {
        CalibrateOptions usual = Options("contribution=0.9", "left.json");
        ToolResult found = ToolProgram.Call(
            "calibrate", "-m", ToolProgram.Gguf, "--text", usual.TextFile, "--policy", "InputThreshold", "--target", "contribution=0.9", "--uses", "Heads,Output,Down",
            "--output", usual.Output, "--window", $"{usual.Window}", "--tokens", $"{usual.Tokens}");
        found.ExitCode.ShouldBe(0, found.Error);
        JsonElement shares = JsonDocument.Parse(File.ReadAllText(usual.Output)).RootElement.GetProperty("calibration").GetProperty("shares");
        double[] Of(string input) => [.. shares.GetProperty(input).EnumerateArray().Select(share => share.GetDouble())];
        Of("Heads").ShouldAllBe(share => share > 0);
        Of("Heads").Concat(Of("Output")).Distinct().Count().ShouldBeGreaterThan(2);

        // Seven of eight neurons are zero.
        Of("Down").ShouldAllBe(share => share > 0.7);
    }

    /// <summary>By its definition, in double precision, around a centre and with norms.</summary>
    [Fact]
    public void What_is_left_of_an_input_is_that_of_double_precision()
    {
        var random = new Random(3);
        const int Channels = 40;
        const int Outputs = 24;
        const float Centre = 0.1f;
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
        float[] rows = Values(Channels * Outputs);
        float[][] tokens = [.. Enumerable.Range(0, 300).Select(_ => Values(Channels))];
        float[] norms = [.. Values(Channels).Select(norm => 1 + norm)];
        float[][] scores = [.. tokens.Select(token => token.Select((value, i) => Math.Abs(value - Centre) * norms[i]).ToArray())];
        float[] thresholds = [0.01f, 0.2f, 0.3f, 5f];

        double[] left = new ChannelContribution(rows, Channels).Of(tokens, scores, Centre, thresholds, CancellationToken.None);

        // Every second token of so many.
        for (int level = 0; level < thresholds.Length; level++)
        {
            double expected = 1 - Enumerable.Range(0, 150).Average(i => Lost(tokens[2 * i], scores[2 * i], thresholds[level]));
            left[level].ShouldBe(expected, 1e-5);
        }

        double Lost(float[] token, float[] score, float threshold) =>
            Norm(j => score[j] <= threshold ? (double)token[j] - Centre : 0) / Norm(j => token[j]);

        double Norm(Func<int, double> of) => Math.Sqrt(Enumerable.Range(0, Outputs).Sum(
            output => Math.Pow(Enumerable.Range(0, Channels).Sum(j => of(j) * rows[(j * Outputs) + output]), 2)));
    }

    /// <summary>The largest share that keeps perplexity: it does on the same text, and a profile that skips a tenth more does not.</summary>
    [Fact]
    public void Input_thresholds_keep_a_perplexity()
    {
        CalibrateOptions usual = Options("perplexity=5%", "kept.json");
        string[] arguments = ["--window", $"{usual.Window}", "--tokens", $"{usual.Tokens}"];
        ToolResult Calibrate(string target, string output) => ToolProgram.Call(
            ["calibrate", "-m", ToolProgram.Gguf, "--text", usual.TextFile, "--policy", "InputThreshold", "--target", target, "--output", output, .. arguments]);

        ToolResult found = Calibrate("perplexity=5%", usual.Output);
        found.ExitCode.ShouldBe(0, found.Error);
        found.Output.ShouldContain("Perplexity on this text: ");
        double share = JsonDocument.Parse(File.ReadAllText(usual.Output)).RootElement.GetProperty("calibration").GetProperty("share").GetDouble();
        string bolder = Path.Combine(_folder, "bolder.json");
        Calibrate(FormattableString.Invariant($"skipped={share + 0.1}"), bolder).ExitCode.ShouldBe(0);

        ToolResult judged = ToolProgram.Call(
            ["eval", "-m", ToolProgram.Gguf, "--text", usual.TextFile, "--profile", usual.Output, "--profile", bolder, "--json", .. arguments]);
        judged.ExitCode.ShouldBe(0, judged.Error);
        double[] perplexities = [.. JsonDocument.Parse(judged.Output).RootElement.GetProperty("runs").EnumerateArray().Select(run => run.GetProperty("perplexity_of_dense").GetDouble())];
        perplexities[1].ShouldBeInRange(1, 1.05);
        perplexities[2].ShouldBeGreaterThan(1.05);
    }

    /// <summary>Wherever it is interrupted: between windows, and between probes. What was torn is thrown away.</summary>
    [Fact]
    public void What_was_interrupted_goes_on_and_comes_out_the_same()
    {
        CalibrateOptions options = Options("perplexity=5%", "whole.json");
        string expected = Calibrate(options);
        JsonElement calibration = JsonDocument.Parse(expected).RootElement.GetProperty("calibration");
        double dense = calibration.GetProperty("perplexity").GetProperty("dense").GetDouble();
        calibration.GetProperty("perplexity").GetProperty("profile").GetDouble().ShouldBeInRange(0.9 * dense, 1.05 * dense);

        options = options with { Output = Path.Combine(_folder, "parts.json") };
        foreach (string stage in new[] { "measuring layers", "evaluating step" })
        {
            Should.Throw<OperationCanceledException>(() => Calibrate(options, cancelAt: stage));
            File.Exists(options.Output).ShouldBeFalse();
            using FileStream resume = File.Open(ResumeFile.PathOf(options.Output), FileMode.Append);
            resume.Write([1, 0, 0, 0, 9, 0, 0, 0, 200, 0, 0, 0, 7, 7, 7]);
        }

        using var error = new StringWriter();
        Calibrate(options, error: error).ShouldBe(expected);
        error.ToString().ShouldContain("which has 4 windows");
        error.ToString().ShouldNotContain("evaluating the dense model");
        Directory.GetFiles(_folder, "*.resume").ShouldBeEmpty();
        Directory.GetFiles(_folder, "*.tmp").ShouldBeEmpty();
    }

    [Fact]
    public void Other_arguments_begin_anew()
    {
        CalibrateOptions options = Options("contribution=0.98", "again.json");
        Should.Throw<OperationCanceledException>(() => Calibrate(options, cancelAt: "measuring layers"));
        using var error = new StringWriter();
        Calibrate(options with { Seed = 2 }, error: error).ShouldNotBe(Calibrate(options));
        error.ToString().ShouldNotContain("going on");
    }

    [Theory]
    [InlineData("precision=0.995", TargetKind.Precision, 0.995)]
    [InlineData("perplexity=1%", TargetKind.Perplexity, 0.01)]
    [InlineData("Perplexity=0.02", TargetKind.Perplexity, 0.02)]
    [InlineData("contribution=97.5%", TargetKind.Contribution, 0.975)]
    [InlineData("skipped=25%", TargetKind.Skipped, 0.25)]
    internal void Targets_are_shares(string text, TargetKind kind, double value)
    {
        (bool valid, CalibrationTarget target) = CalibrationTarget.Parse(text);
        valid.ShouldBeTrue();
        target.Kind.ShouldBe(kind);
        target.Value.ShouldBe(value, 1e-12);
    }

    [Theory]
    [InlineData("'--policy' is required", "--text", "TEXT", "--output", "OUT")]
    [InlineData("--policy takes one of SignBitPredictor", "--text", "TEXT", "--output", "OUT", "--policy", "Guess")]
    [InlineData("--target takes precision=0.995, contribution=0.99, perplexity=1% or skipped=0.25", "--target", "speed=2")]
    [InlineData("--target takes", "--target", "precision=1.5")]
    [InlineData("--target takes", "--target", "precision=NaN")]
    [InlineData("--target takes", "--target", "skipped=1")]
    [InlineData("--uses is for --policy InputThreshold", "--uses", "Heads")]
    [InlineData("--centre takes zero, median or mode", "--centre", "mean")]
    [InlineData("--column-norms is about Heads and FeedForward", "--uses", "Output", "--column-norms", "--policy", "InputThreshold", "--text", "TEXT", "--output", "OUT")]
    [InlineData("--uses takes some of Heads,Output,FeedForward,Down", "--uses", "Heads,Gate", "--policy", "InputThreshold", "--text", "TEXT", "--output", "OUT")]
    [InlineData("--target precision=0.9: channels have no zeros", "--target", "precision=0.9", "--policy", "InputThreshold", "--text", "TEXT", "--output", "OUT")]
    [InlineData("--policy HeadSparsity takes --target perplexity=1%", "--policy", "HeadSparsity", "--text", "TEXT", "--output", "OUT")]
    [InlineData("--skip is not for --policy InputThreshold", "--skip", "0.4", "--policy", "InputThreshold", "--text", "TEXT", "--output", "OUT")]
    [InlineData("give a longer text", "--target", "skipped=0.4", "--policy", "InputThreshold", "--text", "SHORT", "--output", "OUT")]
    [InlineData("no-such.txt", "--text", "no-such.txt", "--policy", "SignBitPredictor", "--output", "OUT")]
    [InlineData("--policy ActivationThreshold: Relu has exact zeros", "--policy", "ActivationThreshold", "--text", "TEXT", "--output", "OUT")]
    [InlineData("--policy SignBitPredictor: Silu has no exact zeros", "--activation", "silu")]
    [InlineData("so that no neuron is skipped rightly", "--activation", "silu", "--policy", "ActivationThreshold", "--target", "precision=0.9", "--text", "TEXT", "--output", "OUT")]
    [InlineData("--window 5000 is more than the model's context", "--window", "5000", "--tokens", "10000")]
    [InlineData("less than two windows", "--tokens", "500")]
    [InlineData("give a longer text, or a shorter --window", "--text", "SHORT", "--policy", "SignBitPredictor", "--output", "OUT")]
    [InlineData("calibration needs two", "--window", "500", "--tokens", "1000")]
    [InlineData("--output: there is no folder", "--output", "no/such/profile.json", "--policy", "SignBitPredictor", "--text", "TEXT")]
    [InlineData("--seed takes a whole number", "--seed", "-1")]
    public async Task Whatever_is_wrong_is_one_line_on_standard_error(string message, params string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        string profile = Path.Combine(_folder, "out.json");
        string[] usual = args.Contains("--policy") || args.Contains("--text") ? [] : ["--policy", "SignBitPredictor", "--text", "TEXT", "--output", "OUT"];
        string[] given =
        [
            .. args.Concat(usual).Select(arg => arg switch
            {
                "TEXT" => TextFile(4),
                "SHORT" => TextFile(0),
                "OUT" => profile,
                _ => arg,
            }),
        ];

        (await CommandLine.RunAsync(["calibrate", "-m", ToolProgram.Gguf, .. given], output, error)).ShouldBe(1);

        output.ToString().ShouldBeEmpty();
        File.Exists(profile).ShouldBeFalse();
        string last = error.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries).Last();
        last.ShouldStartWith("sparseinfer: ");
        last.ShouldContain(message);
    }

    private CalibrateOptions Options(string target, string output) => new()
    {
        File = new FileRequest(ToolProgram.Gguf, null, null, Alpha: 1f, Context: null, new LoadOptions()),
        TextFile = TextFile(8),
        Policy = ScoredPolicy.All[0],
        Target = CalibrationTarget.Parse(target).Value,
        Output = Path.Combine(_folder, output),
        Window = 64,
        Tokens = 512,
        Threads = 1,
    };

    /// <summary>Calibrates in this process.</summary>
    /// <param name="cancelAt">A stage at whose beginning Ctrl-C is pressed.</param>
    private static string Calibrate(CalibrateOptions options, string? cancelAt = null, StringWriter? error = null)
    {
        using var cancellation = new CancellationTokenSource();
        using var writer = new CancelingWriter(error ?? new StringWriter(), cancelAt, cancellation);
        using (var progress = new ProgressLine(writer, isTerminal: false))
        {
            new Calibrator(options, progress, cancellation.Token).Run().ShouldContain("[SparsityProfile(");
        }

        return File.ReadAllText(options.Output);
    }

    private string TextFile(int stories)
    {
        string path = Path.Combine(_folder, $"stories{stories}.txt");
        File.WriteAllText(path, stories == 0 ? "Once." : string.Concat(Enumerable.Repeat(Story, stories)), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        return path;
    }

    private sealed class CancelingWriter(StringWriter all, string? stage, CancellationTokenSource cancellation) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            all.WriteLine(value);
            if (stage is not null && value?.StartsWith(stage, StringComparison.Ordinal) == true)
            {
                cancellation.Cancel();
            }
        }
    }
}
