using System.Runtime.InteropServices;
using System.Text.Json;
using SparseInfer.Cli.Calibrate;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Calibrate;

/// <summary>
/// <c>sparseinfer calibrate</c> on experts: those of a model that is the bundled one again, since each of its experts is the bundled feed-forward with its neurons in an
/// order of its own. Whatever is chosen, the outputs add up to the bundled model's.
/// </summary>
public sealed class ExpertCalibrationTests : IDisposable
{
    private const int Experts = 3;
    private const int Active = 2;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sparseinfer-experts-");

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Experts_get_the_strengths_of_the_feed_forward_that_they_are()
    {
        JsonElement[] profiles = [Profile(ToolProgram.Gguf, "one.json"), Profile(Model(), "experts.json")];
        for (int layer = 0; layer < 6; layer++)
        {
            (JsonElement one, JsonElement experts) = (Layer(profiles[0], layer), Layer(profiles[1], layer));
            experts.GetProperty("dense_bytes").GetDouble().ShouldBe(Active * one.GetProperty("dense_bytes").GetDouble());
            foreach (string measured in new[] { "skipped", "precision", "contribution" })
            {
                Measured(experts, measured).ShouldBe(Measured(one, measured), 0.02, $"layer {layer}: {measured}");
            }

            Measured(experts, "bytes").ShouldBe(Active * Measured(one, "bytes"), 0.03 * Measured(one, "bytes"));
        }

        static JsonElement Layer(JsonElement profile, int layer) => profile.GetProperty("policies")[0].GetProperty("layers")[layer];
        static double Measured(JsonElement layer, string name) => layer.GetProperty("measured").GetProperty(name).GetDouble();
    }

    /// <summary>From a predictor for each expert to what the model then skips.</summary>
    [Fact]
    public void A_predictor_of_every_expert_is_made_and_judged()
    {
        string predictor = Path.Combine(_folder.FullName, "svd.safetensors");
        ToolResult made = ToolProgram.Call(
            ["calibrate", "-m", Model(), "--text", Text(), "--policy", "TruncatedSvdPredictor", "--rank", "16", "--output", predictor, "--window", "64", "--tokens", "640"]);
        made.ExitCode.ShouldBe(0, made.Error);
        using (ModelFile file = ModelFile.Open(predictor))
        {
            file.Tensors.Count.ShouldBe(3 * Experts * 6);
            file.Tensors.ShouldContain(tensor => tensor.Name == "model.layers.5.block_sparse_moe.experts.2.predictor.fc2.bias");
        }

        string profile = Path.Combine(_folder.FullName, "svd.json");
        ToolResult found = ToolProgram.Call(
            ["calibrate", "-m", Model(), "--text", Text(), "--policy", "TruncatedSvdPredictor(Rank = 16)", "--predictor", predictor, "--target", "skipped=0.3", "--output", profile, "--window", "64", "--tokens", "640"]);
        found.ExitCode.ShouldBe(0, found.Error);
        ToolResult judged = ToolProgram.Call(
            ["eval", "-m", Model(), "--text", Text(), "--profile", profile, "--predictor", predictor, "--window", "64", "--tokens", "640", "--json"]);
        judged.ExitCode.ShouldBe(0, judged.Error);
        JsonElement run = JsonDocument.Parse(judged.Output).RootElement.GetProperty("runs").EnumerateArray().Last();
        run.GetProperty("sparsity_predicted").GetDouble().ShouldBe(0.3, 0.05);
    }

    /// <summary>What is lost is what the chosen experts would have added, by their weights; scores are each one's own.</summary>
    [Fact]
    public void A_curve_of_experts_is_what_its_words_say()
    {
        const int Layer = 2;
        using ModelFile file = ModelFile.Open(Model());
        ModelDeclaration model = FileDeclaration.Read(file, activation: null, threshold: null, alpha: 1f);
        LayerWeights[] experts = [.. Enumerable.Range(0, Experts).Select(expert => LayerWeights.Read(file, new LoadOptions(), model, Layer, expert))];
        experts[1].Down.ShouldNotBe(experts[2].Down);
        var random = new Random(5);
        TokenSample[] samples = [.. new int[][] { [0, 2], [1, 2] }.Select(chosen => new TokenSample(Random(model.Hidden), Random(Active * model.Intermediate), 3) { Experts = chosen, Weights = [0.75f, 0.25f] })];

        LayerCurve curve = LayerCurve.Measure(
            ScoredPolicy.All.Single(policy => policy.Attribute == "SignBitPredictor"), model, experts, samples, share: null, TestContext.Current.CancellationToken);

        foreach (CurvePoint point in curve.Points.Where((_, level) => level % 9 == 4))
        {
            (int skipped, double lost) = (0, 0);
            decimal alpha = decimal.Parse(point.Strengths.ShouldHaveSingleItem().Value.ToString(System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);
            decimal threshold = Math.Floor(alpha * model.Hidden / (1 + alpha));
            foreach (TokenSample sample in samples)
            {
                double[] missing = new double[model.Hidden];
                for (int i = 0; i < sample.Neurons.Length; i++)
                {
                    (int chosen, int neuron) = Math.DivRem(i, model.Intermediate);
                    LayerWeights expert = experts[sample.Experts[chosen]];
                    if (sample.Input.Where((x, j) => float.IsNegative(x) != float.IsNegative(expert.First[(neuron * model.Hidden) + j])).Count() > threshold)
                    {
                        skipped++;
                        for (int j = 0; j < missing.Length; j++)
                        {
                            missing[j] += (double)sample.Weights[chosen] * sample.Neurons[i] * expert.Down[(neuron * model.Hidden) + j];
                        }
                    }
                }

                lost += Math.Sqrt(missing.Sum(value => value * value)) / sample.ResidualNorm / samples.Length;
            }

            point.Skipped.ShouldBe((double)skipped / (samples.Length * Active * model.Intermediate), 1e-9);
            point.Contribution.ShouldBe(1 - lost, 1e-4);
        }

        float[] Random(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.45f)];
    }

    private JsonElement Profile(string model, string name)
    {
        string output = Path.Combine(_folder.FullName, name);
        ToolResult done = ToolProgram.Call(
            ["calibrate", "-m", model, "--text", Text(), "--policy", "SignBitPredictor", "--target", "skipped=0.3", "--output", output, "--window", "64", "--tokens", "640"]);
        done.ExitCode.ShouldBe(0, done.Error);
        return JsonDocument.Parse(File.ReadAllText(output)).RootElement;
    }

    private string Text()
    {
        string path = Path.Combine(_folder.FullName, "stories.txt");
        string[] names = ["Tom", "Lily", "the dog", "a little bird", "Mom", "the old man"];
        File.WriteAllText(path, string.Concat(Enumerable.Range(0, 60).Select(i =>
            $"One day, {names[i % 6]} went to the park with {names[i * 5 % 6]}. They saw {i + 2} red balls and were very happy. ")));
        return path;
    }

    /// <summary>The bundled model with experts: expert e begins with its neuron 100 e, and a router of random weights.</summary>
    private string Model()
    {
        string path = Path.Combine(_folder.FullName, "experts.gguf");
        if (File.Exists(path))
        {
            return path;
        }

        using ModelFile source = ModelFile.Open(ToolProgram.Gguf);
        var writer = new GgufWriter();
        foreach (string key in source.Metadata.Keys.Where(key => key != GgufFile.AlignmentKey))
        {
            writer.Copy(source.Metadata, key);
        }

        writer.Add("llama.expert_count", (uint)Experts);
        writer.Add("llama.expert_used_count", (uint)Active);
        var random = new Random(2);
        foreach (TensorInfo tensor in source.Tensors)
        {
            bool isDown = tensor.Name.Contains(".ffn_down.", StringComparison.Ordinal);
            if (!isDown && !tensor.Name.Contains(".ffn_gate.", StringComparison.Ordinal) && !tensor.Name.Contains(".ffn_up.", StringComparison.Ordinal))
            {
                writer.AddTensor(tensor);
                continue;
            }

            (int rows, int columns) = ((int)tensor.Shape[0], (int)tensor.Shape[1]);
            Half[] values = MemoryMarshal.Cast<byte, Half>(tensor.Bytes).ToArray();
            Half[] all = [.. Enumerable.Range(0, Experts).SelectMany(expert => Enumerable.Range(0, values.Length).Select(i => isDown
                ? values[(i / columns * columns) + (((i % columns) + (100 * expert)) % columns)]
                : values[(((i / columns) + (100 * expert)) % rows * columns) + (i % columns)]))];
            writer.AddTensor(tensor.Name.Replace(".weight", "_exps.weight", StringComparison.Ordinal), tensor.Type, [Experts, rows, columns], MemoryMarshal.AsBytes(all.AsSpan()).ToArray());
            if (isDown)
            {
                float[] router = [.. Enumerable.Range(0, Experts * rows).Select(_ => random.NextSingle() - 0.5f)];
                writer.AddTensor(tensor.Name.Replace("ffn_down", "ffn_gate_inp", StringComparison.Ordinal), TensorType.Of(WeightType.F32), [Experts, rows], MemoryMarshal.AsBytes(router.AsSpan()).ToArray());
            }
        }

        writer.Save(path);
        return path;
    }
}
