using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Stories.Reports;

/// <summary>Writes text that comes in pieces, and breaks lines between words: a word is held back until its end is known.</summary>
internal sealed class WordWrapper(IAnsiConsole console)
{
    private readonly StringBuilder _word = new();
    private int _column;

    /// <summary>Adds a piece.</summary>
    public void Append(string piece, Style? style = null)
    {
        foreach (char c in piece)
        {
            if (char.IsWhiteSpace(c))
            {
                Flush(style);
                if (c == '\n')
                {
                    EndLine();
                }
                else
                {
                    Space();
                }
            }
            else
            {
                // A model may write any byte; a terminal must not obey it.
                _word.Append(char.IsControl(c) ? '\uFFFD' : c);
            }
        }
    }

    /// <summary>Writes the word held back.</summary>
    public void Flush(Style? style = null)
    {
        if (_word.Length == 0)
        {
            return;
        }

        string word = _word.ToString();
        _word.Clear();
        int width = new Segment(word).CellCount();
        if (_column > 0 && _column + width > Width)
        {
            EndLine();
        }

        console.Write(new Text(word, style));
        _column = (_column + width) % Width;
    }

    /// <summary>Ends the line.</summary>
    public void EndLine()
    {
        console.WriteLine();
        _column = 0;
    }

    private int Width => console.Profile.Width;

    private void Space()
    {
        // Not at a line's end, where the next word would begin after it on a new line anyway.
        if (_column + 1 < Width)
        {
            console.Write(" ");
            _column++;
        }
    }
}
