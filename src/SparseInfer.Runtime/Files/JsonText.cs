using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace SparseInfer.Files;

/// <summary>What the readers of JSON share.</summary>
internal static class JsonText
{
    /// <summary>Deep enough for any real file; the reader's own stack is not used up by a hostile one.</summary>
    public static JsonReaderOptions Options => new() { MaxDepth = 16 };

    /// <summary>The text of a string or property name. The reader lets lone surrogates and invalid UTF-8 pass; they give false.</summary>
    public static bool TryRead(ref Utf8JsonReader reader, [NotNullWhen(true)] out string? text)
    {
        try
        {
            text = reader.GetString();
            return text is not null;
        }
        catch (InvalidOperationException)
        {
            text = null;
            return false;
        }
    }

    /// <summary>The file's bytes without a byte order mark, if they are few enough to be JSON.</summary>
    public static ReadOnlySpan<byte> Whole(FileRegion region, int maximumBytes)
    {
        if (region.Length > maximumBytes)
        {
            throw new ModelFormatException(
                region.Path, $"this JSON file has {region.Length} bytes; at most {maximumBytes} are read. {FileText.Mend}");
        }

        var bytes = region.Span(0, (int)region.Length);
        return bytes.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;
    }
}
