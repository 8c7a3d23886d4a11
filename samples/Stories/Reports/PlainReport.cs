using SparseInfer;

namespace Stories.Reports;

/// <summary>Lines of text for files and pipes: no escape codes, no progress, no line of a table longer than 80 characters.</summary>
internal sealed class PlainReport(TextWriter output, StoryOptions options) : IReport
{
    private const int Width = 80;
    private const int BarWidth = 5;

    public Task<T> WithProgressAsync<T>(string title, Func<Action<double>, Task<T>> work) => work(_ => { });

    public void Introduce(LanguageModel model)
    {
        output.WriteLine(Wording.Introduction(model));
        output.WriteLine();
    }

    public void BeginStory(string prompt) => output.Write(prompt);

    public void Write(string piece) => output.Write(piece);

    public void EndStory(GenerationReport? generation)
    {
        output.WriteLine();
        output.WriteLine();
        if (generation is not null)
        {
            output.WriteLine(Wording.Ending(options, generation));
        }
    }

    public void Compare(IReadOnlyList<Measurement> measurements, HeldOutText text)
    {
        Write(Grid.Comparison(measurements));
        foreach (Measurement measurement in measurements)
        {
            Write(Grid.OfLayers(measurement, measurements[0]));
        }

        output.WriteLine();
        output.WriteLine(Wording.Method(text));
        output.WriteLine(Wording.Caution);
    }

    private void Write(Grid grid)
    {
        int[] widths = grid.Widths(BarWidth);
        string gap = new(' ', Grid.Gap(widths, Width));
        output.WriteLine();
        output.WriteLine(grid.Title);
        WriteLine(grid.Columns.Select(column => column.Header));
        foreach (GridCell[] row in grid.Rows)
        {
            WriteLine(row.Select(cell => cell.Bar is { } bar ? $"{cell.Text} {Bar.Of(bar, BarWidth)}" : cell.Text));
        }

        void WriteLine(IEnumerable<string> cells)
        {
            IEnumerable<string> padded = cells.Select((cell, i) =>
                grid.Columns[i].IsAtLeft ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]));
            output.WriteLine(string.Join(gap, padded).TrimEnd());
        }
    }
}
