using System.Text;

namespace SparseInfer.Generators.Text;

/// <summary>Writes indented text with <c>\n</c> line ends, whatever the machine. Lines that are too long are broken.</summary>
internal sealed class CodeWriter
{
    private readonly StringBuilder _text = new();
    private int _depth;

    private int Column => _depth * 4;

    /// <summary>Writes one line, or, without an argument, an empty one.</summary>
    public void Line(string text = "")
    {
        if (Column + text.Length <= LineBreaker.MaxLength || text.StartsWith("//", StringComparison.Ordinal))
        {
            Append(text);
            return;
        }

        foreach (string line in LineBreaker.Code(text, Column))
        {
            Append(line);
        }
    }

    private void Append(string line)
    {
        if (line.Length > 0)
        {
            _text.Append(' ', Column).Append(line);
        }

        _text.Append('\n');
    }

    /// <summary>Writes a documentation comment: on one line, or where that is too long on several.</summary>
    /// <param name="xml">What it says, as XML.</param>
    public void Summary(string xml)
    {
        string line = $"/// <summary>{xml}</summary>";
        if (Column + line.Length <= LineBreaker.MaxLength)
        {
            Line(line);
            return;
        }

        Line("/// <summary>");
        foreach (string part in LineBreaker.Prose(xml, Column + 4))
        {
            Line("/// " + part);
        }

        Line("/// </summary>");
    }

    /// <summary>Writes several lines, each at the current depth.</summary>
    public void Lines(string text)
    {
        foreach (string line in text.Replace("\r", "").Split('\n'))
        {
            Line(line);
        }
    }

    /// <summary>Writes <paramref name="header"/> and an opening brace; the closing one comes when the result is disposed.</summary>
    public Scope Block(string header, string start = "{", string end = "}")
    {
        Lines(header);
        Line(start);
        _depth++;
        return new Scope(this, end);
    }

    /// <summary>Indents until the result is disposed.</summary>
    public Scope Indent()
    {
        _depth++;
        return new Scope(this, null);
    }

    public override string ToString() => _text.ToString();

    internal readonly struct Scope(CodeWriter writer, string? end) : IDisposable
    {
        public void Dispose()
        {
            writer._depth--;
            if (end is not null)
            {
                writer.Line(end);
            }
        }
    }
}
