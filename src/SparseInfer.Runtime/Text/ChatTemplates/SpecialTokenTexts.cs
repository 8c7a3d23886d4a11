namespace SparseInfer.Text.ChatTemplates;

/// <summary>The texts of special tokens, by the names of the variables that templates have for them.</summary>
internal static class SpecialTokenTexts
{
    public const string Begin = "bos_token";
    public const string End = "eos_token";
    public const string Unknown = "unk_token";
    public const string Padding = "pad_token";

    /// <summary>Those that there are.</summary>
    public static Dictionary<string, string> Of(params ReadOnlySpan<(string Name, string? Text)> tokens)
    {
        Dictionary<string, string> texts = new(StringComparer.Ordinal);
        foreach ((string name, string? text) in tokens)
        {
            if (text is not null)
            {
                texts[name] = text;
            }
        }

        return texts;
    }
}
