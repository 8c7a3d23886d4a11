namespace SparseInfer.Text;

/// <summary>When a text is tokenized as if a space preceded it.</summary>
internal enum PrefixSpace
{
    /// <summary>Never.</summary>
    Never,

    /// <summary>Where a text begins.</summary>
    AtStart,

    /// <summary>Where a text begins, and after a token that was cut out of it.</summary>
    Always,
}

/// <summary>Where a part of a text stands.</summary>
internal enum Place
{
    /// <summary>At the start of the text.</summary>
    Start,

    /// <summary>Behind a token that was cut out.</summary>
    AfterToken,

    /// <summary>Behind other text.</summary>
    Continued,
}

/// <summary>What is done to a text before it is cut into words: what <c>tokenizer.json</c> calls a normalizer, and spaces put in front.</summary>
internal sealed record TextPreparation
{
    private const char EscapedSpace = '\u2581';

    /// <summary>Whether characters are composed (Unicode's NFC).</summary>
    public bool Compose { get; init; }

    /// <summary>Whether spaces count as U+2581.</summary>
    public bool EscapeSpaces { get; init; }

    /// <summary>Whether a space comes in front.</summary>
    public PrefixSpace Prefix { get; init; }

    /// <summary>Whether none comes in front of a text that begins with one.</summary>
    public bool PrefixOnlyWhereNone { get; init; }

    /// <summary>The text to cut; valid UTF-16.</summary>
    public ReadOnlySpan<char> Prepare(ReadOnlySpan<char> text, Place place)
    {
        bool wanted = Prefix switch
        {
            PrefixSpace.Always => place != Place.Continued,
            PrefixSpace.AtStart => place == Place.Start,
            _ => false,
        };
        int prefix = wanted && !(PrefixOnlyWhereNone && text is [' ', ..]) ? 1 : 0;
        char[] prepared = new char[text.Length + prefix];
        prepared.AsSpan(0, prefix).Fill(' ');
        text.CopyTo(prepared.AsSpan(prefix));
        LoneSurrogates.Replace(prepared);
        if (Compose)
        {
            prepared = CanonicalComposition.Compose(prepared);
        }

        if (EscapeSpaces)
        {
            prepared.AsSpan().Replace(' ', EscapedSpace);
        }

        return prepared;
    }
}
