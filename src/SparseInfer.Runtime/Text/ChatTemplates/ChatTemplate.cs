using System.Text.Json;
using SparseInfer.Files;
using SparseInfer.Loading;
using SparseInfer.Text.ChatTemplates;

namespace SparseInfer;

/// <summary>
/// A model's chat template: the Jinja program that writes a conversation as the text the model was trained on. Immutable: any number of
/// threads may use one. What is supported is in docs/chat-templates.md; all else is an error that names the place, never left out in
/// silence.
/// </summary>
public sealed class ChatTemplate
{
    private readonly IReadOnlyList<Statement> _body;
    private readonly string _normalized;
    private readonly IReadOnlyDictionary<string, string> _specialTokens;

    internal ChatTemplate(string source, IReadOnlyDictionary<string, string> specialTokens)
    {
        Source = source;
        _normalized = TemplateLexer.Normalize(source);
        _specialTokens = specialTokens;
        try
        {
            _body = TemplateParser.Parse(_normalized);
        }
        catch (TemplateFault fault)
        {
            throw Located(fault);
        }
    }

    /// <summary>The template as it was given.</summary>
    public string Source { get; }

    /// <summary>The text of the token that opens sequences, <c>bos_token</c> in the template; null: the variable is undefined.</summary>
    public string? BeginOfSequence => _specialTokens.GetValueOrDefault(SpecialTokenTexts.Begin);

    /// <summary>The text of the token that ends sequences, <c>eos_token</c> in the template; null: the variable is undefined.</summary>
    public string? EndOfSequence => _specialTokens.GetValueOrDefault(SpecialTokenTexts.End);

    /// <summary>Reads a template.</summary>
    /// <param name="source">Its text, as it stands in <c>chat_template.jinja</c>.</param>
    /// <param name="beginOfSequence">What <c>bos_token</c> is; null: undefined, which prints as nothing.</param>
    /// <param name="endOfSequence">What <c>eos_token</c> is; null: undefined, which prints as nothing.</param>
    /// <exception cref="ChatTemplateException">It is no template, or uses what is not supported.</exception>
    public static ChatTemplate Parse(string source, string? beginOfSequence = null, string? endOfSequence = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new ChatTemplate(source, SpecialTokenTexts.Of((SpecialTokenTexts.Begin, beginOfSequence), (SpecialTokenTexts.End, endOfSequence)));
    }

    /// <summary>Reads the template of a model or of a folder with a tokenizer; no model is loaded.</summary>
    /// <param name="path">
    /// A GGUF file, a safetensors file, a folder with one, or a folder with <c>chat_template.jinja</c> or <c>tokenizer_config.json</c>.
    /// </param>
    /// <param name="name">Which, where there are several: <c>tool_use</c>, <c>rag</c>; null: the default one.</param>
    /// <returns>The template; null: there is none of that name.</returns>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder of that name.</exception>
    /// <exception cref="ModelFormatException">A file is damaged.</exception>
    /// <exception cref="ChatTemplateException">It is no template, or uses what is not supported.</exception>
    public static ChatTemplate? Open(string path, string? name = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return ChatTemplateReader.Open(path).Find(name);
    }

    /// <summary>Writes a conversation as text for the model.</summary>
    /// <param name="turns">The messages, the oldest first.</param>
    /// <param name="options">Tools, further variables; null: the defaults, with which the model answers next.</param>
    /// <exception cref="ChatRefusedException">The template does not take such a conversation; the message is its own.</exception>
    /// <exception cref="ChatTemplateException">The template fails, or takes more than a template may.</exception>
    /// <exception cref="ArgumentException">Arguments of a tool call or parameters of a tool are no JSON, or a variable is of another type.</exception>
    public ChatPrompt Render(IReadOnlyList<ChatTurn> turns, ChatTemplateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(turns);
        options ??= new ChatTemplateOptions();
        return Render(form => ChatVariables.Of(turns, options, form), options.Clock);
    }

    /// <summary>
    /// Writes a conversation that is JSON already: an object with <c>messages</c>, and perhaps <c>tools</c>, <c>documents</c>,
    /// <c>add_generation_prompt</c> (true where it is left out) and further variables of the template.
    /// </summary>
    /// <param name="conversation">The object, as servers and data sets have it.</param>
    /// <param name="clock">What <c>strftime_now</c> reads; null: the system's clock.</param>
    /// <exception cref="ChatRefusedException">The template does not take such a conversation; the message is its own.</exception>
    /// <exception cref="ChatTemplateException">The template fails, or takes more than a template may.</exception>
    /// <exception cref="ArgumentException">It is no object with an array <c>messages</c>.</exception>
    public ChatPrompt Render(JsonElement conversation, TimeProvider? clock = null) =>
        Render(form => ChatVariables.Of(conversation, form), clock);

    /// <summary>
    /// Templates disagree about the arguments of a tool call (an object that is printed as JSON, or its text) and about a turn that says
    /// nothing (None, or an empty text). What one wants shows when it fails: then it gets the other form, if there is one.
    /// </summary>
    private ChatPrompt Render(Func<ChatForm, ChatVariables> variables, TimeProvider? clock)
    {
        ChatVariables given = variables(ChatForm.AsGiven);
        var budget = new Budget(); // of all forms together
        try
        {
            return Execute(given, clock, budget);
        }
        catch (ChatTemplateException) when (given.Forms != ChatForm.AsGiven)
        {
            foreach (ChatForm form in (ReadOnlySpan<ChatForm>)[ChatForm.ArgumentsAsText, ChatForm.EmptyContent, ChatForm.ArgumentsAsText | ChatForm.EmptyContent])
            {
                if ((form & given.Forms) == form && TryExecute(variables(form), clock, budget) is { } prompt)
                {
                    return prompt;
                }
            }

            throw; // the first error is about what most templates do
        }
    }

    private ChatPrompt? TryExecute(ChatVariables variables, TimeProvider? clock, Budget budget)
    {
        try
        {
            return Execute(variables, clock, budget);
        }
        catch (ChatTemplateException)
        {
            return null;
        }
    }

    private ChatPrompt Execute(ChatVariables variables, TimeProvider? clock, Budget budget)
    {
        budget.StartAgain();
        var scope = new Scope(null);
        foreach ((string name, string token) in _specialTokens)
        {
            scope.Set(name, new TemplateText(token));
        }

        foreach ((string name, object? value) in variables.Items)
        {
            scope.Set(name, value);
        }

        try
        {
            var rendering = new Rendering((clock ?? TimeProvider.System).GetLocalNow, budget);
            return new ChatPrompt(rendering.Capture(_body, new Scope(scope)));
        }
        catch (TemplateFault fault) when (fault.IsRaised)
        {
            throw new ChatRefusedException(fault.Message);
        }
        catch (TemplateFault fault)
        {
            throw Located(fault);
        }
    }

    private ChatTemplateException Located(TemplateFault fault)
    {
        ReadOnlySpan<char> before = _normalized.AsSpan(0, Math.Clamp(fault.Offset ?? 0, 0, _normalized.Length));
        return new ChatTemplateException(fault.Message, before.Count('\n') + 1, before.Length - before.LastIndexOf('\n'));
    }
}
