using System.Text;
using System.Text.Json;

namespace SparseInfer.Cli.Eval;

/// <summary>A multiple-choice question.</summary>
/// <param name="Line">Where it stands in its file, from 1.</param>
/// <param name="Prompt">What stands before a choice: the context, if there is one, a line end, the question.</param>
/// <param name="Choices">What may follow, after a space.</param>
/// <param name="Answer">The right one's index.</param>
internal sealed record ChoiceQuestion(int Line, string Prompt, IReadOnlyList<string> Choices, int Answer);

/// <summary>Reads questions: JSON lines with <c>question</c>, <c>choices</c>, <c>answer</c> and perhaps <c>context</c>.</summary>
internal static class ChoiceFile
{
    /// <summary>Reads all questions of a file. Empty lines, and properties that are not named above, are passed over.</summary>
    /// <exception cref="CliException">It has none, or a line is no question: the message names the line.</exception>
    public static IReadOnlyList<ChoiceQuestion> Read(string path)
    {
        var questions = new List<ChoiceQuestion>();
        int line = 0;
        try
        {
            foreach (string text in File.ReadLines(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true)))
            {
                line++;
                if (!string.IsNullOrWhiteSpace(text))
                {
                    questions.Add(Parse(text, line));
                }
            }
        }
        catch (DecoderFallbackException)
        {
            throw new CliException($"{path} is no UTF-8 text: --choices takes JSON lines.");
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            throw new CliException($"{path}, line {line}: {exception.Message}");
        }

        return questions.Count > 0 ? questions : throw new CliException($"{path} has no question: --choices takes JSON lines with question, choices and answer.");
    }

    private static ChoiceQuestion Parse(string text, int line)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("it is no JSON object.");
        }

        string question = Text(Property("question"), "question");
        string prompt = root.TryGetProperty("context", out JsonElement context) && context.ValueKind != JsonValueKind.Null
            ? $"{Text(context, "context")}\n{question}"
            : question;
        JsonElement given = Property("choices");
        if (given.ValueKind != JsonValueKind.Array || given.GetArrayLength() < 2)
        {
            throw new FormatException("'choices' is no array of two texts or more.");
        }

        string[] choices = [.. given.EnumerateArray().Select(choice => Text(choice, "choices"))];
        return new(line, prompt, choices, Answer(Property("answer"), choices));

        JsonElement Property(string name) => root.TryGetProperty(name, out JsonElement value) ? value : throw new FormatException($"it has no '{name}'.");
    }

    private static int Answer(JsonElement answer, string[] choices)
    {
        int index = answer.ValueKind switch
        {
            JsonValueKind.Number => answer.TryGetInt32(out int number) ? number : -1,
            JsonValueKind.String => Array.IndexOf(choices, Text(answer, "answer")),
            _ => -1,
        };
        return index >= 0 && index < choices.Length
            ? index
            : throw new FormatException($"'answer' is neither an index from 0 to {choices.Length - 1} nor the text of a choice.");
    }

    private static string Text(JsonElement value, string name)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String && value.GetString() is { } text && !string.IsNullOrWhiteSpace(text)
                ? text
                : throw new FormatException($"'{name}' is no text, or an empty one.");
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
            throw new FormatException($"'{name}' is no Unicode text.");
        }
    }
}
