using SparseInfer.Serving;

namespace SparseInfer.Cli.Serve.Protocol;

/// <summary>Why an answer ended, in OpenAI's words.</summary>
internal static class FinishWords
{
    /// <summary>The word of a reason.</summary>
    public static string Of(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.ToolCalls => "tool_calls",
        _ => "length",
    };
}
