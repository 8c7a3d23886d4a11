using System.Text.Json;

namespace SparseInfer.Stories.Tests;

public sealed class QuietTests
{
    [Fact]
    public void Quiet_greedy_text_is_the_golden_one_and_a_line_end()
    {
        ProgramResult result = StoriesProgram.Run(
            "--quiet", "--temperature", "0", "--mode", "dense", "--tokens", "100", "--prompt", "Once upon a time");

        result.Error.ShouldBeEmpty();
        result.ExitCode.ShouldBe(0);
        result.Output.ShouldEndWith("\n");
        string text = result.Output[..^1];
        text.Length.ShouldBeGreaterThan(200);
        Golden(0).ShouldStartWith(text);
    }

    [Fact]
    public void One_seed_writes_one_story_on_any_number_of_threads()
    {
        string one = StoriesProgram.Run("--quiet", "--seed", "7", "--tokens", "40", "--threads", "1").Output;
        string two = StoriesProgram.Run("--quiet", "--seed", "7", "--tokens", "40", "--threads", "2").Output;
        string other = StoriesProgram.Run("--quiet", "--seed", "8", "--tokens", "40", "--threads", "1").Output;

        one.ShouldStartWith("Once upon a time");
        two.ShouldBe(one);
        other.ShouldNotBe(one);
    }

    [Theory]
    [InlineData("@nobody is a file")]
    [InlineData("--- he said")]
    [InlineData("Zoé 🐉")]
    public void A_prompt_comes_out_as_it_went_in(string prompt)
    {
        ProgramResult result = StoriesProgram.Run("--quiet", "--threads", "1", "--tokens", "3", "--prompt", prompt);

        result.Error.ShouldBeEmpty();
        result.Output.ShouldStartWith(prompt);
    }

    [Fact]
    public void Another_file_with_the_same_weights_writes_the_same_story()
    {
        string copy = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.gguf");
        File.Copy(StoriesProgram.Gguf, copy);
        try
        {
            string[] args = ["--quiet", "--threads", "1", "--temperature", "0", "--tokens", "10"];
            StoriesProgram.Run([.. args, "--model", copy]).ShouldBe(StoriesProgram.Run(args));
        }
        finally
        {
            File.Delete(copy);
        }
    }

    private static string Golden(int index)
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(StoriesProgram.Models, "golden.json")));
        return golden.RootElement.GetProperty("cases")[index].GetProperty("greedy_text").GetString()!;
    }
}
