using System.Globalization;
using SparseInfer.Cli.Serve.Http;
using SparseInfer.Sampling;
using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve;

/// <summary>What clients are told of what goes wrong.</summary>
internal static class Faults
{
    private static readonly TimeSpan SoonEnough = TimeSpan.FromSeconds(5);

    /// <summary>An error that clients understand; null: it is a fault of ours, or of a device.</summary>
    /// <param name="exception">What went wrong.</param>
    /// <param name="isChat">Whether a conversation was to be answered.</param>
    public static ApiException? Of(Exception exception, bool isChat) => exception switch
    {
        ApiException error => error,
        ServiceBusyException busy => ApiException.Busy(
            string.Create(CultureInfo.InvariantCulture, $"The server is busy: as many answers run and wait as it takes. Try again in {busy.RetryAfter.TotalSeconds:0} s."), busy.RetryAfter),
        ServiceStoppedException => ApiException.Stopping(),
        PromptTooLongException prompt => TooLong(prompt, isChat),
        TextTooLongException text => ApiException.Invalid(
            $"This model's maximum context length is {text.Context} tokens, however you requested {text.Tokens} tokens ({text.Tokens} in your prompt; 0 for the completion). Please reduce your prompt; or completion length.",
            text.Index > 0 ? $"input[{text.Index}]" : "input", "context_length_exceeded"),
        ChatRefusedException or ChatTemplateException => ApiException.Invalid(exception.Message, "messages"),
        InsufficientMemoryException or InsufficientDeviceMemoryException => ApiException.Unavailable($"There is not enough memory: {exception.Message}", SoonEnough),
        GrammarException => ApiException.Invalid(exception.Message, code: "invalid_grammar"),
        ArgumentException argument => ApiException.Invalid(WithoutName(argument)),
        _ => null,
    };

    /// <summary>There is no template, so that there are no conversations.</summary>
    public static ApiException NoTemplate(string model) => ApiException.Invalid(
        $"The model `{model}` has no chat template that can be used, so it cannot answer conversations. Use /v1/completions, or start the server with --chat-template-file FILE.",
        "messages", "no_chat_template");

    /// <summary>A call has to be made, and nobody knows how.</summary>
    public static ApiException NoCalls() => ApiException.Invalid(
        "Unsupported value: 'tool_choice' does not support a call that has to be made with this model: its chat template does not show how it writes one. Only 'auto' and 'none' are supported.",
        "tool_choice", "unsupported_value");

    private static ApiException TooLong(PromptTooLongException prompt, bool isChat) => isChat
        ? ApiException.Invalid(
            $"This model's maximum context length is {prompt.Context} tokens. However, your messages resulted in {prompt.PromptTokens} tokens. Please reduce the length of the messages.",
            "messages", "context_length_exceeded")
        : ApiException.Invalid(
            $"This model's maximum context length is {prompt.Context} tokens, however your prompt has {prompt.PromptTokens} tokens. Please reduce your prompt.", "prompt", "context_length_exceeded");

    /// <summary>An argument's name is one of a program's, which clients do not know.</summary>
    private static string WithoutName(ArgumentException exception) =>
        exception.ParamName is { } name ? exception.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal).Split('\n')[0].TrimEnd() : exception.Message;
}
