namespace SparseInfer.Cli.Run;

/// <summary>A model's text on a terminal: what a terminal would obey is shown as what it is.</summary>
internal static class TerminalText
{
    /// <summary>Control characters but for line ends and tabs become their pictures.</summary>
    public static string Of(string text) => text.All(IsPlain) ? text : string.Concat(text.Select(c => IsPlain(c) ? c : Picture(c)));

    private static bool IsPlain(char c) => !char.IsControl(c) || c is '\n' or '\t' or '\r';

    // Pictures of control characters stand in their order from U+2400 on; those from U+0080 have none.
    private static char Picture(char c) => c < ' ' ? (char)('␀' + c) : c == '\u007f' ? '␡' : '\ufffd';
}
