using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;

namespace SparseInfer.Files;

/// <summary>What the readers of JSON share.</summary>
internal static class JsonText
{
    private static ReadOnlySpan<byte> NaN => "NaN"u8;

    private static ReadOnlySpan<byte> Infinity => "Infinity"u8;

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

    /// <summary>Whether all strings and names of a JSON text are Unicode: reading one that is not throws, long after the text was parsed.</summary>
    /// <param name="json">The text, at most 64 objects and arrays deep.</param>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static bool IsUnicode(ReadOnlySpan<byte> json)
    {
        // What is written as it is, is right where the bytes are; only an escape can be half a surrogate pair.
        bool isUnicode = Utf8.IsValid(json);
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            isUnicode = isUnicode && (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName) || !reader.ValueIsEscaped || TryRead(ref reader, out _));
        }

        return isUnicode;
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

    /// <summary>
    /// The same text with a zero and spaces for each <c>NaN</c> and <c>Infinity</c>, so that everything keeps its place; null where there
    /// is none. They are no JSON, but Python writes them.
    /// </summary>
    public static byte[]? WithoutNonFinite(ReadOnlySpan<byte> json)
    {
        if (json.IndexOf(NaN) < 0 && json.IndexOf(Infinity) < 0)
        {
            return null;
        }

        byte[] finite = json.ToArray();
        bool inText = false;
        for (int i = 0; i < json.Length; i++)
        {
            if (inText && json[i] == (byte)'\\')
            {
                i++;
            }
            else if (json[i] == (byte)'"')
            {
                inText = !inText;
            }
            else if (!inText && NonFiniteLength(json, i) is > 0 and int length)
            {
                finite.AsSpan(i, length).Fill((byte)' ');
                finite[i] = (byte)'0';
                i += length - 1;
            }
        }

        return finite;
    }

    /// <summary>The number that the original text has where <see cref="WithoutNonFinite"/> has put a zero; null for any other number.</summary>
    public static double? NonFiniteAt(ReadOnlySpan<byte> number) => number switch
    {
        [(byte)'N', ..] => double.NaN,
        [(byte)'I', ..] => double.PositiveInfinity,
        [(byte)'-', (byte)'I', ..] => double.NegativeInfinity,
        _ => null,
    };

    /// <summary>Length of a number without a value in digits, if one stands here between what may stand around a number; else 0.</summary>
    private static int NonFiniteLength(ReadOnlySpan<byte> json, int start)
    {
        int length = json[start..].StartsWith(NaN) ? NaN.Length : json[start..].StartsWith(Infinity) ? Infinity.Length : 0;
        if (length == 0)
        {
            return 0;
        }

        int before = start - 1;
        if (length == Infinity.Length && before >= 0 && json[before] == (byte)'-')
        {
            before--;
        }

        int after = start + length;
        bool apart = before >= 0 && ":[, \t\r\n"u8.Contains(json[before]) && (after == json.Length || ",]} \t\r\n"u8.Contains(json[after]));
        return apart ? length : 0;
    }
}
