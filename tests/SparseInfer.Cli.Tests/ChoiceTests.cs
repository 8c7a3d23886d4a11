using System.Text;
using System.Text.Json;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Eval;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests;

/// <summary><c>sparseinfer eval --choices</c>: files of questions, and what is answered.</summary>
public sealed class ChoiceTests : IDisposable
{
    private const string Questions = """
        {"question": "Once upon a", "choices": ["time there was a dog.", "time there was a dragon that", "banana", "x"], "answer": 0}
        {"context": "Lily had a red ball.", "question": "She lost her", "choices": ["ball", "very blue and heavy elephant"], "answer": "ball", "id": 7}
        {"question": "Tom and Lily went to the", "choices": ["the of", "park"], "answer": 1}
        {"question": "The dog was very", "choices": ["zzz qqq", "happy", "happy and wagged its tail."], "answer": "zzz qqq"}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-choices").FullName;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Of prompts that are computed once for all choices, and of choices that begin alike.</summary>
    [Fact]
    public void Accuracy_is_that_of_each_choice_computed_alone()
    {
        string path = QuestionFile(Questions);
        ToolResult result = ToolProgram.Call("eval", "-m", ToolProgram.Gguf, "--choices", path, "--alpha", "0.9", "-t", "1", "--json");
        result.ExitCode.ShouldBe(0, result.Error);
        JsonElement root = JsonDocument.Parse(result.Output).RootElement;

        root.GetProperty("questions").GetInt32().ShouldBe(4);
        JsonElement[] runs = [.. root.GetProperty("runs").EnumerateArray()];
        runs.Length.ShouldBe(2);
        SparsityMode[] modes = [SparsityMode.Dense, SparsityMode.Predicted];
        for (int i = 0; i < runs.Length; i++)
        {
            (double accuracy, double norm) = Expected(path, modes[i]);
            runs[i].GetProperty("acc").GetDouble().ShouldBe(accuracy);
            runs[i].GetProperty("acc_norm").GetDouble().ShouldBe(norm);
            runs[i].GetProperty("perplexity").ValueKind.ShouldBe(JsonValueKind.Null);
            runs[i].GetProperty("layers").GetArrayLength().ShouldBe(6);
        }

        runs[0].GetProperty("acc").GetDouble().ShouldBeInRange(0.25, 0.75);
    }

    [Theory]
    [InlineData("[1]", "it is no JSON object")]
    [InlineData("{", "line 1: ")]
    [InlineData("{\"choices\": [\"a\", \"b\"], \"answer\": 0}", "it has no 'question'")]
    [InlineData("{\"question\": \" \", \"choices\": [\"a\", \"b\"], \"answer\": 0}", "'question' is no text")]
    [InlineData("{\"question\": \"\\ud800\", \"choices\": [\"a\", \"b\"], \"answer\": 0}", "'question' is no Unicode text")]
    [InlineData("{\"question\": \"q\", \"choices\": [\"a\"], \"answer\": 0}", "'choices' is no array of two texts or more")]
    [InlineData("{\"question\": \"q\", \"choices\": [\"a\", 1], \"answer\": 0}", "'choices' is no text")]
    [InlineData("{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": 2}", "'answer' is neither an index from 0 to 1 nor the text of a choice")]
    [InlineData("{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": \"c\"}", "'answer' is neither")]
    public void A_line_that_is_no_question_is_named(string line, string reason)
    {
        string path = QuestionFile(line);
        string message = Should.Throw<CliException>(() => ChoiceFile.Read(path)).Message;
        message.ShouldStartWith($"{path}, line 1: ");
        message.ShouldContain(reason);
    }

    [Theory]
    [InlineData(new[] { -3.0, -2, -2 }, 1)]
    [InlineData(new[] { double.NaN, double.NegativeInfinity, -700 }, 2)]
    [InlineData(new[] { double.NegativeInfinity, double.NegativeInfinity }, -1)]
    [InlineData(new[] { double.NaN, double.NegativeInfinity }, -1)]
    public void A_choice_that_is_ruled_out_answers_nothing(double[] scores, int expected) => Choices.Largest(scores).ShouldBe(expected);

    private string QuestionFile(string text)
    {
        string path = Path.Combine(_folder, "questions.jsonl");
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Token by token, each choice with its prompt in a session of its own.</summary>
    private static (double Accuracy, double Norm) Expected(string path, SparsityMode mode)
    {
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        ModelDeclaration declaration = FileDeclaration.Read(file, activation: null, threshold: null, 0.9f);
        using CpuDevice device = Device.Cpu(1);
        using LanguageModel model = ModelCompiler.Compile(declaration, TestContext.Current.CancellationToken)
            .Load(ModelFile.Open(ToolProgram.Gguf), device, new LoadOptions());
        int right = 0;
        int rightNorm = 0;
        IReadOnlyList<ChoiceQuestion> questions = ChoiceFile.Read(path);
        foreach (ChoiceQuestion question in questions)
        {
            int prompt = model.Tokenizer.Encode(question.Prompt, addBeginOfSequence: true).Length;
            double[] sums = [.. question.Choices.Select(choice => Sum($"{question.Prompt} {choice}", prompt))];
            double[] norms = [.. sums.Select((sum, i) => sum / Encoding.UTF8.GetByteCount(question.Choices[i]))];
            right += Array.IndexOf(sums, sums.Max()) == question.Answer ? 1 : 0;
            rightNorm += Array.IndexOf(norms, norms.Max()) == question.Answer ? 1 : 0;
        }

        return ((double)right / questions.Count, (double)rightNorm / questions.Count);

        double Sum(string text, int from)
        {
            using Session session = model.CreateSession(new SessionOptions { Mode = mode, SparsePrompt = true });
            int[] tokens = model.Tokenizer.Encode(text, addBeginOfSequence: true);
            double sum = 0;
            for (int i = 0; i < tokens.Length - 1; i++)
            {
                double[] logits = [.. session.Forward([tokens[i]]).ToArray().Select(logit => (double)logit)];
                double most = logits.Max();
                sum += i + 1 < from ? 0 : logits[tokens[i + 1]] - most - Math.Log(logits.Sum(logit => Math.Exp(logit - most)));
            }

            return sum;
        }
    }
}
