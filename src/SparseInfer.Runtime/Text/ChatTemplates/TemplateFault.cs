namespace SparseInfer.Text.ChatTemplates;

/// <summary>What is wrong with a template, before it is known where.</summary>
internal sealed class TemplateFault(string message, int? offset = null) : Exception(message)
{
    /// <summary>Where in the source; null: nobody has said yet.</summary>
    public int? Offset { get; private set; } = offset;

    /// <summary>What raise_exception was given.</summary>
    public bool IsRaised { get; init; }

    /// <summary>Says where, unless that was said. For exception filters: always false.</summary>
    public bool Locate(int offset)
    {
        Offset ??= offset;
        return false;
    }
}
