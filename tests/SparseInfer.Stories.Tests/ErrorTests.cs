using System.Diagnostics;

namespace SparseInfer.Stories.Tests;

/// <summary>Whatever is wrong: exit code 1, nothing on standard output, one line on standard error that names what to change.</summary>
public sealed class ErrorTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    [Theory]
    [InlineData("--tokens", "-1")]
    [InlineData("--tokens", "0")]
    [InlineData("--tokens", "abc")]
    [InlineData("--tokens", "99999999999")]
    [InlineData("--temperature", "NaN")]
    [InlineData("--temperature", "-1")]
    [InlineData("--temperature", "1,5")]
    [InlineData("--temperature", "1e400")]
    [InlineData("--seed", "-1")]
    [InlineData("--threads", "0")]
    [InlineData("--threads", "-3")]
    [InlineData("--threads", "100000")]
    [InlineData("--device", "")]
    [InlineData("--mode", "fast")]
    [InlineData("--mode", "1")]
    [InlineData("--evaluate", "255")]
    [InlineData("--prompt", "")]
    [InlineData("--model", "")]
    public void A_bad_value_is_refused_by_its_option(string option, string value)
    {
        string error = ErrorOf(option, value);

        error.ShouldStartWith($"stories: {option} takes ");
        error.ShouldContain($"'{value}' is not");
    }

    [Fact]
    public void An_unknown_device_is_refused_with_those_there_are() =>
        ErrorOf("--device", "abacus").ShouldStartWith("stories: --device: There is no device 'abacus'; there is: best, cpu");

    [Fact]
    public void A_misspelt_device_is_refused_with_the_closest() =>
        ErrorOf("--device", "cuda-sofware").ShouldStartWith("stories: --device: There is no device 'cuda-sofware', the closest is 'cuda-software'; ");

    [Fact]
    public void A_device_that_fails_amid_the_story_is_one_line_behind_what_was_told()
    {
        ProgramResult result = StoriesProgram.RunOnFailingDevice("--device", "cuda-software", "--quiet", "--temperature", "0");

        result.Output.ShouldStartWith("Once upon a time");
        string line = result.Error.TrimEnd();
        line.ShouldStartWith("stories: --device: Device 'cuda-software' failed: ");
        line.ShouldContain("its launch failed, on request");
        line.ShouldContain("open it and load again");
        line.ShouldNotContain('\n');
        result.ExitCode.ShouldBe(1);
    }

    [Theory]
    [InlineData("--frobnicate")]
    [InlineData("--tokens")]
    [InlineData("dragon")]
    public void An_argument_that_cannot_be_placed_is_named(string argument) => ErrorOf(argument).ShouldContain($"'{argument}'");

    [Fact]
    public void An_option_given_twice_is_named() => ErrorOf("--tokens", "1", "--tokens", "2").ShouldContain("'--tokens'");

    [Fact]
    public void A_prompt_with_half_a_surrogate_pair_is_refused() =>
        ErrorOf("--prompt", "a dragon \ud83d").ShouldStartWith("stories: --prompt takes ");

    [Fact]
    public void A_prompt_longer_than_the_context_says_how_long_it_is()
    {
        string error = ErrorOf("--prompt", string.Concat(Enumerable.Repeat("dragon ", 400)));

        error.ShouldStartWith("stories: --prompt has ");
        error.ShouldContain("holds 512");
    }

    [Fact]
    public void A_line_break_in_a_value_does_not_break_the_line() => ErrorOf("--mode", "de\nn\u001b[31mse").ShouldContain("de n [31mse");

    [Fact]
    public void A_missing_model_is_named()
    {
        string error = ErrorOf("--model", folder["nobody.gguf"]);

        error.ShouldStartWith("stories: --model: ");
        error.ShouldContain(folder["nobody.gguf"]);
    }

    [Fact]
    public void A_folder_without_a_model_says_so()
    {
        string empty = Directory.CreateDirectory(folder["empty"]).FullName;

        ErrorOf("--model", empty).ShouldContain("holds no model");
    }

    [Fact]
    public void A_truncated_model_names_the_first_tensor_that_is_cut()
    {
        byte[] whole = File.ReadAllBytes(StoriesProgram.Gguf);

        ErrorOf("--model", folder.Write("truncated.gguf", whole.AsSpan(0, 100_000))).ShouldContain("'token_embd.weight'");
    }

    [Fact]
    public void Another_model_names_the_first_difference()
    {
        string error = ErrorOf("--model", Path.Combine(StoriesProgram.Repository, "tests", "data", "stories260K", "stories260K.gguf"));

        error.ShouldContain("stories260K.gguf");
        error.ShouldContain("'llama.block_count' is 5");
    }

    [Fact]
    public void Weights_without_a_tokenizer_say_what_to_name_instead() =>
        ErrorOf("--model", Path.Combine(StoriesProgram.Models, "model.safetensors")).ShouldContain("GGUF");

    [Fact]
    public void What_is_no_model_says_so()
    {
        ErrorOf("--model", folder.Write("story.gguf", "Once upon a time"u8)).ShouldContain("neither a GGUF file");
        ErrorOf("--model", folder.Write("nothing.gguf", [])).ShouldContain("empty");
    }

    [Fact]
    public void A_pipe_or_device_is_refused_at_once()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using Process make = Process.Start("mkfifo", [folder["pipe"]]);
        make.WaitForExit();
        File.CreateSymbolicLink(folder["link"], folder["pipe"]);

        ErrorOf("--model", folder["pipe"]).ShouldContain("pipe");
        ErrorOf("--model", folder["link"]).ShouldContain("pipe");
        ErrorOf("--model", "/dev/null").ShouldContain("device");
    }

    private static string ErrorOf(params string[] args)
    {
        ProgramResult result = StoriesProgram.Run(args);

        result.Output.ShouldBeEmpty();
        result.Error.ShouldEndWith(Environment.NewLine);
        string line = result.Error[..^Environment.NewLine.Length];
        line.ShouldNotContain('\n');
        line.ShouldNotContain('\u001b');
        line.ShouldStartWith("stories: ");
        result.ExitCode.ShouldBe(1);
        return line;
    }
}
