using System.Text;
using System.Text.Json;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Eval;
using SparseInfer.Files;
using SparseInfer.Text;

namespace SparseInfer.Cli.Tests;

/// <summary><c>sparseinfer eval</c>: what it says of the bundled model, and bad input.</summary>
public sealed class EvalTests : IDisposable
{
    private const string Story = """
        Once upon a time there was a little girl named Lily. She loved to play outside in the park with her friends. One day, she saw a big dog
        near the tree. The dog was sad because it had lost its ball. Lily wanted to help the dog. They looked under the bench and behind the
        swings. "Look!" said Lily. "Here is your ball!" The dog was very happy and wagged its tail. They played together all day long.

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-eval").FullName;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_policy_that_skips_nothing_is_the_dense_model_and_one_that_skips_more_is_further_from_it()
    {
        JsonElement[] runs = Runs("--alpha", "60,1.2,0.9", "--window", "64");

        runs.Select(run => run.GetProperty("policy").GetString()).ShouldBe(
            ["Dense", "SignBitPredictor(Alpha = 60f)", "SignBitPredictor(Alpha = 1.2f)", "SignBitPredictor(Alpha = 0.9f)"]);
        foreach (JsonElement same in runs[..2])
        {
            Number(same, "perplexity").ShouldBe(Number(runs[0], "perplexity"));
            Number(same, "perplexity_of_dense").ShouldBe(1);
            Number(same, "kl_divergence").ShouldBe(0);
            Number(same, "top1_agreement").ShouldBe(1);
            Number(same, "wrong_skips").ShouldBe(0);
        }

        // It skips true zeros after it has read gates and signs.
        Number(runs[1], "ffn_bytes_of_dense").ShouldBeInRange(0.34, 0.7);
        for (int i = 2; i < runs.Length; i++)
        {
            Number(runs[i], "kl_divergence").ShouldBeGreaterThan(Number(runs[i - 1], "kl_divergence"));
            Number(runs[i], "top1_agreement").ShouldBeLessThan(Number(runs[i - 1], "top1_agreement"));
            Number(runs[i], "wrong_skips").ShouldBeGreaterThan(Number(runs[i - 1], "wrong_skips"));
            Number(runs[i], "sparsity_predicted").ShouldBeGreaterThan(Number(runs[i - 1], "sparsity_predicted"));
            Number(runs[i], "ffn_bytes_of_dense").ShouldBeLessThan(Number(runs[i - 1], "ffn_bytes_of_dense"));
            runs[i].GetProperty("layers").GetArrayLength().ShouldBe(6);
        }
    }

    /// <summary>The first half of each window chooses, and is judged in no row; a prompt may be asked for without such a policy.</summary>
    [Fact]
    public void Policies_that_choose_by_prompts_are_judged_on_what_follows_one()
    {
        ToolResult result = Evaluate("--policy", "PromptNeurons(Keep = 1f)", "--policy", "PromptNeurons", "--policy", "PromptNeurons(Keep = 0.1f)", "--window", "64", "--json");
        result.ExitCode.ShouldBe(0, result.Error);
        JsonElement root = JsonDocument.Parse(result.Output).RootElement;
        root.GetProperty("prompt").GetInt32().ShouldBe(32);
        (root.GetProperty("tokens").GetInt32() % 32).ShouldBe(0);
        JsonElement[] runs = [.. root.GetProperty("runs").EnumerateArray()];
        Number(runs[1], "perplexity").ShouldBe(Number(runs[0], "perplexity"));
        Number(runs[1], "kl_divergence").ShouldBe(0);
        Number(runs[2], "sparsity_predicted").ShouldBe(0.5);
        Number(runs[2], "kl_divergence").ShouldBeGreaterThan(0);
        Number(runs[3], "kl_divergence").ShouldBeGreaterThan(Number(runs[2], "kl_divergence"));

        JsonElement[] others = Runs("--alpha", "1.2", "--window", "64", "--prompt", "32");
        Number(others[0], "perplexity").ShouldBe(Number(runs[0], "perplexity"));
        Evaluate("--alpha", "1.2", "--window", "64", "--prompt", "32").Output.ShouldContain("in windows of 64, the first 32 of each a dense prompt");
    }

    /// <summary>A window of more than 256 tokens is computed in parts.</summary>
    [Theory]
    [InlineData(40, 1)]
    [InlineData(300, 8)]
    public void Perplexity_is_that_of_the_text_token_by_token(int window, int times)
    {
        string text = string.Concat(Enumerable.Repeat(Story, times));
        JsonElement[] runs = Runs("--alpha", "1.1", "--text", TextFile(text), "--window", $"{window}", "--tokens", $"{(2 * window) + 5}");

        double[] expected = [PerplexityOf(text, SparsityMode.Dense, 1.1f, window), PerplexityOf(text, SparsityMode.Predicted, 1.1f, window)];
        Number(runs[0], "perplexity").ShouldBe(expected[0], 1e-9 * expected[0]);
        Number(runs[1], "perplexity").ShouldBe(expected[1], 1e-9 * expected[1]);
        Number(runs[1], "perplexity_of_dense").ShouldBe(expected[1] / expected[0], 1e-9);
    }

    [Fact]
    public void Thresholds_of_activations_are_another_policy()
    {
        JsonElement[] runs = Runs("--activation", "silu", "--activation-threshold", "1e-6,0.1", "--window", "64");

        runs.Select(run => run.GetProperty("policy").GetString()).ShouldBe(
            ["Dense", "ActivationThreshold(Threshold = 0.000001f)", "ActivationThreshold(Threshold = 0.1f)"]);
        Number(runs[1], "perplexity_of_dense").ShouldBe(1, 1e-3);
        Number(runs[2], "sparsity_true").ShouldBeGreaterThan(0.2);
        Number(runs[2], "ffn_bytes_of_dense").ShouldBeLessThan(Number(runs[1], "ffn_bytes_of_dense"));
    }

    /// <summary>Any attributes, several of them together; the same row is not run twice.</summary>
    [Fact]
    public void Policies_are_given_as_attributes()
    {
        JsonElement[] runs = Runs(
            "--alpha", "1.2", "--policy", "SignBitPredictor(Layers = \"0..2\", Alpha = 1.2f), SignBitPredictor(Layers = \"3..\", Alpha = 1.2f)",
            "--policy", "ExactSparsity", "--policy", "SignBitPredictor(Alpha=1.2f)", "--window", "64");

        runs.Select(run => run.GetProperty("policy").GetString()).ShouldBe(
            ["Dense", "SignBitPredictor(Alpha = 1.2f)", "SignBitPredictor(Layers = \"0..2\", Alpha = 1.2f), SignBitPredictor(Layers = \"3..\", Alpha = 1.2f)", "ExactSparsity"]);
        Number(runs[2], "perplexity").ShouldBe(Number(runs[1], "perplexity"));
        Number(runs[2], "ffn_bytes_per_token").ShouldBe(Number(runs[1], "ffn_bytes_per_token"));
        Number(runs[3], "kl_divergence").ShouldBe(0);
    }

    /// <summary>Bytes that attention leaves out are no feed-forward's, and count among all of the model.</summary>
    [Fact]
    public void Bytes_of_the_model_are_those_of_attention_and_the_head_too()
    {
        JsonElement[] runs = Runs("--policy", "ExactSparsity", "--policy", "InputThreshold(Heads = 0.3f)", "--window", "64", "--tokens", "64");

        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        string[] read = [".attn_q.", ".attn_k.", ".attn_v.", ".attn_output.", ".ffn_gate.", ".ffn_up.", ".ffn_down."];
        TensorInfo embedding = file.Tensors.Single(tensor => tensor.Name == "token_embd.weight");
        TensorInfo head = file.Tensors.SingleOrDefault(tensor => tensor.Name == "output.weight") ?? embedding;
        double all = file.Tensors.Where(tensor => tensor.Shape.Count == 2 && read.Any(name => tensor.Name.Contains(name, StringComparison.Ordinal))).Sum(tensor => tensor.ByteLength)
            + head.ByteLength + (embedding.ByteLength / embedding.Shape.Max());
        Number(runs[0], "bytes_per_token").ShouldBe(all, 0.001 * all);
        (Number(runs[0], "bytes_per_token") - Number(runs[1], "bytes_per_token"))
            .ShouldBe(Number(runs[0], "ffn_bytes_per_token") - Number(runs[1], "ffn_bytes_per_token"), 1);
        runs[1].GetProperty("skipped_inputs").ValueKind.ShouldBe(JsonValueKind.Null);

        double skipped = runs[2].GetProperty("layers").EnumerateArray().Sum(layer => Number(layer, "skipped_projection_bytes_per_token"));
        skipped.ShouldBeGreaterThan(0);
        Number(runs[2], "skipped_inputs").ShouldBeInRange(0.01, 0.99);
        Number(runs[2], "bytes_per_token").ShouldBe(all - Number(runs[0], "ffn_bytes_per_token") + Number(runs[2], "ffn_bytes_per_token") - skipped, 0.001 * all);
        Number(runs[2], "bytes_of_dense").ShouldBe(Number(runs[2], "bytes_per_token") / Number(runs[0], "bytes_per_token"), 1e-9);
    }

    /// <summary>Layers before a policy's add what the dense model's add; the others' errors are those that an observer finds.</summary>
    [Fact]
    public void Contribution_errors_are_those_of_what_the_layers_add()
    {
        JsonElement run = Runs("--policy", "ExactSparsity(Layers = \"..1\"), SignBitPredictor(Alpha = 1f, Layers = \"2..\")", "--window", "40", "--tokens", "80", "--text", TextFile(Story))[1];

        double[] errors = [.. run.GetProperty("layers").EnumerateArray().Select(layer => Number(layer, "contribution_error"))];
        double[] expected = ContributionErrorsOf(Story, ["ExactSparsity(Layers = \"..1\")", "SignBitPredictor(Alpha = 1f, Layers = \"2..\")"], window: 40);
        errors[..2].ShouldBe([0, 0]);
        errors[2..].ShouldAllBe(error => error > 0.01);
        errors.ShouldBe(expected, 1e-9);
        Number(run, "contribution_error").ShouldBe(expected.Average(), 1e-9);
    }

    [Fact]
    public void Speed_is_told_of_each_policy_and_the_dense_model_where_it_is_asked_for()
    {
        JsonElement[] runs = Runs("--alpha", "1,1.2", "--window", "64", "--tokens", "64", "--speed", "4");

        runs.ShouldAllBe(run => Number(run, "tokens_per_second") > 0 && Number(run, "speed_of_dense") > 0);
        Number(runs[0], "speed_of_dense").ShouldBe(1);
        Number(runs[1], "speed_of_dense").ShouldBe(Number(runs[1], "tokens_per_second") / Number(runs[0], "tokens_per_second"), 1e-9);
        Runs("--window", "64", "--tokens", "64")[1].GetProperty("speed_of_dense").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public void A_profile_is_a_row_with_its_strengths()
    {
        string layers = string.Join(", ", Enumerable.Range(0, 6).Select(layer => $$"""{"layer": {{layer}}, "values": {"Alpha": 1.2} }"""));
        string profile = TextFile($$"""
            {"version": 1, "model": {"hidden": 256, "layers": 6, "intermediate": 1024, "activation": "Relu"}, "policies": [{"attribute": "SignBitPredictor", "layers": [{{layers}}]}]}
            """);

        JsonElement[] runs = Runs("--alpha", "1.2", "--profile", profile, "--window", "64");

        runs.Length.ShouldBe(3);
        runs[2].GetProperty("policy").GetString().ShouldBe($"SparsityProfile(\"{Path.GetFileName(profile)}.json\"), SignBitPredictor");
        Number(runs[2], "perplexity").ShouldBe(Number(runs[1], "perplexity"));
        Number(runs[2], "ffn_bytes_per_token").ShouldBe(Number(runs[1], "ffn_bytes_per_token"));
    }

    [Fact]
    public void Tables_have_a_row_for_each_policy_and_each_layer()
    {
        ToolResult result = Evaluate("--window", "64");

        result.ExitCode.ShouldBe(0, result.Error);
        string[] lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines[0].ShouldEndWith("in windows of 64.");
        lines.Count(line => line.StartsWith("| Dense |", StringComparison.Ordinal)).ShouldBe(1);
        lines.Count(line => line.StartsWith("| SignBitPredictor(Alpha = 1f) |", StringComparison.Ordinal)).ShouldBe(1 + 6);
        lines.Where(line => line[0] == '|').Select(line => line.Count(c => c == '|')).Distinct().ShouldBe([14, 9]);
    }

    [Fact]
    public void Windows_lie_evenly_over_the_text_each_begun_by_its_own_token()
    {
        Tokenizer tokenizer = Tokenizer.Open(ToolProgram.Gguf);
        int[] tokens = tokenizer.Encode(Story, addBeginOfSequence: false);
        TextWindows windows = Windows(tokenizer, tokens: 35);

        windows.Count.ShouldBe(3);
        windows.Tokens.ShouldBe(30);
        int[] input = new int[10];
        for (int i = 0; i < 3; i++)
        {
            int start = i * (tokens.Length / 10) / 3 * 10;
            windows.Read(i, input).ToArray().ShouldBe(tokens[start..(start + 10)]);
            input.ShouldBe([tokenizer.BeginOfSequence!.Value, .. tokens[start..(start + 9)]]);
        }
    }

    /// <summary>As prompts do: a file may name a token that the model was not trained to begin with.</summary>
    [Fact]
    public void A_window_begins_without_a_token_that_the_model_does_not_ask_for()
    {
        Tokenizer tokenizer = Tokenizer.Open(Copy(key => key != "tokenizer.ggml.add_bos_token", ("tokenizer.ggml.add_bos_token", false)));
        tokenizer.BeginOfSequence.ShouldNotBeNull();
        int[] tokens = tokenizer.Encode(Story, addBeginOfSequence: false);
        int[] input = new int[10];

        Windows(tokenizer, tokens: null).Read(0, input).ToArray().ShouldBe(tokens[1..11]);
        input.ShouldBe(tokens[..10]);
    }

    [Theory]
    [InlineData("give what to judge on: --text FILE, --choices FILE, or both", "-m", "MODEL")]
    [InlineData(", line 3: it has no 'answer'", "-m", "MODEL", "--choices", "QUESTIONS")]
    [InlineData("has no question", "-m", "MODEL", "--choices", "EMPTY")]
    [InlineData("There is no model at no-such.gguf", "-m", "no-such.gguf", "--text", "TEXT")]
    [InlineData("no-such.txt", "-m", "MODEL", "--text", "no-such.txt")]
    [InlineData("cannot be judged on a text: ", "-m", "MUTE", "--text", "TEXT")]
    [InlineData("is no UTF-8 text", "-m", "MODEL", "--text", "MODEL")]
    [InlineData("give a longer text, or a shorter --window", "-m", "MODEL", "--text", "SHORT")]
    [InlineData("--window 5000 is more than the model's context, which holds 512", "-m", "MODEL", "--text", "TEXT", "--window", "5000")]
    [InlineData("--window takes a whole number", "-m", "MODEL", "--text", "TEXT", "--window", "1")]
    [InlineData("--tokens 20 is less than a window, which has 256", "-m", "MODEL", "--text", "TEXT", "--tokens", "20")]
    [InlineData("--alpha takes numbers above 0", "-m", "MODEL", "--text", "TEXT", "--alpha", "1,-1")]
    [InlineData("SPI0028: Alpha is 101", "-m", "MODEL", "--text", "TEXT", "--alpha", "101")]
    [InlineData("Silu has no exact zeros", "-m", "MODEL", "--text", "TEXT", "--activation", "silu")]
    [InlineData("and no --alpha", "-m", "MODEL", "--text", "TEXT", "--activation", "silu", "--alpha", "1", "--activation-threshold", "0.1")]
    [InlineData("at character 25: ", "-m", "MODEL", "--text", "TEXT", "--policy", "SignBitPredictor(Alpha = ")]
    [InlineData("--policy 'SignBitPredictor(Alpha = 101f)': SPI0028: ", "-m", "MODEL", "--text", "TEXT", "--policy", "ExactSparsity", "--policy", "SignBitPredictor(Alpha = 101f)")]
    [InlineData("--policy 'LowRankPredictor(Rank = 8)': SPI", "-m", "MODEL", "--text", "TEXT", "--activation", "silu", "--policy", "LowRankPredictor(Rank = 8)")]
    [InlineData("tensor", "-m", "MODEL", "--text", "TEXT", "--policy", "LowRankPredictor(Rank = 8, Input = PredictorInput.Residual, Relu = true)")]
    [InlineData("tensor", "-m", "MODEL", "--text", "TEXT", "--window", "64", "--policy", "ExactSparsity", "--policy", "LowRankPredictor(Rank = 8, Input = PredictorInput.Residual)")]
    [InlineData("is no profile of sparseinfer calibrate: it has no array 'policies'", "-m", "MODEL", "--text", "TEXT", "--profile", "QUESTIONS")]
    [InlineData("no-such.json", "-m", "MODEL", "--text", "TEXT", "--profile", "no-such.json")]
    [InlineData("no-such.gguf: no policy of the model wants tensors", "-m", "MODEL", "--text", "TEXT", "--predictor", "no-such.gguf")]
    [InlineData("no-such.gguf", "-m", "MODEL", "--text", "TEXT", "--predictor", "no-such.gguf", "--policy", "ExactSparsity", "--policy", "TruncatedSvdPredictor(Rank = 8)")]
    [InlineData("--ppl takes a percentage above 0", "-m", "MODEL", "--text", "TEXT", "--ppl", "0%")]
    [InlineData("--ppl is about perplexity", "-m", "MODEL", "--choices", "QUESTIONS", "--ppl", "1%")]
    [InlineData("--speed decodes a text", "-m", "MODEL", "--choices", "QUESTIONS", "--speed", "8")]
    [InlineData("--speed 481 and a prompt of 32 are more than the model's context, which holds 512", "-m", "MODEL", "--text", "TEXT", "--speed", "481")]
    [InlineData("--speed takes 232 tokens with the prompt, and the text has", "-m", "MODEL", "--text", "TEXT", "--window", "64", "--speed", "200")]
    [InlineData("--window is about windows of a text", "-m", "MODEL", "--choices", "QUESTIONS", "--window", "64")]
    [InlineData("--prompt is about windows of a text", "-m", "MODEL", "--choices", "QUESTIONS", "--prompt", "8")]
    [InlineData("--prompt 64 leaves nothing of a window, which has 64, to be judged", "-m", "MODEL", "--text", "TEXT", "--window", "64", "--prompt", "64")]
    [InlineData("--tokens is about windows of a text", "-m", "MODEL", "--choices", "QUESTIONS", "--tokens", "100")]
    [InlineData("--profile takes the path of a profile; '' is not.", "-m", "MODEL", "--text", "TEXT", "--profile", "")]
    [InlineData("--threads takes a whole number", "-m", "MODEL", "--text", "TEXT", "-t", "0")]
    [InlineData("--html:", "-m", "MODEL", "--text", "TEXT", "--window", "64", "--html", "no/such/folder.html")]
    [InlineData("--output-file:", "-m", "MODEL", "--text", "TEXT", "--window", "64", "--output-file", "no/such/folder.md")]
    public async Task Whatever_is_wrong_is_one_line_on_standard_error(string message, params string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        string[] given =
        [
            .. args.Select(arg => arg switch
            {
                "MODEL" => ToolProgram.Gguf,
                "TEXT" => TextFile(Story),
                "SHORT" => TextFile("Once."),
                "EMPTY" => TextFile("\n"),
                "QUESTIONS" => TextFile("""
                    {"question": "Once", "choices": ["a", "b"], "answer": 1}

                    {"question": "Once", "choices": ["a", "b"]}
                    """),
                "MUTE" => Copy(key => !key.StartsWith("tokenizer.", StringComparison.Ordinal)),
                _ => arg,
            }),
        ];

        (await CommandLine.RunAsync(["eval", .. given], output, error)).ShouldBe(1);

        output.ToString().ShouldBeEmpty();
        error.ToString().ShouldNotContain("evaluating"); // it is said before anything runs over the text
        string last = error.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries).Last();
        last.ShouldStartWith("sparseinfer: ");
        last.ShouldContain(message);
    }

    private static TextWindows Windows(Tokenizer tokenizer, int? tokens) => TextWindows.Of(
        Story, new() { File = new("", null, null, 1, null, new LoadOptions()), TextFile = "", Window = 10, Tokens = tokens }, tokenizer);

    private static double Number(JsonElement run, string name) => run.GetProperty(name).GetDouble();

    private string TextFile(string text)
    {
        string path = Path.Combine(_folder, Path.GetRandomFileName());
        File.WriteAllText(path, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        return path;
    }

    /// <summary>The bundled model with some of its keys, and others.</summary>
    private string Copy(Predicate<string> keeps, params (string Key, bool Value)[] others)
    {
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        var writer = new GgufWriter();
        foreach (string key in file.Metadata.Keys.Where(key => keeps(key)))
        {
            writer.Copy(file.Metadata, key);
        }

        foreach ((string key, bool value) in others)
        {
            writer.Add(key, value);
        }

        foreach (TensorInfo tensor in file.Tensors)
        {
            writer.AddTensor(tensor);
        }

        string path = Path.Combine(_folder, "copy.gguf");
        writer.Save(path);
        return path;
    }

    private ToolResult Evaluate(params string[] args) => ToolProgram.Call(["eval", "-m", ToolProgram.Gguf, .. args.Contains("--text") ? [] : (string[])["--text", TextFile(Story)], "-t", "1", .. args]);

    private JsonElement[] Runs(params string[] args)
    {
        ToolResult result = Evaluate([.. args, "--json"]);
        result.ExitCode.ShouldBe(0, result.Error);
        return [.. JsonDocument.Parse(result.Output).RootElement.GetProperty("runs").EnumerateArray()];
    }

    /// <summary>Of two windows, a token at a time, by the definition.</summary>
    private static double PerplexityOf(string text, SparsityMode mode, float alpha, int window)
    {
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        ModelDeclaration declaration = FileDeclaration.Read(file, activation: null, threshold: null, alpha);
        using CpuDevice device = Device.Cpu(1);
        using LanguageModel model = ModelCompiler.Compile(declaration, TestContext.Current.CancellationToken)
            .Load(ModelFile.Open(ToolProgram.Gguf), device, new LoadOptions());
        int[] tokens = model.Tokenizer.Encode(text, addBeginOfSequence: false);
        double sum = 0;
        foreach (int start in new[] { 0, tokens.Length / window / 2 * window })
        {
            using Session session = model.CreateSession(new SessionOptions { Mode = mode, SparsePrompt = true });
            int last = model.Tokenizer.BeginOfSequence!.Value;
            foreach (int token in tokens.AsSpan(start, window))
            {
                double[] logits = [.. session.Forward([last]).ToArray().Select(logit => (double)logit)];
                sum += Math.Log(logits.Sum(logit => Math.Exp(logit - logits.Max()))) + logits.Max() - logits[token];
                last = token;
            }
        }

        return Math.Exp(sum / (2 * window));
    }

    /// <summary>By layer: the mean of |y - y_sparse| / |residual| over two windows, the first and that at the half.</summary>
    private static double[] ContributionErrorsOf(string text, string[] policies, int window)
    {
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        ModelDeclaration declaration = FileDeclaration.Read(file, activation: null, threshold: null, alpha: 1) with { Policies = policies, Observed = true };
        using CpuDevice device = Device.Cpu(1);
        using LanguageModel model = ModelCompiler.Compile(declaration, TestContext.Current.CancellationToken)
            .Load(ModelFile.Open(ToolProgram.Gguf), device, new LoadOptions());
        int[] tokens = model.Tokenizer.Encode(text, addBeginOfSequence: false);
        var seen = new Dictionary<(SparsityMode Mode, int Start, int Layer, ObservedActivation, int Position), double[]>();
        int[] starts = [0, tokens.Length / window / 2 * window];
        foreach ((SparsityMode mode, int start) in from mode in new[] { SparsityMode.Dense, SparsityMode.Predicted } from start in starts select (mode, start))
        {
            var observer = new Recorder((layer, activation, position, values) => seen[(mode, start, layer, activation, position)] = values);
            using Session session = model.CreateSession(new SessionOptions { Mode = mode, SparsePrompt = true, Observer = observer });
            foreach (int token in (int[])[model.Tokenizer.BeginOfSequence!.Value, .. tokens[start..(start + window - 1)]])
            {
                session.Forward([token]);
            }
        }

        return
        [
            .. Enumerable.Range(0, declaration.Layers).Select(layer => (from start in starts from position in Enumerable.Range(0, window) select (start, position)).Average(at =>
            {
                double[] Of(SparsityMode mode, ObservedActivation activation) => seen[(mode, at.start, layer, activation, at.position)];
                double[] sparse = Of(SparsityMode.Predicted, ObservedActivation.FeedForwardOutput);
                double[] lost = [.. Of(SparsityMode.Dense, ObservedActivation.FeedForwardOutput).Select((value, i) => value - sparse[i])];
                return Math.Sqrt(lost.Sum(value => value * value) / Of(SparsityMode.Dense, ObservedActivation.Residual).Sum(value => value * value));
            })),
        ];
    }

    private sealed class Recorder(Action<int, ObservedActivation, int, double[]> record) : IActivationObserver
    {
        public void Observe(int layer, ObservedActivation activation, int position, ReadOnlySpan<float> values) =>
            record(layer, activation, position, [.. values.ToArray().Select(value => (double)value)]);
    }
}
