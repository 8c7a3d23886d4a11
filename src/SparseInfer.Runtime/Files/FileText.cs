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
    private const int QuotedCharacters = 96;

    /// <summary>The largest single text that is decoded. Chat templates, the longest real ones, stay under 100 KB.</summary>
    public const int MaximumTextBytes = 64 << 20;

    /// <summary>Decodes UTF-8, or fails: replacing what is invalid would make two tokens of a vocabulary equal.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? text)
    {
        text = Utf8.IsValid(utf8) ? Encoding.UTF8.GetString(utf8) : null;
        return text is not null;
    }

    /// <summary>The text in single quotes, cut and with control characters escaped.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("'");
        int read = 0;
        while (read < text.Length && quoted.Length <= QuotedCharacters)
        {
            char c = text[read++];
            if (char.IsControl(c) || char.IsSurrogate(c))
                quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                quoted.Append(c);
        }

        return quoted.Append(read < text.Length ? "…'" : "'").ToString();
    }

    /// <summary>A shape as <c>[rows, columns]</c>.</summary>
    public static string Shape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
