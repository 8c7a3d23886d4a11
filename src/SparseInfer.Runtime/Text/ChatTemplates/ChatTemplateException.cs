namespace SparseInfer;

/// <summary>
/// A chat template cannot be read or executed: it has a fault, uses what is not supported, or takes more than a template may. The message
/// names the line, the column and the word.
/// </summary>
/// <param name="message">What is wrong, without the place: that is put in front.</param>
/// <param name="line">The line, from 1.</param>
/// <param name="column">The column, from 1.</param>
public sealed class ChatTemplateException(string message, int line, int column)
    : Exception(FormattableString.Invariant($"chat template, line {line}, column {column}: {message}"))
{
    /// <summary>The line of the template's source, from 1.</summary>
    public int Line { get; } = line;

    /// <summary>The column in UTF-16 units, from 1.</summary>
    public int Column { get; } = column;
}
