namespace SparseInfer.Text.ChatTemplates;

/// <summary>In which form a conversation is given to a template.</summary>
[Flags]
internal enum ChatForm
{
    /// <summary>As it is: arguments of tool calls as objects, no content as None.</summary>
    AsGiven = 0,

    /// <summary>Arguments of tool calls as JSON text.</summary>
    ArgumentsAsText = 1,

    /// <summary>No content as an empty text.</summary>
    EmptyContent = 2,
}
