using System.Globalization;
using System.Text;

namespace SparseInfer.Sampling;

/// <summary>
/// Reads a grammar in llama.cpp's form, GBNF: <c>name ::= "text" [a-z] (group | other)* "x"{2,3} .</c>, a rule a line; a line goes on inside
/// parentheses, after <c>::=</c> and after <c>|</c>. <c>#</c> begins a comment.
/// </summary>
internal sealed class GbnfReader
{
    private const int MaxDepth = 200;
    private const int MaxRepetition = 100_000;

    private readonly string _text;
    private readonly GrammarRules _rules = new();
    private readonly Dictionary<string, int> _named = [];

    /// <summary>Where lines begin.</summary>
    private readonly List<int> _lines = [0];
    private int _at;
    private int _depth;

    private GbnfReader(string text)
    {
        _text = text;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\n')
            {
                _lines.Add(i + 1);
            }
        }
    }

    private char Current => _at < _text.Length ? _text[_at] : '\0';

    private bool IsAtEnd => _at >= _text.Length;

    /// <summary>Reads a grammar.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="root">The rule that it begins with.</param>
    /// <returns>The rules, and the root's index.</returns>
    /// <exception cref="GrammarException">It is not written as it should be; the message has line and column.</exception>
    public static (GrammarRules Rules, int Root) Read(string text, string root)
    {
        var reader = new GbnfReader(text);
        reader.SkipSpace(lines: true);
        while (!reader.IsAtEnd)
        {
            reader.ReadRule();
        }

        for (int i = 0; i < reader._rules.Count; i++)
        {
            GrammarRule rule = reader._rules[i];
            if (rule.Body is null)
            {
                throw new GrammarException($"There is no rule '{rule.Name}': write {rule.Name} ::= ..., or mend the name.", rule.Line, rule.Column);
            }
        }

        return reader._named.TryGetValue(root, out int index)
            ? (reader._rules, index)
            : throw new GrammarException($"There is no rule '{root}', which a grammar begins with: write {root} ::= ... .");
    }

    private void ReadRule()
    {
        int start = _at;
        string name = ReadName();
        SkipSpace(lines: false);
        if (!_text.AsSpan(_at).StartsWith("::="))
        {
            throw Wrong($"'::=' is missing after the name '{name}'");
        }

        _at += 3;
        SkipSpace(lines: true);
        int rule = RuleOf(name, start);
        if (_rules[rule].Body is not null)
        {
            throw Wrong($"There are two rules '{name}': give one of them another name", start);
        }

        _rules[rule].Body = ReadChoice(nested: false);
        if (!IsAtEnd && Current is not ('\r' or '\n'))
        {
            throw Wrong($"'{Shown()}' does not go on a rule");
        }

        SkipSpace(lines: true);
    }

    private GrammarExpression ReadChoice(bool nested)
    {
        List<GrammarExpression> alternatives = [ReadSequence(nested)];
        while (Current == '|')
        {
            _at++;
            SkipSpace(lines: true);
            alternatives.Add(ReadSequence(nested));
        }

        return GrammarExpression.Choice(alternatives);
    }

    private GrammarExpression ReadSequence(bool nested)
    {
        List<GrammarExpression> parts = [];
        while (ReadPart(nested) is { } part)
        {
            SkipSpace(nested);
            while (ReadCounts(nested) is (var least, var most))
            {
                part = GrammarExpression.Repeat(part, least, most);
            }

            parts.Add(part);
        }

        return GrammarExpression.Sequence(parts);
    }

    /// <summary>What a sequence has next; null: it is at its end.</summary>
    private GrammarExpression? ReadPart(bool nested)
    {
        switch (Current)
        {
            case '"':
                return ReadLiteral();
            case '[':
                return ReadClass();
            case '.':
                _at++;
                return GrammarExpression.Class(CodePointSet.All);
            case '(':
                return ReadGroup();
            case '*' or '+' or '?' or '{':
                throw Wrong($"'{Current}' has nothing before it that could be repeated");
            case '<':
                throw Wrong("Tokens in angle brackets are not supported: write the text of the token as \"...\"");
            case var c when IsOfName(c):
                int start = _at;
                return GrammarExpression.Rule(RuleOf(ReadName(), start));
            case ')' when !nested:
                throw Wrong("')' has no '(' before it");
            default:
                return null;
        }
    }

    private GrammarExpression ReadGroup()
    {
        int start = _at++;
        if (++_depth > MaxDepth)
        {
            throw Wrong($"Groups are nested more than {MaxDepth} deep: give some of them rules of their own", start);
        }

        SkipSpace(lines: true);
        GrammarExpression group = ReadChoice(nested: true);
        if (Current != ')')
        {
            throw IsAtEnd ? Wrong("'(' is not closed", start) : Wrong($"')' is wanted, not '{Shown()}'");
        }

        _at++;
        _depth--;
        return group;
    }

    /// <summary>How often the part before may stand; null: once.</summary>
    private (int Least, int? Most)? ReadCounts(bool nested)
    {
        int start = _at;
        (int, int?)? counts;
        switch (Current)
        {
            case '*':
                counts = (0, null);
                break;
            case '+':
                counts = (1, null);
                break;
            case '?':
                counts = (0, 1);
                break;
            case '{':
                _at++;
                int least = ReadCount(nested);
                int? most = least;
                if (Current == ',')
                {
                    _at++;
                    SkipSpace(nested);
                    most = char.IsAsciiDigit(Current) ? ReadCount(nested) : null;
                }

                if (Current != '}')
                {
                    throw Wrong($"'}}' is wanted, not '{Shown()}'");
                }

                counts = most < least ? throw Wrong($"{{{least},{most}}} allows fewer than it asks for", start) : (least, most);
                break;
            default:
                return null;
        }

        _at++;
        SkipSpace(nested);
        return counts;
    }

    private int ReadCount(bool nested)
    {
        SkipSpace(nested);
        int start = _at;
        while (char.IsAsciiDigit(Current))
        {
            _at++;
        }

        if (_at == start)
        {
            throw Wrong($"A whole number is wanted, not '{Shown()}'");
        }

        if (!int.TryParse(_text.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out int count) || count > MaxRepetition)
        {
            throw Wrong($"A part can be repeated {MaxRepetition} times at most: write * or + for any number", start);
        }

        SkipSpace(nested);
        return count;
    }

    private GrammarExpression ReadLiteral()
    {
        int start = _at++;
        var text = new StringBuilder();
        while (Current != '"')
        {
            text.Append(char.ConvertFromUtf32(ReadCharacter(start, "\" is not closed")));
        }

        _at++;
        return GrammarExpression.Literal(text.ToString());
    }

    private GrammarExpression ReadClass()
    {
        int start = _at++;
        bool isNegated = Current == '^';
        if (isNegated)
        {
            _at++;
        }

        List<(int, int)> ranges = [];
        while (Current != ']' || IsAtEnd)
        {
            int from = _at;
            int first = ReadCharacter(start, "'[' is not closed");
            int last = first;
            if (Current == '-' && _at + 1 < _text.Length && _text[_at + 1] != ']')
            {
                _at++;
                last = ReadCharacter(start, "'[' is not closed");
            }

            ranges.Add(first <= last ? (first, last) : throw Wrong("The range is empty: its first character comes after its last", from));
        }

        _at++;
        if (ranges.Count == 0 && !isNegated)
        {
            throw Wrong("[] has no character: nothing could stand there", start);
        }

        CodePointSet set = CodePointSet.Of(ranges);
        return GrammarExpression.Class(isNegated ? set.Complement() : set);
    }

    /// <summary>A character of a text or class, whose escapes are <c>\n \r \t \\ \" \[ \] \xHH \uHHHH \UHHHHHHHH</c>.</summary>
    private int ReadCharacter(int start, string notClosed)
    {
        if (IsAtEnd)
        {
            throw Wrong(notClosed, start);
        }

        int at = _at;
        if (_text[_at++] != '\\')
        {
            return Rune.TryGetRuneAt(_text, at, out Rune rune)
                ? Skip(rune)
                : throw Wrong("Half of a surrogate pair is no character", at);
        }

        return Current switch
        {
            'n' => Escape('\n'),
            'r' => Escape('\r'),
            't' => Escape('\t'),
            '\\' or '"' or '[' or ']' => Escape(Current),
            'x' => ReadHexadecimal(at, 2),
            'u' => ReadHexadecimal(at, 4),
            'U' => ReadHexadecimal(at, 8),
            _ => throw Wrong(@"There is no such escape; there are \n \r \t \\ \"" \[ \] \xHH \uHHHH \UHHHHHHHH", at),
        };

        int Escape(char character)
        {
            _at++;
            return character;
        }

        int Skip(Rune rune)
        {
            _at = at + rune.Utf16SequenceLength;
            return rune.Value;
        }
    }

    private int ReadHexadecimal(int at, int digits)
    {
        _at++;
        if (_at + digits > _text.Length
            || !uint.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value)
            || !Rune.IsValid(value))
        {
            throw Wrong($"\\{_text[_at - 1]} takes {digits} hexadecimal digits that are a character's", at);
        }

        _at += digits;
        return (int)value;
    }

    private string ReadName()
    {
        int start = _at;
        while (IsOfName(Current))
        {
            _at++;
        }

        return _at > start ? _text[start.._at] : throw Wrong($"The name of a rule is wanted, not '{Shown()}'");
    }

    /// <summary>A rule by its name, there or not yet.</summary>
    private int RuleOf(string name, int at)
    {
        if (!_named.TryGetValue(name, out int rule))
        {
            (int line, int column) = PlaceOf(at);
            rule = _rules.Name(name, line, column);
            _named.Add(name, rule);
        }

        return rule;
    }

    private void SkipSpace(bool lines)
    {
        while (!IsAtEnd)
        {
            if (Current is ' ' or '\t' || (lines && Current is '\r' or '\n'))
            {
                _at++;
            }
            else if (Current == '#')
            {
                while (!IsAtEnd && Current is not ('\r' or '\n'))
                {
                    _at++;
                }
            }
            else
            {
                return;
            }
        }
    }

    private static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_';

    private string Shown() => IsAtEnd ? "the end" : Current is '\r' or '\n' ? "the end of the line"
        : Rune.TryGetRuneAt(_text, _at, out Rune rune) ? rune.ToString() : "\uFFFD";

    private GrammarException Wrong(string what) => Wrong(what, _at);

    private GrammarException Wrong(string what, int at)
    {
        (int line, int column) = PlaceOf(at);
        return new GrammarException($"{what}.", line, column);
    }

    private (int Line, int Column) PlaceOf(int at)
    {
        int line = _lines.BinarySearch(at);
        line = line < 0 ? ~line - 1 : line;
        return (line + 1, at - _lines[line] + 1);
    }
}
