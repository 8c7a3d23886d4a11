using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;

namespace SparseInfer.Cli.Tests;

/// <summary>What <c>--policy</c> takes, and what it says of anything else.</summary>
public sealed class PolicyTextTests
{
    [Theory]
    [InlineData("ExactSparsity", "ExactSparsity")]
    [InlineData(" SignBitPredictor( Alpha=1.2f ) ", "SignBitPredictor(Alpha = 1.2f)")]
    [InlineData("SignBitPredictor(Alpha = 1.2f, Layers = \"0..2\"), /* rest */ ExactSparsity(Layers=\"3..\")", "SignBitPredictor(Alpha = 1.2f, Layers = \"0..2\")", "ExactSparsity(Layers = \"3..\")")]
    [InlineData("[SignBitPredictor]\n[Other(Keep = 1)]", "SignBitPredictor", "Other(Keep = 1)")]
    public void Attributes_are_read_as_csharp_has_them(string text, params string[] attributes) => PolicyText.Parse(text).ShouldBe(attributes);

    [Theory]
    [InlineData("", 1)]
    [InlineData("SignBitPredictor(Alpha = ", 25)]
    [InlineData("SignBitPredictor(Alpha 1.2f)", 24)]
    [InlineData("SignBitPredictor Alpha", 18)]
    [InlineData("Dense] class Other; [Dense", 7)]
    [InlineData("[Dense] class Other;", 8)]
    [InlineData("[Dense", 7)]
    [InlineData("Dense // and so on", 6)]
    [InlineData("assembly: Dense", 1)]
    [InlineData("class: Dense", 1)]
    public void What_is_no_attribute_list_is_refused_with_its_place(string text, int character)
    {
        string message = Should.Throw<CliException>(() => PolicyText.Parse(text)).Message;
        message.ShouldStartWith($"--policy '{text}' is no list of attributes, at character {character}: ");
    }

    [Theory]
    [InlineData("SignBitPredictr(Alpha = 1f)", "--policy 'SignBitPredictr(Alpha = 1f)': CS0246: ", "There are: SignBitPredictor, ")]
    [InlineData("InputThreshold(Threshold = 0.1f)", "--policy 'InputThreshold(Threshold = 0.1f)': CS0246: ", "InputThreshold has: ")]
    [InlineData("SignBitPredictor(Alpha = 1.2)", "--policy 'SignBitPredictor(Alpha = 1.2)': CS0664: ", "'F' suffix")]
    [InlineData("SignBitPredictor(Alpha = 101f)", "--policy 'SignBitPredictor(Alpha = 101f)': SPI0028: ", "Alpha is 101")]
    [InlineData("SignBitPredictor, ExactSparsity", "--policy '", ": SPI")]
    public void What_does_not_compile_or_breaks_a_rule_is_named(string text, string begin, string reason)
    {
        ModelDeclaration declaration = SmallShapes.Of("llama-2-7b") with { Policies = PolicyText.Parse(text) };

        foreach (Action compile in (Action[])[() => ModelCompiler.Compile(declaration, CancellationToken.None), () => ModelCompiler.Read(declaration, CancellationToken.None)])
        {
            string message = Should.Throw<CliException>(compile).Message;
            message.ShouldStartWith(begin);
            message.ShouldContain(reason);
        }
    }

    [Fact]
    public async Task The_policies_that_are_given_are_declared()
    {
        string printed = await Print("--policy", "SignBitPredictor(Alpha=1.5f,Layers=\"0..3\"), ExactSparsity(Layers = \"4..5\")");

        printed.ShouldContain("[SignBitPredictor(Alpha = 1.5f, Layers = \"0..3\")]\n[ExactSparsity(Layers = \"4..5\")]\n[Weights");
        (await Print("--policy", "SignBitPredictor(Alpha = -1f)")).ShouldStartWith("sparseinfer: --policy 'SignBitPredictor(Alpha = -1f)': SPI");
        (await Run("bench", "-m", ToolProgram.Gguf, "--policy", "Dense", "--alpha", "1")).ShouldStartWith("sparseinfer: --alpha is short for --policy ");
        (await Run("bench", "-m", ToolProgram.Gguf, "--policy", "Dense", "--policy", "ExactSparsity")).ShouldStartWith("sparseinfer: one model is measured: give one --policy");
    }

    [Fact]
    public void Bench_measures_them_in_predicted_mode_and_says_so()
    {
        using var error = new StringWriter();
        using var progress = new ProgressLine(error, isTerminal: false);
        ModelDeclaration shape = SmallShapes.Of("tinyllama-1.1b") with { Policies = ["ExactSparsity"] };
        var options = new BenchOptions
        {
            Synthetic = new SyntheticRequest(shape, null, new ActivityTarget(0.9, 1, 1), 0),
            Prompts = [0],
            Generations = [2],
            Threads = [1],
            Repetitions = 1,
            ProbeBytes = 1 << 20,
            Modes = [SparsityMode.Predicted],
        };
        using BenchModel model = BenchModel.Prepare(options, shape, progress, TestContext.Current.CancellationToken);

        BenchRun run = new BenchRunner(options, model, progress, TestContext.Current.CancellationToken).Run().ShouldHaveSingleItem();

        run.Policy.ShouldBe("ExactSparsity");
        run.SparsityPredicted.ShouldBeNull();
        run.SparsityTrue!.Value.ShouldBe(0.9, 0.05);
    }

    private static Task<string> Print(params string[] args) => Run(["declare", ToolProgram.Gguf, .. args]);

    private static async Task<string> Run(params string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        await CommandLine.RunAsync(args, output, error);
        return output.ToString() + error;
    }
}
