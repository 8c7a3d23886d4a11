namespace SparseInfer.Generators.Text;

/// <summary>
/// Breaks lines that are too long where a person would: behind an arrow, else between the arguments of the outermost call; where that is not
/// enough, behind an assignment, and between type arguments.
/// </summary>
internal static class LineBreaker
{
    /// <summary>The longest line of generated code, indentation included.</summary>
    public const int MaxLength = 140;

    private const int Indent = 4;

    /// <summary>Breaks a line of code that starts at a column.</summary>
    public static IEnumerable<string> Code(string text, int column)
    {
        if (column + text.Length <= MaxLength)
        {
            return [text];
        }

        string code = WithoutStrings(text);
        int arrow = code.IndexOf(" => ", StringComparison.Ordinal);
        if (arrow >= 0)
        {
            return Indented(text.Substring(0, arrow + 3), Code(text.Substring(arrow + 4), column + Indent));
        }

        int open = OpeningOfCall(code);
        string[] atCall = open < 0 ? [text] : [.. AtBracket(text, open, column)];
        if (atCall.All(line => column + line.Length <= MaxLength))
        {
            return atCall;
        }

        int assignment = code.IndexOf(" = ", StringComparison.Ordinal);
        if (assignment >= 0)
        {
            IEnumerable<string> value = Code(text.Substring(assignment + 3), column + Indent);
            return Code(text.Substring(0, assignment + 2), column).Concat(value.Select(line => new string(' ', Indent) + line));
        }

        int list = OpeningOfTypeArguments(code);
        return list < 0 ? atCall : AtBracket(text, list, column);
    }

    /// <summary>Breaks prose between words.</summary>
    public static IEnumerable<string> Prose(string text, int column)
    {
        string line = "";
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && column + line.Length + 1 + word.Length > MaxLength)
            {
                yield return line;
                line = "";
            }

            line += line.Length == 0 ? word : " " + word;
        }

        yield return line;
    }

    private static IEnumerable<string> AtBracket(string text, int open, int column) =>
        Indented(text.Substring(0, open + 1), Arguments(text.Substring(open + 1), column + Indent));

    private static IEnumerable<string> Indented(string head, IEnumerable<string> rest) =>
        rest.Select(line => new string(' ', Indent) + line).Prepend(head);

    /// <summary>The first parenthesis that follows a name; others only group.</summary>
    private static int OpeningOfCall(string text)
    {
        for (int i = 1; i < text.Length; i++)
        {
            if (text[i] == '(' && (char.IsLetterOrDigit(text[i - 1]) || text[i - 1] is '_' or '>'))
            {
                return i;
            }
        }

        return -1;
    }

    private static int OpeningOfTypeArguments(string text)
    {
        for (int i = 1; i < text.Length; i++)
        {
            if (IsOpeningOfTypes(text, i))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>An angle bracket, not a comparison: nothing stands between it and the name before.</summary>
    private static bool IsOpeningOfTypes(string text, int i) => text[i] == '<' && i > 0 && char.IsLetterOrDigit(text[i - 1]);

    private static bool IsClosingOfTypes(string text, int i) =>
        text[i] == '>' && i > 0 && (char.IsLetterOrDigit(text[i - 1]) || text[i - 1] is '>' or ']' or '?');

    /// <summary>As many arguments to a line as fit; one that is too long alone is broken in turn.</summary>
    private static IEnumerable<string> Arguments(string text, int column) => Lines(text, column).SelectMany(line => Code(line, column));

    private static IEnumerable<string> Lines(string text, int column)
    {
        string line = "";
        foreach (string argument in Split(text))
        {
            if (line.Length > 0 && column + line.Length + 1 + argument.Length > MaxLength)
            {
                yield return line;
                line = "";
            }

            line += line.Length == 0 ? argument : " " + argument;
        }

        yield return line;
    }

    /// <summary>Splits behind the commas that are in no inner bracket.</summary>
    private static IEnumerable<string> Split(string text)
    {
        string code = WithoutStrings(text);
        int depth = 0;
        int start = 0;
        for (int i = 0; i < code.Length; i++)
        {
            depth += code[i] switch { '(' or '[' => 1, ')' or ']' => -1, _ => 0 };
            depth += IsOpeningOfTypes(code, i) ? 1 : IsClosingOfTypes(code, i) ? -1 : 0;
            if (code[i] == ',' && depth == 0)
            {
                yield return text.Substring(start, i + 1 - start);
                start = i + 2;
            }
        }

        yield return text.Substring(start);
    }

    /// <summary>The same length, with what string literals say blanked: nothing is broken in there.</summary>
    private static string WithoutStrings(string text)
    {
        char[] code = text.ToCharArray();
        bool inside = false;
        for (int i = 0; i < code.Length; i++)
        {
            if (code[i] == '"')
            {
                inside = !inside;
            }
            else if (inside)
            {
                if (code[i] == '\\' && i + 1 < code.Length)
                {
                    code[i++] = '"';
                }

                code[i] = '"';
            }
        }

        return new string(code);
    }
}
