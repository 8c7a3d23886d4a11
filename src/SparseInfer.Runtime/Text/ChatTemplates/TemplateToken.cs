namespace SparseInfer.Text.ChatTemplates;

/// <summary>A word of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text; of a string, without quotes and escapes.</param>
/// <param name="Offset">Where it begins in the source.</param>
internal readonly record struct TemplateToken(TemplateTokenKind Kind, string Text, int Offset)
{
    public bool Is(TemplateTokenKind kind, string text) => Kind == kind && Text == text;

    /// <summary>As messages show it.</summary>
    public override string ToString() => Kind switch
    {
        TemplateTokenKind.End => "the end of the template",
        TemplateTokenKind.Data => "text",
        TemplateTokenKind.String => "a string",
        _ => $"'{Text}'",
    };
}

/// <summary>Kinds of words.</summary>
internal enum TemplateTokenKind
{
    Data,
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name,
    String,
    Integer,
    Float,
    Operator,
    End,
}
