using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Calibrate;
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

    [Fact]
    public void The_command_makes_one_and_says_what_does_not_go_together()
    {
        string output = Path.Combine(_folder.FullName, "svd.safetensors");
        ToolResult Run(params string[] more) => ToolProgram.Run(["calibrate", "-m", ToolProgram.Gguf, "--text", TextFile(), "--output", output, "--window", "64", "--tokens", "320", .. more]);
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
