namespace SparseInfer.Sampling;

/// <summary>A grammar that cannot be used: it is not written as GBNF is, or it asks for more than can be followed.</summary>
/// <param name="message">What is wrong, where, and what to change.</param>
/// <param name="line">The line of the grammar's text, from 1; 0: none in particular.</param>
/// <param name="column">In that line, from 1.</param>
public sealed class GrammarException(string message, int line = 0, int column = 0)
    : FormatException(line > 0 ? FormattableString.Invariant($"Line {line}, column {column}: {message}") : message)
{
    /// <summary>The line of the grammar's text, from 1; 0: none in particular.</summary>
    public int Line { get; } = line;

    /// <summary>The column in <see cref="Line"/>, in UTF-16 code units from 1; 0: none.</summary>
    public int Column { get; } = column;
}

/// <summary>A JSON schema that answers cannot be kept to.</summary>
/// <param name="message">What is wrong, and what to change.</param>
/// <param name="path">Where: a JSON pointer, <c>#/properties/age/multipleOf</c>.</param>
/// <param name="keyword">The keyword that is not supported, or has a value that it cannot have; null: none in particular.</param>
public sealed class JsonSchemaException(string message, string path, string? keyword = null)
    : FormatException($"{path}: {message}")
{
    /// <summary>Where it is: a JSON pointer, <c>#/properties/age/multipleOf</c>.</summary>
    public string Path { get; } = path;

    /// <summary>The keyword that is not supported, or has a value that it cannot have; null: none in particular.</summary>
    public string? Keyword { get; } = keyword;
}
