namespace SparseInfer.Cli.Tests;

/// <summary>Command lines that no command can do anything with: one line that names what is wrong, and no model is opened.</summary>
public sealed class UsageTests
{
    [Theory]
    [InlineData("give a command. There are: bench, ")]
    [InlineData("there is no command runn; is run meant? There are: bench, ", "runn", "model.gguf")]
    [InlineData("there is no option --jsom; is --json meant?", "run", "model.gguf", "--jsom")]
    [InlineData("there is no option --no-display-prompt.", "run", "-m", "model.gguf", "--no-display-prompt")]
    [InlineData("there is no option -n2", "run", "model.gguf", "text", "-n2")]
    [InlineData("there is no option --tempp; is --temp meant?", "chat", "--tempp=1", "model.gguf")]
    [InlineData("there is no option --foo", "new", "model.gguf", "--foo")]
    [InlineData("there is no option --foo", "declare", "--foo")]
    [InlineData("there is no option --hots; is --host meant?", "serve", "model.gguf", "--hots", "::1")]
    [InlineData("there is no option --reps", "bench", "--reps", "3")]
    [InlineData("the model's path is empty", "run", "", "text")]
    [InlineData("the model's path is empty", "chat", "")]
    [InlineData("the model's path is empty", "declare", "")]
    [InlineData("the model's path is empty", "serve", "")]
    [InlineData("the project's folder is empty", "new", "model.gguf", "")]
    public async Task A_wrong_command_line_is_told(string message, params string[] args)
    {
        (int exitCode, string error) = await RunAsync(args);

        exitCode.ShouldBe(1);
        error.ShouldStartWith($"sparseinfer: {message}");
        error.TrimEnd().ShouldNotContain('\n');
    }

    /// <summary>All come as far as the model, which is not there.</summary>
    [Theory]
    [InlineData("--", "no-such.gguf", "--jsom")]
    [InlineData("no-such.gguf", "-p", "--jsom")]
    [InlineData("no-such.gguf", "- a list", "-n", "-1")]
    public async Task What_begins_with_a_dash_and_is_meant_is_taken(params string[] args) =>
        (await RunAsync(["run", .. args])).Error.ShouldStartWith("sparseinfer: There is no model at no-such.gguf");

    private static async Task<(int ExitCode, string Error)> RunAsync(string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int exitCode = await CommandLine.RunAsync(args, output, error);
        output.ToString().ShouldBeEmpty();
        return (exitCode, error.ToString());
    }
}
