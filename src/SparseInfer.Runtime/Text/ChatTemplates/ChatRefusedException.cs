namespace SparseInfer;

/// <summary>
/// A chat template refused a conversation by <c>raise_exception</c>: roles that do not alternate, a system message where the model knows
/// none. The conversation is at fault, not the template; a server answers 400. The message is the template's own text.
/// </summary>
/// <param name="message">What the template gave to <c>raise_exception</c>.</param>
public sealed class ChatRefusedException(string message) : Exception(message);
