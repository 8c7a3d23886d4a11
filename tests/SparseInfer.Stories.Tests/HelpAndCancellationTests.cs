using System.Diagnostics;
using System.Globalization;

namespace SparseInfer.Stories.Tests;

public sealed class HelpAndCancellationTests
{
    [Fact]
    public void Help_lists_every_option_with_its_default_and_shows_examples()
    {
        ProgramResult result = StoriesProgram.Run("--help");

        result.ExitCode.ShouldBe(0);
        result.Error.ShouldBeEmpty();
        string[] options =
        [
            "--prompt <TEXT>", "--tokens <N>", "--seed <N>", "--temperature <T>", "--mode <dense|exact|predicted>", "--threads <N>",
            "--device <NAME>", "--model <FILE>", "--evaluate <N|all>", "--quiet",
        ];
        foreach (string option in options)
        {
            result.Output.ShouldContain(option);
        }

        result.Output.ShouldContain("[default: Once upon a time]");
        result.Output.ShouldContain("[default: predicted]");
        result.Output.ShouldContain("[default: 0.8]");
        result.Output.ShouldContain("Examples:");
    }

    [Fact]
    public async Task Ctrl_C_ends_the_run_with_130_and_no_error()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        // Far more than fits in the moment until the signal comes.
        using Process process = StoriesProgram.Start("--threads", "1", "--evaluate", "all");
        (await process.StandardOutput.ReadLineAsync()).ShouldNotBeNull();
        using (Process kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        ProgramResult result = StoriesProgram.Finish(process);
        result.ExitCode.ShouldBe(130);
        result.Error.ShouldBeEmpty();
        result.Output.ShouldEndWith(Environment.NewLine);
        result.Output.ShouldNotContain("Side by side");
    }
}
