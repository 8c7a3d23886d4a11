using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace SparseInfer.Files;

/// <summary>Text that comes out of files: strict decoding, and quoting for error messages.</summary>
internal static class FileText
{
    /// <summary>What to do about a file whose bytes contradict each other.</summary>
    public const string Mend = "The file is damaged or incomplete: download or convert it again.";

    /// <summary>Longer names are cut in messages: a damaged length field must not fill the terminal.</summary>
    private const int ShownCharacters = 96;

    /// <summary>As many as any tensor of a model has; safetensors allows any number.</summary>
    private const int ShownDimensions = 8;

    /// <summary>The largest single text that is decoded. Chat templates, the longest real ones, stay under 100 KB.</summary>
    public const int MaximumTextBytes = 64 << 20;

    /// <summary>Decodes UTF-8, or fails: replacing what is invalid would make two tokens of a vocabulary equal.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? text)
    {
        text = Utf8.IsValid(utf8) ? Encoding.UTF8.GetString(utf8) : null;
        return text is not null;
    }

    /// <summary>
    /// The text in single quotes, as <see cref="Show"/> gives it. Every message and note that holds a name, key or value of a file has it
    /// from here.
    /// </summary>
    public static string Quote(string text) => $"'{Show(text)}'";

    /// <summary>
    /// The text, cut, and with everything escaped that a terminal would obey or that would not be seen: control characters, marks that
    /// turn the direction of writing, line separators, halves of surrogate pairs.
    /// </summary>
    public static string Show(string text)
    {
        if (text.Length <= ShownCharacters && IsPlain(text))
        {
            return text;
        }

        var shown = new StringBuilder();
        int read = 0;
        while (read < text.Length && shown.Length < ShownCharacters)
        {
            char c = text[read++];
            if (IsPlain(c))
            {
                shown.Append(c);
            }
            else
            {
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }
        }

        return shown.Append(read < text.Length ? "…" : "").ToString();
    }

    /// <summary>Whether a text shows as what it is: nothing in it needs escaping.</summary>
    public static bool IsPlain(string text) => text.All(IsPlain);

    /// <summary>A shape as <c>[rows, columns]</c>.</summary>
    public static string Shape(IReadOnlyCollection<long> shape)
    {
        string more = shape.Count > ShownDimensions ? $", … ({shape.Count} dimensions)" : "";
        return $"[{string.Join(", ", shape.Take(ShownDimensions))}{more}]";
    }

    private static bool IsPlain(char c) => char.GetUnicodeCategory(c) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate);
}
