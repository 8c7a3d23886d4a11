using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>
/// Cuts a template into words as Jinja 3.1 does with <c>trim_blocks</c> and <c>lstrip_blocks</c> on and <c>keep_trailing_newline</c> off,
/// which is how the transformers library sets them.
/// </summary>
internal sealed partial class TemplateLexer
{
    private static readonly string[] Operators = ["//", "**", "==", "!=", ">=", "<="];

    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;

    /// <summary>Whether a line begins where the last tag ended.</summary>
    private bool _atLineStart = true;

    private TemplateLexer(string source) => _source = source;

    /// <summary>Line ends as Jinja sees them: all are "\n", and one at the very end is no part of the template.</summary>
    public static string Normalize(string source)
    {
        string text = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        return text.EndsWith('\n') ? text[..^1] : text;
    }

    /// <summary>The words of a normalized source, with <see cref="TemplateTokenKind.End"/> behind them.</summary>
    /// <exception cref="TemplateFault">A tag or a string does not end, or a character has no meaning.</exception>
    public static List<TemplateToken> Run(string source)
    {
        var lexer = new TemplateLexer(source);
        while (lexer.ReadData())
        {
        }

        lexer.Add(TemplateTokenKind.End, "", source.Length);
        return lexer._tokens;
    }

    /// <summary>Text up to the next tag, and that tag; false: there was none.</summary>
    private bool ReadData()
    {
        int open = _at;
        while ((open = _source.IndexOf('{', open)) >= 0 && (open + 1 >= _source.Length || _source[open + 1] is not ('{' or '%' or '#')))
        {
            open++;
        }

        if (open < 0)
        {
            AddData(_at, _source.Length);
            return false;
        }

        char kind = _source[open + 1];
        char sign = CharacterAt(open + 2);
        AddData(_at, Strip(_at, open, sign, stripsLine: kind != '{'));
        _at = open + (sign is '-' or '+' ? 3 : 2);
        switch (kind)
        {
            case '#':
                SkipComment(open);
                break;
            case '%' when RawBegin.Match(_source, _at) is { Success: true } raw:
                ReadRaw(open, raw);
                break;
            case '%':
                Add(TemplateTokenKind.BlockBegin, "{%", open);
                ReadTag(open, "%}", TemplateTokenKind.BlockEnd);
                break;
            default:
                Add(TemplateTokenKind.VariableBegin, "{{", open);
                ReadTag(open, "}}", TemplateTokenKind.VariableEnd);
                break;
        }

        return true;
    }

    /// <summary>Where text ends that stands before a tag.</summary>
    private int Strip(int start, int end, char sign, bool stripsLine)
    {
        if (sign == '-')
        {
            return start + Characters.TrimEnd(_source.AsSpan(start..end)).Length;
        }

        if (sign == '+' || !stripsLine)
        {
            return end;
        }

        int line = _source.AsSpan(start..end).LastIndexOf('\n') + 1;
        return (line > 0 || _atLineStart) && Characters.TrimStart(_source.AsSpan((start + line)..end)).Length == 0 ? start + line : end;
    }

    private void SkipComment(int open)
    {
        int close = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (close < 0)
        {
            throw new TemplateFault("a comment does not end: '#}' is missing", open);
        }

        char sign = close > _at ? _source[close - 1] : ' ';
        Close(close + 2, sign, trimsLine: true);
    }

    private void ReadRaw(int open, Match begin)
    {
        int start = begin.Index + begin.Length;
        Match end = RawEnd.Match(_source, start);
        if (!end.Success)
        {
            throw new TemplateFault("'raw' does not end: '{% endraw %}' is missing", open);
        }

        _atLineStart = begin.Value.EndsWith('\n');
        AddData(start, Strip(start, end.Index, end.Groups[1].Value.FirstOrDefault(' '), stripsLine: true));
        _at = end.Index + end.Length;
        _atLineStart = end.Value.EndsWith('\n');
    }

    private void ReadTag(int open, string close, TemplateTokenKind closeKind)
    {
        var brackets = new Stack<char>();
        bool isBlock = closeKind == TemplateTokenKind.BlockEnd;
        while (true)
        {
            while (_at < _source.Length && Characters.IsSpace(_source[_at]))
            {
                _at++;
            }

            if (_at >= _source.Length)
            {
                throw new TemplateFault($"a tag does not end: '{close}' is missing", open);
            }

            char first = _source[_at];
            bool signed = first == '-' || (first == '+' && isBlock);
            if (brackets.Count == 0 && string.CompareOrdinal(_source, _at + (signed ? 1 : 0), close, 0, close.Length) == 0)
            {
                Add(closeKind, close, _at);
                Close(_at + close.Length + (signed ? 1 : 0), signed ? first : ' ', trimsLine: isBlock);
                return;
            }

            ReadWord(first, brackets);
        }
    }

    /// <summary>Goes on behind a tag: after "-" white space falls away, else after a block one line end, unless "+" keeps it.</summary>
    private void Close(int end, char sign, bool trimsLine)
    {
        int start = end;
        if (sign == '-')
        {
            end = _source.Length - Characters.TrimStart(_source.AsSpan(end)).Length;
        }
        else if (trimsLine && sign != '+' && CharacterAt(end) == '\n')
        {
            end++;
        }

        _atLineStart = end > start && _source[end - 1] == '\n';
        _at = end;
    }

    private void ReadWord(char first, Stack<char> brackets)
    {
        int start = _at;
        if (char.IsLetter(first) || first == '_')
        {
            while (char.IsLetterOrDigit(CharacterAt(_at)) || CharacterAt(_at) == '_')
            {
                _at++;
            }

            Add(TemplateTokenKind.Name, _source[start.._at], start);
        }
        else if (char.IsAsciiDigit(first))
        {
            Match number = Number.Match(_source, start);
            bool isFloat = number.Groups["fraction"].Success && CharacterAt(start - 1) != '.';
            string text = isFloat || !number.Groups["fraction"].Success ? number.Value : number.Groups["whole"].Value;
            _at += text.Length;
            Add(isFloat ? TemplateTokenKind.Float : TemplateTokenKind.Integer, text.Replace("_", "", StringComparison.Ordinal), start);
        }
        else if (first is '\'' or '"')
        {
            ReadString(first);
        }
        else
        {
            string text = Operators.FirstOrDefault(two => string.CompareOrdinal(_source, start, two, 0, 2) == 0) ?? first.ToString();
            if (text.Length == 1 && !"+-/*%~[](){}><=.:|,".Contains(first, StringComparison.Ordinal))
            {
                throw new TemplateFault($"the character '{first}' has no meaning here", start);
            }

            Balance(first, text, brackets);
            _at += text.Length;
            Add(TemplateTokenKind.Operator, text, start);
        }
    }

    /// <summary>Inside brackets a tag does not end: "}}" closes two dictionaries there.</summary>
    private void Balance(char first, string text, Stack<char> brackets)
    {
        if (text.Length > 1)
        {
            return;
        }

        if (first is '(' or '[' or '{')
        {
            brackets.Push(first == '(' ? ')' : first == '[' ? ']' : '}');
        }
        else if (first is ')' or ']' or '}' && (!brackets.TryPop(out char wanted) || wanted != first))
        {
            throw new TemplateFault(wanted == '\0' ? $"'{first}' closes nothing" : $"'{first}' is found where '{wanted}' is missing", _at);
        }
    }

    private void ReadString(char quote)
    {
        int start = _at++;
        var text = new StringBuilder();
        while (true)
        {
            char next = CharacterAt(_at);
            if (_at >= _source.Length)
            {
                throw new TemplateFault($"a string does not end: {quote} is missing", start);
            }

            _at++;
            if (next == quote)
            {
                break;
            }

            if (next == '\\')
            {
                ReadEscape(text);
            }
            else
            {
                text.Append(next);
            }
        }

        Add(TemplateTokenKind.String, text.ToString(), start);
    }

    /// <summary>Python's escapes; a backslash before anything else is a backslash.</summary>
    private void ReadEscape(StringBuilder text)
    {
        char kind = CharacterAt(_at);
        _at++;
        switch (kind)
        {
            case '\n':
                break;
            case '\\' or '\'' or '"':
                text.Append(kind);
                break;
            case 'n':
                text.Append('\n');
                break;
            case 't':
                text.Append('\t');
                break;
            case 'r':
                text.Append('\r');
                break;
            case 'b':
                text.Append('\b');
                break;
            case 'f':
                text.Append('\f');
                break;
            case 'v':
                text.Append('\v');
                break;
            case 'a':
                text.Append('\a');
                break;
            case 'x':
                ReadCode(text, 2);
                break;
            case 'u':
                ReadCode(text, 4);
                break;
            case 'U':
                ReadCode(text, 8);
                break;
            case 'N':
                throw new TemplateFault("'\\N' in a string, a character by its name, is not supported", _at - 2);
            case >= '0' and <= '7':
                int code = 0;
                _at--;
                for (int i = 0; i < 3 && CharacterAt(_at) is >= '0' and <= '7'; i++)
                {
                    code = 8 * code + (_source[_at++] - '0');
                }

                text.Append((char)code);
                break;
            default:
                text.Append('\\');
                _at--;
                break;
        }
    }

    private void ReadCode(StringBuilder text, int digits)
    {
        if (_at + digits > _source.Length
            || !int.TryParse(_source.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            || code is < 0 or > 0x10FFFF)
        {
            throw new TemplateFault($"'\\{_source[_at - 1]}' in a string needs {digits} hexadecimal digits of a character", _at - 2);
        }

        _at += digits;
        text.Append(code > 0xFFFF ? char.ConvertFromUtf32(code) : ((char)code).ToString());
    }

    private char CharacterAt(int index) => index >= 0 && index < _source.Length ? _source[index] : '\0';

    private void Add(TemplateTokenKind kind, string text, int offset) => _tokens.Add(new TemplateToken(kind, text, offset));

    private void AddData(int start, int end)
    {
        if (end > start)
        {
            Add(TemplateTokenKind.Data, _source[start..end], start);
        }
    }

    [GeneratedRegex(@"\G\s*raw\s*(?:-%\}\s*|%\})", RegexOptions.CultureInvariant)]
    private static partial Regex RawBegin { get; }

    [GeneratedRegex(@"\{%([-+]?)\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)", RegexOptions.CultureInvariant)]
    private static partial Regex RawEnd { get; }

    [GeneratedRegex(
        @"\G(?<whole>0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*)(?<fraction>\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)?",
        RegexOptions.CultureInvariant)]
    private static partial Regex Number { get; }
}
