using SparseInfer;
using Spectre.Console;

namespace Stories.Reports;

/// <summary>For a terminal: the story word by word, a progress bar, tables with coloured bars.</summary>
internal sealed class RichReport(IAnsiConsole console, StoryOptions options) : IReport
{
    /// <summary>What the layers' table, the wider one, needs beside its three columns of bars.</summary>
    private const int WidthWithoutBars = 63;

    private const int MinBarWidth = 3;
    private const int MaxBarWidth = 12;

    /// <summary>Narrower terminals cannot show the tables.</summary>
    public const int MinWidth = WidthWithoutBars + (3 * MinBarWidth);

    private static readonly Style Quiet = new(foreground: Color.Grey);
    private static readonly Style Bold = new(decoration: Decoration.Bold);

    private readonly WordWrapper _story = new(console);

    private int BarWidth => Math.Clamp((console.Profile.Width - WidthWithoutBars) / 3, MinBarWidth, MaxBarWidth);

    public Task<T> WithProgressAsync<T>(string title, Func<Action<double>, Task<T>> work) => console
        .Progress()
        .AutoClear(true)
        .HideCompleted(true)
        .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
        .StartAsync(context =>
        {
            ProgressTask task = context.AddTask(title, maxValue: 1);
            return work(done => task.Value = done);
        });

    public void Introduce(LanguageModel model)
    {
        console.Write(new Text(Wording.Introduction(model), Quiet));
        console.WriteLine();
        console.WriteLine();
    }

    public void BeginStory(string prompt)
    {
        _story.Append(prompt, Bold);
        _story.Flush(Bold);
    }

    public void Write(string piece) => _story.Append(piece);

    public void EndStory(GenerationReport? generation)
    {
        _story.Flush();
        console.WriteLine();
        console.WriteLine();
        if (generation is not null)
        {
            console.Write(new Text(Wording.Ending(options, generation), Quiet));
            console.WriteLine();
        }
    }

    public void Compare(IReadOnlyList<Measurement> measurements, HeldOutText text)
    {
        Write(Grid.Comparison(measurements));
        foreach (Measurement measurement in measurements)
        {
            Write(Grid.OfLayers(measurement, measurements[0]));
        }

        console.WriteLine();
        console.Write(new Text(Wording.Method(text), Quiet));
        console.WriteLine();
        console.Write(new Text(Wording.Caution, new Style(Color.Yellow)));
        console.WriteLine();
    }

    private void Write(Grid grid)
    {
        int[] widths = grid.Widths(BarWidth);
        int gap = Grid.Gap(widths, console.Profile.Width);
        var table = new Table().NoBorder();
        for (int i = 0; i < widths.Length; i++)
        {
            GridColumn column = grid.Columns[i];
            table.AddColumn(new TableColumn(new Text(column.Header, Quiet))
            {
                Alignment = column.IsAtLeft ? Justify.Left : Justify.Right,
                NoWrap = true,
                Padding = new Padding(0, 0, i < widths.Length - 1 ? gap : 0, 0),
                Width = widths[i],
            });
        }

        foreach (GridCell[] row in grid.Rows)
        {
            table.AddRow(row.Select((cell, i) => Render(cell, grid.Columns[i].Bar)));
        }

        console.WriteLine();
        console.Write(new Rule($"[bold]{Markup.Escape(grid.Title)}[/]") { Justification = Justify.Left, Style = Quiet });
        console.Write(table);
    }

    private Paragraph Render(GridCell cell, GridBar bar)
    {
        if (cell.Bar is not { } share)
        {
            return new Paragraph(cell.Text);
        }

        Color colour = bar switch
        {
            GridBar.Actual => Color.Green,
            GridBar.Predicted => Color.Aqua,
            _ => Color.Orange1,
        };
        return new Paragraph(cell.Text + " ").Append(Bar.Of(share, BarWidth), new Style(colour));
    }
}
