using System.Text.Json;
using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Calibrate;
using SparseInfer.Cli.Calibrate.Svd;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Calibrate;

/// <summary>Predictors made of the bundled models, and loaded with them.</summary>
public sealed class PredictorCalibratorTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sparseinfer-predictors-");

    [Fact]
    public void A_predictor_of_every_layer_is_made()
    {
        PredictorOptions options = Options(PredictorKind.TruncatedSvd) with { Rank = 16 };
        string summary = new PredictorCalibrator(options, new ProgressLine(TextWriter.Null, isTerminal: false), CancellationToken.None).Run();
        summary.ShouldContain("[TruncatedSvdPredictor(Rank = 16)]");
        using var file = ModelFile.Open(options.Output);
        file.Tensors.Count.ShouldBe(3 * 6);
        byte[] first = File.ReadAllBytes(options.Output);
        new PredictorCalibrator(options with { Threads = 1 }, new ProgressLine(TextWriter.Null, isTerminal: false), CancellationToken.None).Run();
        File.ReadAllBytes(options.Output).ShouldBe(first);
        Should.Throw<CliException>(() => new PredictorCalibrator(options with { Rank = 100000 }, new ProgressLine(TextWriter.Null, isTerminal: false), CancellationToken.None).Run())
            .Message.ShouldContain("--rank 100000: the gate of");
    }

    [Fact]
    public void Thresholds_of_every_neuron_are_made()
    {
        PredictorOptions options = Options(PredictorKind.NeuronThresholds);
        string summary = new PredictorCalibrator(options, new ProgressLine(TextWriter.Null, isTerminal: false), CancellationToken.None).Run();
        summary.ShouldContain("| 0 | ");
        using var file = ModelFile.Open(options.Output);
        file.Tensors.ShouldAllBe(tensor => tensor.Name.EndsWith(".mlp.threshold.weight", StringComparison.Ordinal));
    }

    /// <summary>Scores are those of the matrices, in double precision; bytes those of the matrices in the model's types.</summary>
    [Theory]
    [InlineData("TruncatedSvdPredictor(Rank = 5)", false, true)]
    [InlineData("LowRankPredictor(Rank = 5, Input = PredictorInput.Residual)", true, false)]
    [InlineData("LowRankPredictor(Rank = 5, Input = SparseInfer.PredictorInput.Normed, Relu = false, Bias = true)", false, true)]
    public void A_curve_of_matrices_is_what_they_score(string text, bool relu, bool withBias)
    {
        const int Layer = 3;
        const int Rank = 5;
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        ModelDeclaration model = FileDeclaration.Read(file, activation: null, threshold: null, alpha: 1f);
        var random = new Random(3);
        SvdPredictor matrices = new(Random(Rank * model.Hidden), Random(model.Intermediate * Rank), Random(model.Intermediate), 0);
        var written = new PredictorFile();
        written.Add(Layer, matrices, Rank);
        string path = Path.Combine(_folder.FullName, "matrices.safetensors");
        written.Write(path, TestContext.Current.CancellationToken);
        using ModelFile predictor = ModelFile.Open(path);
        LayerWeights weights = LayerWeights.Read(file, new LoadOptions(), model, Layer, predictor: predictor);
        TokenSample[] samples = [.. Enumerable.Range(0, 4).Select(_ => new TokenSample(Random(model.Hidden), Random(model.Intermediate), 2))];
        FactoredScores policy = FactoredScores.Parse(text);

        LayerCurve curve = LayerCurve.Measure(policy, model, [weights], samples, share: null, TestContext.Current.CancellationToken);

        policy.Reads.ShouldBe(text.Contains("Residual", StringComparison.Ordinal) ? ObservedActivation.Residual : ObservedActivation.FeedForwardInput);
        double[] scores = [.. samples.SelectMany(sample => Scores(sample.Input))];
        curve.Points[0].Skipped.ShouldBe(0);
        foreach (CurvePoint point in curve.Points.Where((_, level) => level % 11 == 5))
        {
            StrengthValue threshold = point.Strengths.ShouldHaveSingleItem();
            threshold.Name.ShouldBe("Threshold");
            point.Skipped.ShouldBe(scores.Count(score => score < threshold.Value) / (double)scores.Length, 1.5 / scores.Length);
        }

        // F16: two bytes a weight.
        double predicted = 2.0 * Rank * (model.Hidden + model.Intermediate);
        curve.Points[0].Bytes.ShouldBe(curve.DenseBytes + predicted, 1e-6 * curve.DenseBytes);

        float[] Random(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.45f)];

        IEnumerable<double> Scores(float[] x)
        {
            double[] factors = [.. Enumerable.Range(0, Rank).Select(i => x.Select((value, j) => (double)value * matrices.First[(i * model.Hidden) + j]).Sum())];
            factors = relu ? [.. factors.Select(factor => Math.Max(0, factor))] : factors;
            return Enumerable.Range(0, model.Intermediate).Select(neuron => (withBias ? matrices.Bias[neuron] : 0)
                + factors.Select((factor, i) => factor * matrices.Second[(neuron * Rank) + i]).Sum());
        }
    }

    /// <summary>From matrices to a profile of their threshold, and to what the model then skips.</summary>
    [Fact]
    public void A_threshold_of_matrices_is_found()
    {
        PredictorOptions made = Options(PredictorKind.TruncatedSvd) with { Rank = 16 };
        new PredictorCalibrator(made, new ProgressLine(TextWriter.Null, isTerminal: false), CancellationToken.None).Run();
        string profile = Path.Combine(_folder.FullName, "svd.json");
        ToolResult Calibrate(string policy, params string[] more) => ToolProgram.Call(
            ["calibrate", "-m", ToolProgram.Gguf, "--text", TextFile(), "--policy", policy, "--output", profile, "--window", "64", "--tokens", "640", .. more]);

        ToolResult found = Calibrate("TruncatedSvdPredictor(Rank = 16)", "--predictor", made.Output, "--target", "skipped=0.3");
        found.ExitCode.ShouldBe(0, found.Error);
        found.Output.ShouldContain("[TruncatedSvdPredictor(Rank = 16)]");
        ToolResult judged = ToolProgram.Call(
            ["eval", "-m", ToolProgram.Gguf, "--text", TextFile(), "--profile", profile, "--policy", "TruncatedSvdPredictor(Rank = 16)", "--predictor", made.Output, "--window", "64", "--tokens", "640", "--json"]);
        judged.ExitCode.ShouldBe(0, judged.Error);
        double[] skipped = [.. JsonDocument.Parse(judged.Output).RootElement.GetProperty("runs").EnumerateArray().Select(run => run.GetProperty("sparsity_predicted").GetDouble())];
        skipped[^1].ShouldBe(0.3, 0.03);
        skipped[1].ShouldNotBe(skipped[^1]);

        (string Message, string Policy, string[] More)[] wrong =
        [
            ("there is no tensor 'blk.0.fc1.weight' in", "TruncatedSvdPredictor(Rank = 16)", []),
            ("is 16 x 256, and the policy wants 8 x 256", "TruncatedSvdPredictor(Rank = 8)", ["--predictor", made.Output]),
            ("Threshold is what is found; leave out Keep", "LowRankPredictor(Rank = 16, Input = PredictorInput.Normed, Keep = 0.5f)", ["--predictor", made.Output]),
            ("it needs Input", "LowRankPredictor(Rank = 16)", ["--predictor", made.Output]),
            ("it needs Rank", "TruncatedSvdPredictor( )", ["--predictor", made.Output]),
            ("nothing that can be calibrated with", "TruncatedSvdPredictor(Rank = 16, Layers = \"1..\")", ["--predictor", made.Output]),
            ("with arguments there are", "SignBitPredictor(Alpha = 1f)", []),
            ("is no list of attributes", "TruncatedSvdPredictor(Rank = ", []),
            ("--predictor has nothing that --policy SignBitPredictor looks at", "SignBitPredictor", ["--predictor", made.Output]),
            ("no-such.safetensors", "TruncatedSvdPredictor(Rank = 16)", ["--predictor", "no-such.safetensors"]),
        ];
        foreach ((string message, string policy, string[] more) in wrong)
        {
            ToolResult refused = Calibrate(policy, more);
            refused.ExitCode.ShouldNotBe(0, message);
            refused.Error.ShouldContain(message);
        }
    }

    /// <summary>Of full rank the matrices are the head's; of less, a threshold that it names keeps the likeliest words, on other text too.</summary>
    [Fact]
    public void Matrices_of_the_head_are_made()
    {
        string output = Path.Combine(_folder.FullName, "words.safetensors");
        ToolResult Make(int rank, params string[] more) => ToolProgram.Call(
            ["calibrate", "-m", ToolProgram.Gguf, "--text", TextFile(), "--output", output, "--window", "64", "--tokens", "640", "--policy", "VocabularyPredictor", "--rank", $"{rank}", .. more]);

        Make(256).ExitCode.ShouldBe(0);
        using (ModelFile model = ModelFile.Open(ToolProgram.Gguf))
        using (ModelFile made = ModelFile.Open(output))
        {
            float[] head = Values(model, "output.weight");
            float[] first = Values(made, "model.lm_head_profiler.fc1.weight");
            float[] second = Values(made, "model.lm_head_profiler.fc2.weight");
            foreach (int word in new[] { 0, 17, 511 })
            {
                for (int column = 0; column < 256; column += 51)
                {
                    double product = Enumerable.Range(0, 256).Sum(i => (double)second[(word * 256) + i] * first[(i * 256) + column]);
                    product.ShouldBe(head[(word * 256) + column], 1e-3);
                }
            }
        }

        ToolResult summary = Make(32);
        summary.ExitCode.ShouldBe(0, summary.Error);
        string threshold = summary.Output.Split('\n').First(line => line.Contains("99.", StringComparison.Ordinal)).Split('|')[1].Trim();
        ToolResult judged = ToolProgram.Call(
            ["eval", "-m", ToolProgram.Gguf, "--text", TextFile(), "--policy", $"ExactSparsity, VocabularyPredictor(Rank = 32, Threshold = {threshold}f)", "--predictor", output, "--window", "64", "--tokens", "640", "--json"]);
        judged.ExitCode.ShouldBe(0, judged.Error);
        JsonElement run = JsonDocument.Parse(judged.Output).RootElement.GetProperty("runs")[1];
        run.GetProperty("top1_agreement").GetDouble().ShouldBeInRange(0.97, 1);
        run.GetProperty("bytes_of_dense").GetDouble().ShouldBeLessThan(1);

        (string Message, int Rank, string[] More)[] wrong =
        [
            ("--rank 257: the head of", 257, []),
            ("--skip is not for --policy VocabularyPredictor", 16, ["--skip", "0.5"]),
            ("--target is not for this", 16, ["--target", "skipped=0.5"]),
        ];
        foreach ((string message, int rank, string[] more) in wrong)
        {
            ToolResult refused = Make(rank, more);
            refused.ExitCode.ShouldNotBe(0, message);
            refused.Error.ShouldContain(message);
        }

        static float[] Values(ModelFile file, string name) => file.TryGetTensor(name, out TensorInfo? tensor) || file.TryGetTensor("token_embd.weight", out tensor)
            ? PolicyTensors.Values(tensor)
            : throw new InvalidOperationException(name);
    }

    [Fact]
    public void The_command_makes_one_and_says_what_does_not_go_together()
    {
        string output = Path.Combine(_folder.FullName, "svd.safetensors");
        ToolResult Run(params string[] more) => ToolProgram.Call(["calibrate", "-m", ToolProgram.Gguf, "--text", TextFile(), "--output", output, "--window", "64", "--tokens", "320", .. more]);
        ToolResult made = Run("--policy", "TruncatedSvdPredictor", "--rank", "8", "--skip", "0.7");
        made.ExitCode.ShouldBe(0, made.Error);
        made.Output.ShouldContain("LoadOptions.PredictorFile");
        File.Exists(output).ShouldBeTrue();

        (string Message, string[] Arguments)[] wrong =
        [
            ("takes --rank R", ["--policy", "TruncatedSvdPredictor"]),
            ("--per-neuron is for --policy ActivationThreshold", ["--policy", "SignBitPredictor", "--per-neuron"]),
            ("--rank is for what has a file of its own", ["--policy", "SignBitPredictor", "--rank", "8"]),
            ("--target is not for this", ["--policy", "TruncatedSvdPredictor", "--rank", "8", "--target", "contribution=0.99"]),
            ("--rank is not for this", ["--policy", "ActivationThreshold", "--per-neuron", "--rank", "8"]),
        ];
        foreach ((string message, string[] arguments) in wrong)
        {
            ToolResult refused = Run(arguments);
            refused.ExitCode.ShouldNotBe(0, message);
            refused.Error.ShouldContain(message);
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string TextFile()
    {
        string path = Path.Combine(_folder.FullName, "stories.txt");
        string[] names = ["Tom", "Lily", "the dog", "a little bird", "Mom", "the old man"];
        File.WriteAllText(path, string.Concat(Enumerable.Range(0, 60).Select(i =>
            $"One day, {names[i % 6]} went to the park with {names[i * 5 % 6]}. They saw {i + 2} red balls and were very happy. ")));
        return path;
    }

    private PredictorOptions Options(PredictorKind kind) => new()
    {
        File = new FileRequest(ToolProgram.Gguf, null, null, 1, null, new LoadOptions()),
        TextFile = TextFile(),
        Kind = kind,
        Share = 0.5,
        Output = Path.Combine(_folder.FullName, "predictor.safetensors"),
        Window = 64,
        Tokens = 640,
    };
}
