using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace SparseInfer.Cli.Tests;

/// <summary>The tool as a process: exit codes, and what goes where.</summary>
public sealed class CommandTests
{
    [Theory]
    [InlineData("--threads takes whole numbers", "--synthetic", "tinyllama-1.1b", "-t", "0")]
    [InlineData("--n-prompt takes whole numbers", "--synthetic", "tinyllama-1.1b", "-p", "1,,2")]
    [InlineData("--repetitions takes a whole number", "--synthetic", "tinyllama-1.1b", "-r", "0")]
    [InlineData("--modes takes a list", "--synthetic", "tinyllama-1.1b", "--modes", "dense,fast")]
    [InlineData("--output takes one of md, json, csv", "--synthetic", "tinyllama-1.1b", "-o", "sql")]
    [InlineData("--weights takes one of", "--synthetic", "tinyllama-1.1b", "--weights", "q2_k")]
    [InlineData("--sparsity takes a share", "--synthetic", "tinyllama-1.1b", "--sparsity", "90")]
    [InlineData("is too low for --sparsity", "--synthetic", "tinyllama-1.1b", "--precision", "0.1")]
    [InlineData("there is no shape 'llama-3'", "--synthetic", "llama-3")]
    [InlineData("either -m FILE or --synthetic", "-p", "1")]
    [InlineData("either -m FILE or --synthetic", "--synthetic", "tinyllama-1.1b", "-m", "x.gguf")]
    [InlineData("--layers goes with --synthetic", "-m", "x.gguf", "--layers", "2")]
    [InlineData("--alpha goes with -m", "--synthetic", "tinyllama-1.1b", "--alpha", "1.1")]
    [InlineData("leave nothing to measure", "--synthetic", "tinyllama-1.1b", "-p", "0", "-n", "0")]
    [InlineData("the context holds 2048", "--synthetic", "tinyllama-1.1b", "-d", "4096")]
    [InlineData("--threshold goes with --activation fatrelu", "--synthetic", "tinyllama-1.1b", "--threshold", "0.1")]
    [InlineData("has no zeros", "--synthetic", "tinyllama-1.1b", "--activation", "silu", "--layers", "1")]
    [InlineData("no-such-file.gguf", "-m", "no-such-file.gguf")]
    [InlineData("there is no option --frobnicate.", "--frobnicate")]
    public async Task Whatever_is_wrong_is_one_line_on_standard_error(string message, params string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();

        (await CommandLine.RunAsync(["bench", .. args], output, error)).ShouldBe(1);

        output.ToString().ShouldBeEmpty();
        string last = error.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries).Last();
        last.ShouldStartWith("sparseinfer: ");
        last.ShouldContain(message);
    }

    [Fact]
    public void A_process_that_fails_says_so_on_standard_error_and_by_its_exit_code()
    {
        ToolResult result = ToolProgram.Run("bench", "--synthetic", "llama\n3");

        result.ExitCode.ShouldBe(1);
        result.Output.ShouldBeEmpty();
        result.Error.ShouldStartWith("sparseinfer: --synthetic: there is no shape 'llama 3'");
        result.Error.TrimEnd().ShouldNotContain('\n');
    }

    [Fact]
    public void A_file_is_measured_and_json_is_all_there_is_on_standard_output()
    {
        ToolResult result = ToolProgram.Run(
            "bench", "-m", ToolProgram.Gguf, "--activation", "relu", "-p", "8", "-n", "4", "-r", "1",
            "-t", "1", "-o", "json", "--probe-mib", "16");

        result.ExitCode.ShouldBe(0, result.Error);
        using JsonDocument json = JsonDocument.Parse(result.Output);
        JsonElement[] runs = [.. json.RootElement.EnumerateArray()];
        runs.Select(run => run.GetProperty("mode").GetString()).ShouldBe(["dense", "dense", "exact", "predicted"]);
        runs.ShouldAllBe(run => !run.GetProperty("synthetic").GetBoolean());
        runs.ShouldAllBe(run => run.GetProperty("model_filename").GetString() == ToolProgram.Gguf);
        runs[^1].GetProperty("sparsity_true").GetDouble().ShouldBeInRange(0.5, 1);
        result.Error.ShouldNotBeEmpty();
    }

    [Fact]
    public void A_declaration_is_printed_and_nothing_measured()
    {
        ToolResult result = ToolProgram.Run(
            "declare", ToolProgram.Gguf, "--activation", "fatrelu", "--threshold", "0.01");

        result.ExitCode.ShouldBe(0, result.Error);
        result.Output.ShouldContain("[FeedForward(Intermediate = 1024, Activation = Activation.FatRelu, Threshold = 0.01f, Gated = true)]");
        result.Error.ShouldBeEmpty();
    }

    [Fact]
    public async Task Ctrl_C_ends_it_with_130_and_leaves_no_output_file()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        string folder = Directory.CreateTempSubdirectory("sparseinfer-tests").FullName;
        try
        {
            // Far more repetitions than there is time for until the signal comes.
            using Process process = ToolProgram.Start(
                "bench", "-m", ToolProgram.Gguf, "--activation", "relu", "-n", "64", "-r", "1000", "-t", "1", "--probe-mib", "16",
                "--output-file", Path.Combine(folder, "runs.md"));
            (await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken)).ShouldNotBeNull();
            using (Process kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]))
            {
                await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
            }

            ToolResult result = ToolProgram.Finish(process);
            result.ExitCode.ShouldBe(130);
            result.Output.ShouldBeEmpty();
            Directory.GetFiles(folder).ShouldBeEmpty();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
