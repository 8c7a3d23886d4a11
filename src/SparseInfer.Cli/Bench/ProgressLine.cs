using SparseInfer.Cli.Run;

namespace SparseInfer.Cli.Bench;

/// <summary>What goes on, on standard error: one line that changes, or where that is no terminal a line for each new thing.</summary>
internal sealed class ProgressLine(TextWriter error, bool isTerminal) : IDisposable
{
    private string _stage = "";
    private string _shown = "";

    /// <summary>On a command's standard error, whatever that is.</summary>
    public static ProgressLine On(TextWriter error) => new(error, isTerminal: error == Console.Error && !Console.IsErrorRedirected);

    /// <summary>Says what is being done now.</summary>
    /// <param name="stage">What: a line of its own where lines cannot change.</param>
    /// <param name="share">How much of it is done.</param>
    public void Show(string stage, double? share = null)
    {
        if (!isTerminal)
        {
            if (stage != _stage)
            {
                error.WriteLine(stage);
            }

            _stage = stage;
            return;
        }

        string line = share is { } done ? $"{stage} {Math.Floor(done * 100)}%" : stage;
        if (line != _shown)
        {
            error.Write("\r" + line.PadRight(_shown.Length));
            _shown = line;
        }
    }

    /// <summary>Says something that stays.</summary>
    public void Note(string line)
    {
        Clear();
        error.WriteLine(line);
    }

    /// <summary>Says what loading found that a careful reader may want to know.</summary>
    public void Notes(LoadReport report)
    {
        foreach (string note in report.Notes)
        {
            Note($"note: {TerminalText.Of(note)}");
        }
    }

    public void Dispose() => Clear();

    private void Clear()
    {
        if (_shown.Length > 0)
        {
            error.Write("\r" + new string(' ', _shown.Length) + "\r");
            _shown = "";
        }
    }
}
