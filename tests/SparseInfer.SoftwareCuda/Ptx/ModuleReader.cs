using System.Runtime.InteropServices;
using SparseInfer.SoftwareCuda.Memory;

namespace SparseInfer.SoftwareCuda.Ptx;

/// <summary>Reads a module: declarations, and functions as lists of statements.</summary>
internal sealed class ModuleReader
{
    private readonly string _text;
    private readonly Dictionary<int, string> _files = [];
    private readonly Dictionary<string, FunctionText> _functions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FunctionText> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Allocation> _variables = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Declaration> _shared = new(StringComparer.Ordinal);
    private int _place;
    private int _line = 1;
    private string? _source;

    public ModuleReader(string text)
    {
        _text = StripComments(text.TrimEnd('\0'));
    }

    public PtxModule Read()
    {
        foreach (string line in _text.Split('\n'))
        {
            string[] words = line.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 3 && words[0] == ".file" && int.TryParse(words[1], out int index))
            {
                _files[index] = Path.GetFileName(line[(line.IndexOf('"') + 1)..line.LastIndexOf('"')].Replace('\\', '/'));
            }
        }

        while (SkipBlanks())
        {
            TopLevel();
        }

        if (_entries.Count == 0)
        {
            throw new PtxException("The module has no entry.", 0);
        }

        var functions = new Dictionary<string, PtxFunction>(StringComparer.Ordinal);
        foreach (FunctionText entry in _entries.Values)
        {
            var parameters = new List<PtxParameter>();
            int offset = 0;
            foreach (Declaration parameter in entry.Parameters)
            {
                offset = (offset + parameter.Alignment - 1) / parameter.Alignment * parameter.Alignment;
                parameters.Add(new PtxParameter(parameter.Name, offset, parameter.Bytes));
                offset += parameter.Bytes;
            }

            DecodedProgram program = new FunctionDecoder(entry, parameters, _functions, _variables, _shared).Decode();
            functions.Add(entry.Name, new PtxFunction(entry.Name, parameters, entry.MaxThreads, program));
        }

        return new PtxModule(functions);
    }

    private void TopLevel()
    {
        int line = _line;
        string head = Peek(24);
        if (head.StartsWith(".version", StringComparison.Ordinal) || head.StartsWith(".target", StringComparison.Ordinal)
            || head.StartsWith(".address_size", StringComparison.Ordinal) || head.StartsWith(".file", StringComparison.Ordinal)
            || head.StartsWith(".loc ", StringComparison.Ordinal))
        {
            Take('\n');
            return;
        }

        string text = TakeUntil('{', ';', '=');
        if (text.Contains(".section", StringComparison.Ordinal))
        {
            Take('}');
            return;
        }

        if (text.Contains(".entry", StringComparison.Ordinal) || text.Contains(".func", StringComparison.Ordinal))
        {
            if (Current == ';')
            {
                Next();
                return;
            }

            Next();
            Function(text, line);
            return;
        }

        if (Current == '{' || text.Trim().Length == 0 || text.Trim()[0] != '.')
        {
            throw new PtxException($"line {line}: this is no declaration of PTX: {text.Trim()}", line);
        }

        string initial = Current == '=' ? Take(';') : "";
        if (initial.Length == 0)
        {
            Next();
        }

        if (text.TrimStart().StartsWith(".pragma", StringComparison.Ordinal))
        {
            return;
        }

        Variable(text, initial, line);
    }

    private unsafe void Variable(string text, string initial, int line)
    {
        Declaration variable = Declaration.Parse(text, line);
        if (text.Contains(".shared", StringComparison.Ordinal))
        {
            _shared[variable.Name] = variable;
            return;
        }

        // Modules are cached for the process, and so are their variables.
        byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(variable.Bytes, 1), 256);
        NativeMemory.Clear(memory, (nuint)variable.Bytes);
        int open = initial.IndexOf('{');
        string[] values = open < 0
            ? initial.Length == 0 ? [] : [initial.Trim(' ', '=', ';', '\t', '\n')]
            : initial[(open + 1)..initial.IndexOf('}')].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        int size = ElementBytes(text, line);
        if ((long)values.Length * size > variable.Bytes)
        {
            throw new PtxException($"line {line}: {variable.Name} has {variable.Bytes} bytes and {values.Length} initial values of {size}", line);
        }

        for (int v = 0; v < values.Length; v++)
        {
            ulong bits = Immediate.Parse(values[v], size == 8, line);
            Buffer.MemoryCopy(&bits, memory + (v * size), size, size);
        }

        _variables[variable.Name] = new Allocation((nint)memory, variable.Bytes, mapped: true);
    }

    private static int ElementBytes(string text, int line)
    {
        string type = text.Split([' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries).Last(word => word[0] == '.');
        return Declaration.TypeBytes(type[1..], line);
    }

    private void Function(string text, int line)
    {
        bool entry = text.Contains(".entry", StringComparison.Ordinal);
        string rest = text[(text.IndexOf(entry ? ".entry" : ".func", StringComparison.Ordinal) + (entry ? 6 : 5))..].Trim();
        IReadOnlyList<Declaration> returns = [];
        if (rest[0] == '(')
        {
            int close = rest.IndexOf(')');
            returns = Declarations(rest[1..close], line);
            rest = rest[(close + 1)..].Trim();
        }

        int paren = rest.IndexOf('(');
        string name = (paren < 0 ? rest.Split([' ', '\t', '\n'])[0] : rest[..paren]).Trim();
        int end = paren < 0 ? -1 : rest.LastIndexOf(')');
        IReadOnlyList<Declaration> parameters = paren < 0 ? [] : Declarations(rest[(paren + 1)..end], line);
        string directives = paren < 0 ? rest : rest[(end + 1)..];
        int threads = 1024;
        foreach (string limit in (string[])[".maxntid", ".reqntid"])
        {
            int at = directives.IndexOf(limit, StringComparison.Ordinal);
            if (at < 0)
            {
                continue;
            }

            threads = 1;
            foreach (string number in directives[(at + limit.Length)..].Split('.')[0].Split(',', StringSplitOptions.TrimEntries))
            {
                threads *= int.Parse(number);
            }
        }

        var function = new FunctionText(name, returns, parameters, threads, Body(), line);
        (entry ? _entries : _functions)[name] = function;
    }

    private static List<Declaration> Declarations(string text, int line) =>
        [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(part => Declaration.Parse(part, line))];

    private List<Statement> Body()
    {
        var body = new List<Statement>();
        _source = null;
        int depth = 0;
        while (true)
        {
            if (!SkipBlanks())
            {
                throw new PtxException("The module ends within a function.", _line);
            }

            int line = _line;
            if (Current == '{')
            {
                Next();
                depth++;
                body.Add(new Statement(StatementKind.Open, "{", line, _source));
            }
            else if (Current == '}')
            {
                Next();
                if (depth-- == 0)
                {
                    return body;
                }

                body.Add(new Statement(StatementKind.Close, "}", line, _source));
            }
            else if (Current == ';')
            {
                Next();
            }
            else if (Peek(4) == ".loc" && char.IsWhiteSpace(Peek(5)[^1]))
            {
                string[] words = Take('\n').Split([' ', '\t', '\r', ','], StringSplitOptions.RemoveEmptyEntries);
                _source = words.Length >= 3 && _files.TryGetValue(int.Parse(words[1]), out string? file) ? $"{file}:{words[2]}" : null;
            }
            else if (Label() is string label)
            {
                body.Add(new Statement(StatementKind.Label, label, line, _source));
            }
            else
            {
                body.Add(new Statement(StatementKind.Instruction, Take(';')[..^1].Trim(), line, _source));
            }
        }
    }

    private string? Label()
    {
        int end = _place;
        while (end < _text.Length && (char.IsAsciiLetterOrDigit(_text[end]) || _text[end] is '_' or '$' or '%'))
        {
            end++;
        }

        int colon = end;
        while (colon < _text.Length && _text[colon] is ' ' or '\t')
        {
            colon++;
        }

        if (end == _place || colon >= _text.Length || _text[colon] != ':' || (colon + 1 < _text.Length && _text[colon + 1] == ':'))
        {
            return null;
        }

        string label = _text[_place..end];
        _place = colon + 1;
        return label;
    }

    private char Current => _text[_place];

    private void Next()
    {
        if (_text[_place++] == '\n')
        {
            _line++;
        }
    }

    private bool SkipBlanks()
    {
        while (_place < _text.Length && char.IsWhiteSpace(Current))
        {
            Next();
        }

        return _place < _text.Length;
    }

    private string Peek(int characters) => _text.Substring(_place, Math.Min(characters, _text.Length - _place));

    private string TakeUntil(params ReadOnlySpan<char> ends)
    {
        int begin = _place;
        int line = _line;
        while (_place < _text.Length && !ends.Contains(Current))
        {
            Next();
        }

        if (_place == _text.Length && !ends.Contains('\n'))
        {
            throw new PtxException($"line {line}: a statement has no end: {_text[begin..Math.Min(begin + 60, _text.Length)].Trim()}", line);
        }

        return _text[begin.._place];
    }

    private string Take(char end)
    {
        int begin = _place;
        TakeUntil(end);
        if (_place < _text.Length)
        {
            Next();
        }

        return _text[begin.._place];
    }

    private static string StripComments(string text)
    {
        if (!text.Contains("//", StringComparison.Ordinal) && !text.Contains("/*", StringComparison.Ordinal))
        {
            return text;
        }

        var result = new System.Text.StringBuilder(text.Length);
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '"')
            {
                quoted = !quoted;
            }

            if (!quoted && text[i] == '/' && i + 1 < text.Length && text[i + 1] == '/')
            {
                while (i < text.Length && text[i] != '\n')
                {
                    i++;
                }

                if (i < text.Length)
                {
                    result.Append('\n');
                }
            }
            else if (!quoted && text[i] == '/' && i + 1 < text.Length && text[i + 1] == '*')
            {
                int end = text.IndexOf("*/", i + 2, StringComparison.Ordinal);
                end = end < 0 ? text.Length : end + 1;
                result.Append('\n', text.AsSpan(i, Math.Min(end, text.Length) - i).Count('\n'));
                i = end;
            }
            else
            {
                result.Append(text[i]);
            }
        }

        return result.ToString();
    }
}

/// <summary>A number as PTX writes it.</summary>
internal static class Immediate
{
    public static bool Is(string text) => text.Length > 0 && (char.IsAsciiDigit(text[0]) || (text[0] is '-' or '+' && text.Length > 1 && char.IsAsciiDigit(text[1])));

    /// <summary>Its bits. <c>0f3F800000</c> and <c>0d...</c> are bits; a decimal fraction takes the width asked for.</summary>
    public static ulong Parse(string text, bool wide, int line)
    {
        bool negative = text[0] == '-';
        string digits = text.TrimStart('-', '+').TrimEnd('U');
        ulong value;
        bool read;
        if (digits.StartsWith("0f", StringComparison.OrdinalIgnoreCase) && digits.Length == 10)
        {
            read = ulong.TryParse(digits[2..], System.Globalization.NumberStyles.HexNumber, null, out value);
            return read ? negative ? value ^ 0x80000000 : value : throw Bad(text, line);
        }

        if (digits.StartsWith("0d", StringComparison.OrdinalIgnoreCase) && digits.Length == 18)
        {
            read = ulong.TryParse(digits[2..], System.Globalization.NumberStyles.HexNumber, null, out value);
            return read ? negative ? value ^ (1UL << 63) : value : throw Bad(text, line);
        }

        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            read = ulong.TryParse(digits[2..], System.Globalization.NumberStyles.HexNumber, null, out value);
        }
        else if (digits.StartsWith("0b", StringComparison.OrdinalIgnoreCase))
        {
            read = ulong.TryParse(digits[2..], System.Globalization.NumberStyles.BinaryNumber, null, out value);
        }
        else if (digits.Contains('.'))
        {
            if (!double.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out double real))
            {
                throw Bad(text, line);
            }

            return wide ? BitConverter.DoubleToUInt64Bits(real) : BitConverter.SingleToUInt32Bits((float)real);
        }
        else
        {
            read = ulong.TryParse(digits, out value);
        }

        if (!read)
        {
            throw Bad(text, line);
        }

        return negative ? 0 - value : value;
    }

    private static PtxException Bad(string text, int line) => new($"line {line}: {text} is no number of PTX", line);
}
