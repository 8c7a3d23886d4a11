using SparseInfer.Text;

namespace SparseInfer.Serving;

/// <summary>Which way of writing calls a model has.</summary>
internal static class ToolCallFormats
{
    /// <summary>What a chat template shows its model.</summary>
    /// <param name="template">The template; null: there is none.</param>
    public static ToolCallFormat Of(ChatTemplate? template) => template?.Source switch
    {
        null => ToolCallFormat.None,
        { } source when source.Contains(MistralReader.Mark, StringComparison.Ordinal) => ToolCallFormat.Mistral,
        { } source when source.Contains(TagReader.Begin, StringComparison.Ordinal) => ToolCallFormat.Tags,

        // Llama 3.1 to 3.3 are told so in words.
        { } source when source.Contains("\"name\": function name, \"parameters\":", StringComparison.Ordinal) => ToolCallFormat.Json,
        _ => ToolCallFormat.None,
    };

    /// <summary>
    /// The tokens of a format's marks that are control tokens of a vocabulary: they are no text, and have to be seen all the same.
    /// </summary>
    /// <param name="format">The format.</param>
    /// <param name="tokenizer">The vocabulary.</param>
    /// <returns>Ids, and what they stand for.</returns>
    public static IReadOnlyDictionary<int, string> Marks(ToolCallFormat format, Tokenizer tokenizer)
    {
        string[] marks = format switch
        {
            ToolCallFormat.Tags => [TagReader.Begin, TagReader.End],
            ToolCallFormat.Json => [JsonReader.Mark],
            ToolCallFormat.Mistral => [MistralReader.Mark, MistralReader.IdMark, MistralReader.ArgumentsMark],
            _ => [],
        };
        return MarksOf(tokenizer, marks);
    }

    /// <summary>Those of texts that are control tokens of a vocabulary.</summary>
    /// <returns>Ids, and what they stand for.</returns>
    public static IReadOnlyDictionary<int, string> MarksOf(Tokenizer tokenizer, params ReadOnlySpan<string> marks)
    {
        var spelled = new Dictionary<int, string>();
        foreach (string mark in marks)
        {
            if (tokenizer.Encode(mark, addBeginOfSequence: false, parseControlTokens: true, continuesText: true) is [int token] && tokenizer.GetBytes(token).IsEmpty)
            {
                spelled[token] = mark;
            }
        }

        return spelled;
    }
}
