using System.Globalization;
using System.Text;
using static SparseInfer.Sampling.GrammarExpression;

namespace SparseInfer.Sampling;

/// <summary>
/// Reads regular expressions of schemas, as ECMAScript has them, into what a JSON string holds: characters, classes, groups, alternatives, repetitions, and anchors at the ends. What
/// is no regular language, or looks around, is refused.
/// </summary>
internal sealed class PatternReader
{
    private const int MaxDepth = 100;
    private const int MaxRepetition = 10_000;

    private static readonly CodePointSet Digits = CodePointSet.Of(('0', '9'));
    private static readonly CodePointSet Word = CodePointSet.Of(('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_'));
    private static readonly CodePointSet Space = CodePointSet.Of(
        (9, 13), (' ', ' '), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF));

    private static readonly CodePointSet LineEnds = CodePointSet.Of(('\n', '\n'), ('\r', '\r'), (0x2028, 0x2029));

    private readonly string _pattern;
    private readonly JsonRules _json;
    private int _at;
    private int _depth;

    private PatternReader(string pattern, JsonRules json)
    {
        _pattern = pattern;
        _json = json;
    }

    private char Current => _at < _pattern.Length ? _pattern[_at] : '\0';

    private bool IsAtEnd => _at >= _pattern.Length;

    /// <summary>Reads an expression.</summary>
    /// <returns>What a string that it matches holds between its quotes.</returns>
    /// <exception cref="FormatException">It is no expression, or one of those that are refused; the message says what.</exception>
    public static GrammarExpression Read(string pattern, JsonRules json)
    {
        var reader = new PatternReader(pattern, json);
        List<GrammarExpression> alternatives = [reader.ReadWhole()];
        while (reader.Current == '|')
        {
            reader._at++;
            alternatives.Add(reader.ReadWhole());
        }

        return reader.IsAtEnd ? Choice(alternatives) : throw reader.Wrong($"'{reader.Current}' does not belong there");
    }

    /// <summary>An alternative of the whole: without an anchor, anything may come before or behind it.</summary>
    private GrammarExpression ReadWhole()
    {
        bool begins = Current == '^';
        _at += begins ? 1 : 0;
        GrammarExpression inner = ReadSequence();
        bool ends = Current == '$';
        _at += ends ? 1 : 0;
        GrammarExpression any = Repeat(_json.Character, 0, null);
        return Sequence(begins ? Empty : any, inner, ends ? Empty : any);
    }

    private GrammarExpression ReadSequence()
    {
        List<GrammarExpression> parts = [];
        while (!IsAtEnd && Current is not ('|' or ')' or '$'))
        {
            GrammarExpression part = ReadPart();
            if (ReadCounts() is (var least, var most))
            {
                part = Repeat(part, least, most);
                _at += Current == '?' ? 1 : 0; // what is tried first does not matter here
                if (Current is '*' or '+' or '?' or '{')
                {
                    throw Wrong($"'{Current}' has nothing before it that could be repeated");
                }
            }

            parts.Add(part);
        }

        return Sequence(parts);
    }

    private GrammarExpression ReadPart()
    {
        switch (Current)
        {
            case '(':
                return ReadGroup();
            case '[':
                return InString(ReadClass());
            case '.':
                _at++;
                return InString(LineEnds.Complement());
            case '^':
                throw Wrong("'^' is supported at the beginning alone");
            case '*' or '+' or '?':
                throw Wrong($"'{Current}' has nothing before it that could be repeated");
            case '\\':
                return InString(ReadEscape(inClass: false));
            default:
                return InString(ReadPlain());
        }
    }

    private GrammarExpression ReadGroup()
    {
        if (++_depth > MaxDepth)
        {
            throw Wrong($"groups are nested more than {MaxDepth} deep");
        }

        _at++;
        if (Current == '?')
        {
            _at++;
            if (Current != ':')
            {
                throw Wrong("of groups with '(?', '(?:' alone is supported");
            }

            _at++;
        }

        List<GrammarExpression> alternatives = [ReadSequence()];
        while (Current == '|')
        {
            _at++;
            alternatives.Add(ReadSequence());
        }

        if (Current == '$')
        {
            throw Wrong("'$' is supported at the end alone");
        }

        if (Current != ')' || IsAtEnd)
        {
            throw Wrong("a group is not closed");
        }

        _at++;
        _depth--;
        return Choice(alternatives);
    }

    private (int Least, int? Most)? ReadCounts()
    {
        switch (Current)
        {
            case '*':
                _at++;
                return (0, null);
            case '+':
                _at++;
                return (1, null);
            case '?':
                _at++;
                return (0, 1);
            case '{':
                int end = _pattern.IndexOf('}', _at);
                string[] counts = end < 0 ? [] : _pattern[(_at + 1)..end].Split(',');
                bool hasMost = counts.Length == 2 && counts[1].Length > 0;
                if (counts.Length is not (1 or 2) || !TryCount(counts[0], out int least) || (!TryCount(hasMost ? counts[1] : "0", out int most)) || (hasMost && most < least))
                {
                    throw Wrong($"a repetition is {{m}}, {{m,}} or {{m,n}}, with numbers up to {MaxRepetition}");
                }

                _at = end + 1;
                return (least, counts.Length == 1 ? least : hasMost ? most : null);
            default:
                return null;
        }
    }

    private static bool TryCount(string text, out int count) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count <= MaxRepetition;

    private CodePointSet ReadClass()
    {
        _at++;
        bool isNegated = Current == '^';
        _at += isNegated ? 1 : 0;
        List<(int First, int Last)> ranges = [];
        while (Current != ']')
        {
            if (IsAtEnd)
            {
                throw Wrong("a class is not closed");
            }

            CodePointSet first = ReadOfClass();
            if (Current == '-' && _at + 1 < _pattern.Length && _pattern[_at + 1] != ']')
            {
                _at++;
                CodePointSet last = ReadOfClass();
                if (first.Ranges is not [var from] || last.Ranges is not [var to] || from.First != from.Last || to.First != to.Last || from.First > to.First)
                {
                    throw Wrong("a range goes from a character to a later one");
                }

                first = CodePointSet.Of((from.First, to.First));
            }

            ranges.AddRange(first.Ranges);
        }

        _at++;
        CodePointSet set = CodePointSet.Of(ranges);
        return isNegated ? set.Complement() : set;
    }

    private CodePointSet ReadOfClass() => Current == '\\' ? ReadEscape(inClass: true) : ReadPlain();

    private CodePointSet ReadPlain()
    {
        Rune rune = Rune.TryGetRuneAt(_pattern, _at, out Rune found) ? found : throw Wrong("half of a surrogate pair is no character");
        _at += rune.Utf16SequenceLength;
        return CodePointSet.Of((rune.Value, rune.Value));
    }

    private CodePointSet ReadEscape(bool inClass)
    {
        int start = _at++;
        char escape = Current;
        _at++;
        switch (escape)
        {
            case 'd':
                return Digits;
            case 'D':
                return Digits.Complement();
            case 'w':
                return Word;
            case 'W':
                return Word.Complement();
            case 's':
                return Space;
            case 'S':
                return Space.Complement();
            case 'n':
                return One('\n');
            case 'r':
                return One('\r');
            case 't':
                return One('\t');
            case 'f':
                return One('\f');
            case 'v':
                return One('\v');
            case 'b' when inClass:
                return One('\b');
            case '0' when !char.IsAsciiDigit(Current):
                return One('\0');
            case 'x':
                return ReadHexadecimal(2, start);
            case 'u':
                return ReadHexadecimal(4, start);
            case var c when c is not '\0' && !char.IsAsciiLetterOrDigit(c) && !char.IsSurrogate(c):
                return One(c);
            default:
                _at = start;
                throw Wrong($"'\\{escape}' is not supported");
        }
    }

    private CodePointSet ReadHexadecimal(int digits, int start)
    {
        if (_at + digits <= _pattern.Length && uint.TryParse(_pattern.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value) && Rune.IsValid(value))
        {
            _at += digits;
            return CodePointSet.Of(((int)value, (int)value));
        }

        _at = start;
        throw Wrong($"'\\{_pattern[start + 1]}' takes {digits} hexadecimal digits that are a character's");
    }

    private static CodePointSet One(char character) => CodePointSet.Of((character, character));

    /// <summary>A character of a set as a JSON string holds it: as it is, or escaped where it has to be.</summary>
    private GrammarExpression InString(CodePointSet set)
    {
        List<GrammarExpression> ways = [];
        CodePointSet plain = set.Except(_json.Plain.Complement());
        if (plain.Ranges.Count > 0)
        {
            ways.Add(Class(plain));
        }

        foreach ((int first, int last) in set.Except(_json.Plain).Ranges)
        {
            for (int character = first; character <= last; character++)
            {
                ways.Add(Literal(character switch
                {
                    '"' => "\\\"",
                    '\\' => "\\\\",
                    '\b' => "\\b",
                    '\f' => "\\f",
                    '\n' => "\\n",
                    '\r' => "\\r",
                    '\t' => "\\t",
                    _ => string.Create(CultureInfo.InvariantCulture, $"\\u{character:x4}"),
                }));
            }
        }

        return Choice(ways);
    }

    private FormatException Wrong(string what) => new(string.Create(CultureInfo.InvariantCulture, $"at character {Math.Min(_at, _pattern.Length) + 1}, {what}"));
}
