using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace SparseInfer.Cli.Tests.Run;

/// <summary><c>sparseinfer chat</c>: answers that are those of the whole conversation, its commands, Ctrl-C, and bad input.</summary>
public sealed class ChatTests : IDisposable
{
    private const string Template = """
        {%- if messages|selectattr("role", "equalto", "system")|list|length > 1 %}{{ raise_exception("One system only") }}{% endif -%}
        {%- for message in messages %}{{ message.role }}: {{ message.content }}
        {% endfor -%}
        {%- if add_generation_prompt %}assistant:{% endif %}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-chat").FullName;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>What was computed of earlier turns is kept: the same text as of a prompt that has them all.</summary>
    [Fact]
    public void Answers_are_those_of_the_whole_conversation()
    {
        JsonElement[] answers = Answers(Talk("One day a dog came.\nWhat did it do?\n", "--json", "-n", "12", "--temp", "0", "--system-prompt", "Tell a story.", "--mode", "dense"));

        answers.Length.ShouldBe(2);
        string first = answers[0].GetProperty("text").GetString()!;
        string prompt = $"system: Tell a story.\nuser: One day a dog came.\nassistant: {first}\nuser: What did it do?\nassistant:";
        ToolResult whole = ToolProgram.Run("run", ToolProgram.Gguf, prompt, "--temp", "0", "-n", "12", "--mode", "dense");
        whole.Output.ShouldBe(prompt + answers[1].GetProperty("text").GetString() + "\n");
        int tokens = answers[1].GetProperty("report").GetProperty("prompt_tokens").GetInt32();
        tokens.ShouldBeInRange(5, 60);
    }

    [Fact]
    public void Commands_save_load_clear_and_change_the_mode()
    {
        string file = Path.Combine(_folder, "talk.json");
        ToolResult saved = Talk($"/stats\nOne day a dog came.\n/save {file}\n/mode exact\n/stats\n/clear\n/frobnicate\n/mode fast\n/save\n", "-n", "8", "--temp", "0");

        saved.ExitCode.ShouldBe(0, saved.Error);
        JsonElement[] turns = [.. JsonDocument.Parse(File.ReadAllText(file)).RootElement.EnumerateArray()];
        turns.Select(turn => turn.GetProperty("role").GetString()).ShouldBe(["user", "assistant"]);
        saved.Output.Trim().ShouldBe(turns[1].GetProperty("content").GetString()!.Trim());
        saved.Error.ShouldContain("there is no answer yet");
        saved.Error.ShouldContain("predicted mode", customMessage: "The answer's, not the next one's.");
        saved.Error.ShouldNotContain("exact mode");
        saved.Error.ShouldContain("there is no command /frobnicate");
        saved.Error.ShouldContain("/mode takes dense, exact or predicted");
        saved.Error.ShouldContain("/save takes a file");

        string[] texts = [.. Answers(Talk("One day a dog came.\nAnd then?\n", "-n", "8", "--temp", "0", "--json")).Select(answer => answer.GetProperty("text").GetString()!)];

        // The first line answers the command.
        string[] loaded = [.. Answers(Talk($"/load {file}\nAnd then?\n", "-n", "8", "--temp", "0", "--json")).Skip(1).Select(answer => answer.GetProperty("text").GetString()!)];
        loaded.ShouldBe([texts[1]]);
    }

    /// <summary>The next answer is the same whether somebody looked or not, in whatever mode that is.</summary>
    [Fact]
    public void A_report_is_of_its_answer_and_changes_nothing()
    {
        string[] options = ["-n", "40", "--temp", "0", "--policy", "SignBitPredictor(Alpha = 0.9f)", "--json"];
        JsonElement[] looked = Answers(Talk("Once upon a time\n/mode dense\n/stats\n/mode predicted\nand then\n", options));
        JsonElement[] plain = Answers(Talk("Once upon a time\nand then\n", options));

        looked.Length.ShouldBe(5);
        looked[2].GetProperty("report").GetRawText().ShouldBe(looked[0].GetProperty("report").GetRawText());
        looked[2].GetProperty("report").GetProperty("mode").GetString().ShouldBe("predicted");
        looked[2].GetProperty("report").GetProperty("bytes_of_dense").GetDouble().ShouldBeLessThan(0.95);
        looked[4].GetProperty("text").GetString().ShouldBe(plain[1].GetProperty("text").GetString());
    }

    [Fact]
    public void What_the_template_or_the_context_refuses_is_told_and_forgotten()
    {
        string file = Path.Combine(_folder, "two.json");
        File.WriteAllText(file, """[{"role": "system", "content": "a"}, {"role": "system", "content": "b"}]""");
        string wrong = Path.Combine(_folder, "wrong.json");
        File.WriteAllText(wrong, """[{"role": "tool"}]""");
        string many = string.Join(' ', Enumerable.Repeat("dog", 300));

        // With the mark that editors of Windows begin a file with; an empty line is no message.
        ToolResult result = Talk($"\ufeff/load {file}\nHello\n/load {wrong}\n/load no-such.json\n/clear\n\n{many}\nHello\n/help\n", "-n", "4", "--temp", "0", "-c", "64", "--json");

        // A line for each line: who talks never waits for nothing.
        JsonElement[] replies = Answers(result);
        replies.Select(reply => reply.EnumerateObject().First().Name).ShouldBe(["done", "error", "error", "error", "done", "error", "text", "help"]);
        replies[1].GetProperty("error").GetString()!.ShouldContain("One system only");
        replies[2].GetProperty("error").GetString()!.ShouldContain("every turn has a 'role'");
        replies[3].GetProperty("error").GetString()!.ShouldContain("/load no-such.json");
        replies[5].GetProperty("error").GetString()!.ShouldContain("/clear begins anew");
    }

    [Fact]
    public void A_message_that_a_grammar_cannot_answer_is_told_and_forgotten()
    {
        string file = Path.Combine(_folder, "none.json");
        const string Grammar = """
            root ::= a{0,200} "b"
            a ::= ("x" | "x" "x" | "x" "x" "x")*
            """;
        JsonElement[] replies = Answers(Talk($"Hello\n/save {file}\n", "-n", "30", "--temp", "0", "--grammar", Grammar, "--json"));
        replies[0].GetProperty("error").GetString()!.ShouldContain("more than 20000 ways");
        JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetArrayLength().ShouldBe(0);
    }

    /// <summary>The first Ctrl-C ends the answer and the next message is answered; the input's end ends the program.</summary>
    [Fact]
    public async Task Ctrl_C_ends_the_answer_and_not_the_program()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no 'kill' to send Ctrl-C with.");
        using Process process = ToolProgram.Start(keepsInput: true, Arguments("-n", "-1", "--temp", "1.5", "--top-k", "0", "--top-p", "1", "--min-p", "0"));
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardInput.WriteLineAsync("One day a dog came.");
        await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        char[] some = new char[4];
        (await process.StandardOutput.ReadAsync(some, TestContext.Current.CancellationToken)).ShouldBeGreaterThan(0);
        using (Process kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await process.StandardInput.WriteLineAsync("/clear");
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.ShouldBe(0, await error);
    }

    [Theory]
    [InlineData("give a model: sparseinfer chat MODEL")]
    [InlineData("has no chat template that can be used", "MODEL")]
    [InlineData("no-such.jinja", "MODEL", "--chat-template-file", "no-such.jinja")]
    [InlineData("line 1, column", "MODEL", "--chat-template-file", "BROKEN")]
    [InlineData("is one argument too many", "-m", "MODEL", "MODEL")]
    public void Bad_input_is_one_line(string message, params string[] args)
    {
        string broken = Path.Combine(_folder, "broken.jinja");
        File.WriteAllText(broken, "{% frob %}");

        ToolResult result = ToolProgram.Run(["chat", .. args.Select(arg => arg == "MODEL" ? ToolProgram.Gguf : arg == "BROKEN" ? broken : arg)]);

        result.ExitCode.ShouldBe(1);
        result.Output.ShouldBeEmpty();
        result.Error.TrimEnd().Split('\n').Last().ShouldContain(message);
    }

    private ToolResult Talk(string input, params string[] options)
    {
        using Process process = ToolProgram.Start(keepsInput: true, Arguments(options));
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        return ToolProgram.Finish(process);
    }

    private string[] Arguments(params string[] options)
    {
        string template = Path.Combine(_folder, "template.jinja");
        File.WriteAllText(template, Template);
        return ["chat", ToolProgram.Gguf, "--chat-template-file", template, .. options];
    }

    private static JsonElement[] Answers(ToolResult result)
    {
        result.ExitCode.ShouldBe(0, result.Error);
        return [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }
}
