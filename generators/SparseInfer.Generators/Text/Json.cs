using System.Globalization;
using System.Text;

namespace SparseInfer.Generators.Text;

/// <summary>A value of a JSON text, and the line that it begins in. A compiler's plug-in brings no library for that.</summary>
/// <param name="Line">From 1.</param>
internal abstract record Json(int Line)
{
    /// <summary>What kind of value it is, for messages.</summary>
    public abstract string Kind { get; }

    /// <summary>Reads a text.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static Json Parse(string text) => new JsonParser(text).Whole();
}

/// <param name="Members">In the order written; of two that are called alike the last counts.</param>
internal sealed record JsonObject(int Line, IReadOnlyList<KeyValuePair<string, Json>> Members) : Json(Line)
{
    public override string Kind => "an object";

    /// <summary>A member; null: there is none.</summary>
    public Json? this[string name] => Members.Where(member => member.Key == name).Select(member => member.Value).LastOrDefault();
}

internal sealed record JsonArray(int Line, IReadOnlyList<Json> Items) : Json(Line)
{
    public override string Kind => "an array";
}

internal sealed record JsonString(int Line, string Value) : Json(Line)
{
    public override string Kind => "a string";
}

/// <param name="Text">As it is written.</param>
internal sealed record JsonNumber(int Line, string Text) : Json(Line)
{
    public override string Kind => "a number";
}

/// <summary><c>true</c>, <c>false</c>, <c>null</c>.</summary>
internal sealed record JsonWord(int Line, string Text) : Json(Line)
{
    public override string Kind => Text;
}

/// <summary>A text is not what it should be.</summary>
internal sealed class JsonException(int line, string message) : System.Exception(message)
{
    /// <summary>From 1.</summary>
    public int Line => line;
}

/// <summary>Goes through a text once.</summary>
internal sealed class JsonParser(string text)
{
    /// <summary>Deeper texts are nobody's: they would only fill the stack.</summary>
    private const int MaxDepth = 64;

    private int _at;
    private int _line = 1;

    public Json Whole()
    {
        Json value = Value(0);
        SkipSpace();
        return _at == text.Length ? value : throw Wrong("nothing may follow the value");
    }

    private Json Value(int depth)
    {
        SkipSpace();
        int line = _line;
        return Peek switch
        {
            _ when depth > MaxDepth => throw Wrong("it is nested too deeply"),
            '{' => new JsonObject(line, [.. Items('}', () => Member(depth))]),
            '[' => new JsonArray(line, [.. Items(']', () => Value(depth + 1))]),
            '"' => new JsonString(line, Text()),
            '-' or (>= '0' and <= '9') => Number(line),
            _ => new[] { "true", "false", "null" }.FirstOrDefault(word => string.CompareOrdinal(text, _at, word, 0, word.Length) == 0) is { } word
                ? new JsonWord(line, Take(word.Length))
                : throw Wrong("a value is missing"),
        };
    }

    private char Peek => _at < text.Length ? text[_at] : '\0';

    private KeyValuePair<string, Json> Member(int depth)
    {
        SkipSpace();
        string name = Peek == '"' ? Text() : throw Wrong("a member's name is missing");
        SkipSpace();
        Expect(':');
        return new(name, Value(depth + 1));
    }

    private List<T> Items<T>(char end, Func<T> item)
    {
        var items = new List<T>();
        _at++;
        SkipSpace();
        if (Peek == end)
        {
            _at++;
            return items;
        }

        while (true)
        {
            items.Add(item());
            SkipSpace();
            if (Peek == end)
            {
                _at++;
                return items;
            }

            Expect(',');
        }
    }

    private string Text()
    {
        var value = new StringBuilder();
        for (_at++; Peek != '"'; _at++)
        {
            if (_at >= text.Length || Peek < ' ')
            {
                throw Wrong("a string does not end in its line");
            }

            value.Append(Peek == '\\' ? Escaped() : Peek);
        }

        _at++;
        return value.ToString();
    }

    private char Escaped()
    {
        _at++;
        switch (Peek)
        {
            case 'n':
                return '\n';
            case 't':
                return '\t';
            case 'r':
                return '\r';
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case '"' or '\\' or '/':
                return Peek;
            case 'u' when _at + 4 < text.Length
                && int.TryParse(text.Substring(_at + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code):
                _at += 4;
                return (char)code;
            default:
                throw Wrong("a string has an escape that JSON does not know");
        }
    }

    private JsonNumber Number(int line)
    {
        int start = _at;
        while (Peek is '+' or '-' or '.' or 'e' or 'E' or (>= '0' and <= '9'))
        {
            _at++;
        }

        string number = text.Substring(start, _at - start);
        return double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
            ? new(line, number)
            : throw Wrong($"'{number}' is no number");
    }

    private string Take(int count)
    {
        _at += count;
        return text.Substring(_at - count, count);
    }

    private void Expect(char c)
    {
        if (Peek != c)
        {
            throw Wrong($"'{c}' is missing");
        }

        _at++;
    }

    private void SkipSpace()
    {
        while (Peek is ' ' or '\t' or '\r' or '\n' or '\uFEFF')
        {
            _line += Peek == '\n' ? 1 : 0;
            _at++;
        }
    }

    private JsonException Wrong(string message) => new(_line, message);
}
