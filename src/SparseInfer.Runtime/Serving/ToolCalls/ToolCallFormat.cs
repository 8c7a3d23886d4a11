namespace SparseInfer.Serving;

/// <summary>How a model writes that it calls a tool. What cannot be read as a call stays text.</summary>
public enum ToolCallFormat
{
    /// <summary>No call is looked for: all is text.</summary>
    None,

    /// <summary><c>&lt;tool_call&gt;{"name": ..., "arguments": {...}}&lt;/tool_call&gt;</c>, anywhere in an answer: Hermes, Qwen 2.5 and 3.</summary>
    Tags,

    /// <summary>An answer that is <c>{"name": ..., "parameters": {...}}</c> as a whole, or several of these with semicolons between: Llama 3.1 and later.</summary>
    Json,

    /// <summary><c>[TOOL_CALLS] [{"name": ..., "arguments": {...}}, ...]</c> at the end of an answer: Mistral.</summary>
    Mistral,
}
