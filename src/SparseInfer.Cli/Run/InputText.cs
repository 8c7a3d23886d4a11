namespace SparseInfer.Cli.Run;

/// <summary>What comes on standard input: UTF-8, which editors and shells of Windows begin with a mark that is no part of the text.</summary>
internal static class InputText
{
    private const char ByteOrderMark = '\ufeff';

    /// <summary>The text that somebody meant.</summary>
    /// <exception cref="CliException">It is in another encoding.</exception>
    public static string Of(string text) =>
        text.Contains('\0', StringComparison.Ordinal) ? throw new CliException("standard input is no text in UTF-8: it has bytes of zero, as UTF-16 does.")
        : text.StartsWith(ByteOrderMark) ? text[1..]
        : text;
}
