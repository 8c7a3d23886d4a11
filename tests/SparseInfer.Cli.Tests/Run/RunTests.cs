using System.Text.Json;
using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Run;

/// <summary><c>sparseinfer run</c>: a file's text, its report, and bad input.</summary>
public sealed class RunTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-run").FullName;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_text_is_the_one_that_the_model_gives_with_the_same_options()
    {
        string expected = Expected("Once upon a time", new() { MaxTokens = 24, Temperature = 0.9, Seed = 7, TopK = 20, TopP = 0.9, MinP = 0.01, RepetitionPenalty = 1.1 });
        string[] options = ["-n", "24", "--temp", "0.9", "-s", "7", "--top-k", "20", "--top-p", "0.9", "--min-p", "0.01", "--repeat-penalty", "1.1"];

        ToolResult[] results =
        [
            ToolProgram.Run(["run", ToolProgram.Gguf, "Once upon a time", .. options]),
            ToolProgram.Run(["run", "-m", ToolProgram.Gguf, "-p", "Once upon a time", "-t", "1", "--mode", "dense", .. options]),
            ToolProgram.Run(["run", "-m", ToolProgram.Gguf, "Once upon a time", "--mode", "exact", "-c", "64", .. options]),
        ];

        foreach (ToolResult result in results)
        {
            result.ExitCode.ShouldBe(0, result.Error);
            result.Output.ShouldBe("Once upon a time" + expected + "\n");
            result.Error.ShouldContain("│ decode    24 tokens, ");
            result.Error.ShouldContain("ended by MaxTokens");
        }

        // Compiled by one of the calls before at the latest.
        results[2].Error.ShouldNotContain("compiling");
    }

    [Theory]
    [InlineData("--grammar", "root ::= \" there\" \" was\"")]
    [InlineData("-j", "{\"const\": 5}")]
    public void An_answer_has_the_form_that_is_asked_for(string option, string form)
    {
        string file = Path.Combine(_folder, "form");
        File.WriteAllText(file, form);
        string fromFile = option == "-j" ? "--json-schema-file" : "--grammar-file";

        ToolResult[] results =
        [
            ToolProgram.Run("run", ToolProgram.Gguf, "Once upon a time", option, form, "-s", "1"),
            ToolProgram.Run("run", ToolProgram.Gguf, "Once upon a time", fromFile, file, "-s", "1"),
        ];

        foreach (ToolResult result in results)
        {
            result.ExitCode.ShouldBe(0, result.Error);
            result.Output.ShouldBe("Once upon a time" + (option == "-j" ? "5" : " there was") + "\n");
            result.Error.ShouldContain("ended by GrammarEnd");
        }
    }

    [Theory]
    [InlineData("--grammar: Line 1, column 10", "--grammar", "root ::= x")]
    [InlineData("-j", "-j", "{\"not\": {}}")]
    [InlineData("give one of them", "-j", "{}", "--grammar", "root ::= .")]
    [InlineData("--grammar-file no-such-file", "--grammar-file", "no-such-file")]
    public void A_form_that_is_none_is_an_error(string message, params string[] options)
    {
        ToolResult result = ToolProgram.Run(["run", ToolProgram.Gguf, "Once", .. options]);

        result.ExitCode.ShouldBe(1);
        result.Error.ShouldContain(message == "-j" ? "--json-schema: #/not: 'not' is not supported" : message);
    }

    [Fact]
    public void Json_has_text_and_report_and_nothing_else_is_written()
    {
        ToolResult result = ToolProgram.Run(
            "run", ToolProgram.Gguf, "Once upon a time", "-n", "20", "--temp", "0", "--policy", "SignBitPredictor(Alpha = 1.2f)", "--json");

        result.ExitCode.ShouldBe(0, result.Error);
        JsonElement written = JsonDocument.Parse(result.Output).RootElement;
        written.GetProperty("prompt").GetString().ShouldBe("Once upon a time");
        written.GetProperty("text").GetString().ShouldNotBeNullOrEmpty();
        JsonElement report = written.GetProperty("report");
        report.GetProperty("policies").GetString().ShouldBe("SignBitPredictor(Alpha = 1.2f)");
        report.GetProperty("mode").GetString().ShouldBe("predicted");
        report.GetProperty("generated_tokens").GetInt32().ShouldBe(20);
        report.GetProperty("counted_tokens").GetInt32().ShouldBeInRange(1, 16);
        report.GetProperty("sparsity_true").GetDouble().ShouldBeInRange(0.5, 1);
        report.GetProperty("sparsity_predicted").GetDouble().ShouldBeInRange(0.05, 0.95);
        report.GetProperty("bytes_of_dense").GetDouble().ShouldBeInRange(0.2, 0.9);
    }

    /// <summary>What may begin a stop string is held back while more may come, and no longer.</summary>
    [Fact]
    public void An_answer_that_ends_within_a_stop_string_is_whole()
    {
        string whole = ToolProgram.Run("run", ToolProgram.Gguf, "Once upon a", "-n", "5", "--temp", "0").Output;

        ToolProgram.Run("run", ToolProgram.Gguf, "Once upon a", "-n", "5", "--temp", "0", "--stop", whole.TrimEnd()[^8..] + " that never comes").Output.ShouldBe(whole);
    }

    /// <summary>Who wrote no class has declared nothing that loading could be compared with: it is told what loading found.</summary>
    [Fact]
    public void What_loading_found_is_told()
    {
        ToolResult result = ToolProgram.Run("run", ToolProgram.Gguf, "Once", "-n", "2", "--temp", "0", "--activation", "silu", "--json");

        result.ExitCode.ShouldBe(0, result.Error);
        string[] notes = [.. JsonDocument.Parse(result.Output).RootElement.GetProperty("report").GetProperty("notes").EnumerateArray().Select(note => note.GetString()!)];
        notes.ShouldNotBeEmpty();
        result.Error.ShouldContain($"note: {notes[0]}\n");
    }

    [Fact]
    public void An_answer_ends_at_a_stop_text_and_takes_its_policies_from_a_profile()
    {
        string layers = string.Join(", ", Enumerable.Range(0, 6).Select(layer => $$"""{"layer": {{layer}}, "values": {"Alpha": 1.5} }"""));
        string profile = Path.Combine(_folder, "stories.json");
        File.WriteAllText(profile, $$"""
            {"version": 1, "model": {"hidden": 256, "layers": 6, "intermediate": 1024, "activation": "Relu"}, "policies": [{"attribute": "SignBitPredictor", "layers": [{{layers}}]}]}
            """);

        ToolResult result = ToolProgram.Run("run", ToolProgram.Gguf, "Once upon a time", "--temp", "0", "--stop", ".", "--profile", profile);

        result.ExitCode.ShouldBe(0, result.Error);
        result.Output.ShouldStartWith("Once upon a time, there was");
        result.Output.ShouldNotContain('.');
        result.Error.ShouldContain("ended by StopString");
        result.Error.ShouldContain("skipped unread");
    }

    [Theory]
    [InlineData("give a model")]
    [InlineData("There is no model at no-such.gguf", "no-such.gguf", "Hello")]
    [InlineData("'again' is one argument too many", "-m", "MODEL", "Hello", "again")]
    [InlineData("--device cuda:9:", "MODEL", "Hello", "--device", "cuda:9")]
    [InlineData("--temp takes a number, at least 0", "MODEL", "Hello", "--temp", "-1")]
    [InlineData("--temp takes a number", "MODEL", "Hello", "--temp", "NaN")]
    [InlineData("--top-p takes a number from 0 to 1", "MODEL", "Hello", "--top-p", "2")]
    [InlineData("-1", "MODEL", "Hello", "-n", "-2")]
    [InlineData("--ctx-size 5000 is more than the model's context, which holds 512", "MODEL", "Hello", "-c", "5000")]
    [InlineData("SPI0028", "MODEL", "Hello", "--policy", "SignBitPredictor(Alpha = 500f)")]
    [InlineData("is no list of attributes", "MODEL", "Hello", "--policy", "SignBit(")]
    [InlineData("no-such.json", "MODEL", "Hello", "--profile", "no-such.json")]
    [InlineData("--predictor svd.safetensors: no policy of the model wants tensors of a file", "MODEL", "Hello", "--predictor", "svd.safetensors")]
    [InlineData("--color is about a text", "MODEL", "Hello", "--json", "--color")]
    [InlineData("and the context holds 4 with what follows: give a shorter one, or a larger --ctx-size.", "MODEL", "Hello Hello Hello Hello Hello Hello Hello Hello Hello", "-c", "4")]
    public void Bad_input_is_one_line(string message, params string[] args)
    {
        ToolResult result = ToolProgram.Run(["run", .. args.Select(arg => arg == "MODEL" ? ToolProgram.Gguf : arg)]);

        result.ExitCode.ShouldBe(1);
        result.Output.ShouldBeEmpty();
        string last = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Last();
        last.ShouldStartWith("sparseinfer: ");
        last.ShouldContain(message);
    }

    private static string Expected(string prompt, GenerationOptions options)
    {
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        ModelDeclaration declaration = FileDeclaration.Read(file, activation: null, threshold: null, alpha: 1f) with { Policies = ["ExactSparsity"] };
        using CpuDevice device = Device.Cpu(1);
        using LanguageModel model = ModelCompiler.Compile(declaration, TestContext.Current.CancellationToken)
            .Load(ModelFile.Open(ToolProgram.Gguf), device, new LoadOptions());
        return string.Concat(model.GenerateAsync(prompt, options).ToBlockingEnumerable(TestContext.Current.CancellationToken));
    }
}
