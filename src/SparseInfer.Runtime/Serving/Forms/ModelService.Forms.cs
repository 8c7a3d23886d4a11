namespace SparseInfer.Serving;

/// <summary>Answers of a given form.</summary>
public sealed partial class ModelService
{
    /// <summary>How the model writes calls of tools.</summary>
    internal ToolCallFormat CallFormat => _toolCalls;

    /// <summary>The form that an answer has to have.</summary>
    /// <exception cref="NotSupportedException">A call is required, and nobody knows how the model writes one; or there is no chat template.</exception>
    /// <exception cref="ArgumentException">The tool that is required is not there.</exception>
    /// <exception cref="FormatException">A tool's schema cannot be kept to.</exception>
    internal AnswerForm FormOf(ServiceRequest request)
    {
        if (request is not ChatRequest chat || !AnswerGrammar.IsAsked(chat, _toolCalls))
        {
            return new(request.Options.Grammar, Thinking.None);
        }

        Thinking thinking = ThinkingOf(chat);
        return new(AnswerGrammar.Of(chat, _toolCalls, thinking), thinking);
    }

    /// <summary>Whether the model thinks first, by what the prompt ends with and the template knows.</summary>
    private Thinking ThinkingOf(ChatRequest chat)
    {
        ReadOnlySpan<char> prompt = Render(chat).Text.AsSpan().TrimEnd();
        return prompt.EndsWith(ThoughtReader.Begin) ? Thinking.Does
            : ChatTemplate!.Source.Contains(ThoughtReader.End, StringComparison.Ordinal) && !prompt.EndsWith(ThoughtReader.End) ? Thinking.May
            : Thinking.None;
    }

    private AnswerReader ReaderOf(ServiceRequest request, AnswerForm form)
    {
        var calls = AnswerReader.Of(ReadsCalls(request) ? _toolCalls : ToolCallFormat.None);
        return form.Thinking == Thinking.None ? calls : new ThoughtReader(calls, form.Thinking);
    }

    /// <summary>Control tokens that show in an answer's text.</summary>
    private IReadOnlyDictionary<int, string> SpelledIn(ServiceRequest request, AnswerForm form)
    {
        IReadOnlyDictionary<int, string> calls = ReadsCalls(request) ? _marks : new Dictionary<int, string>();
        return form.Thinking == Thinking.None
            ? calls
            : calls.Concat(ToolCallFormats.MarksOf(Model.Tokenizer, ThoughtReader.Begin, ThoughtReader.End)).ToDictionary();
    }

    private static bool ReadsCalls(ServiceRequest request) => request is ChatRequest { Tools.Count: > 0 };
}
