namespace Stories.Reports;

/// <summary>A table before anybody decided how it looks.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="Columns">The columns.</param>
/// <param name="Rows">Cells, as many a row as there are columns.</param>
internal sealed record Grid(string Title, GridColumn[] Columns, GridCell[][] Rows)
{
    /// <summary>Each column's width, without the space between two.</summary>
    /// <param name="barWidth">The width of a full bar.</param>
    public int[] Widths(int barWidth) =>
    [
        .. Columns.Select((column, i) => Math.Max(
            Math.Max(column.Width, column.Header.Length),
            column.Bar == GridBar.None ? Rows.Max(row => row[i].Text.Length) : GridCell.FigureWidth + 1 + barWidth)),
    ];

    /// <summary>The space between two columns: two characters where there is room, else one.</summary>
    public static int Gap(int[] widths, int available) => widths.Sum() + (2 * (widths.Length - 1)) <= available ? 2 : 1;

    /// <summary>All contenders, a row each; the first is what the others are compared with.</summary>
    public static Grid Comparison(IReadOnlyList<Measurement> measurements)
    {
        Measurement dense = measurements[0];
        return new Grid(
            "Side by side",
            [
                new("mode", IsText: true), new("tokens/s"), new("perplexity"), new("change"), new("KiB"),
                new("of dense", Bar: GridBar.Bytes),
            ],
            [
                .. measurements.Select(it => new GridCell[]
                {
                    new(it.Contender.Name),
                    new(double.IsNaN(it.TokensPerSecond) ? "-" : $"{it.TokensPerSecond:0}"),
                    new($"{it.Perplexity:0.0000}"),
                    new(Wording.Change(it.Perplexity, dense.Perplexity)),
                    new(Wording.Kibibytes(it.BytesPerToken)),
                    GridCell.Share(it.BytesPerToken / dense.BytesPerToken),
                }),
            ]);
    }

    /// <summary>One contender, layer by layer.</summary>
    public static Grid OfLayers(Measurement measurement, Measurement dense) => new(
        measurement.Contender.Name,
        [
            new("layer"), new("policy", IsText: true, Width: 13),
            new("inactive", Bar: GridBar.Actual), new("predicted", Bar: GridBar.Predicted), new("precision"), new("recall"), new("KiB", Width: 5), new("of dense", Bar: GridBar.Bytes),
        ],
        [
            .. measurement.Layers.Select((layer, i) => new GridCell[]
            {
                new($"{layer.Layer}"),
                new(measurement.Contender.PolicyOf(layer.Layer)),
                GridCell.Share(layer.ActualSparsity),
                GridCell.Share(double.IsNaN(layer.Precision) ? double.NaN : layer.PredictedSparsity),
                new(Wording.Percent(layer.Precision)),
                new(Wording.Percent(layer.Recall)),
                new(Wording.Kibibytes(layer.BytesPerToken)),
                GridCell.Share(layer.BytesPerToken / dense.Layers[i].BytesPerToken),
            }),
        ]);
}

/// <param name="Header">What it says on top.</param>
/// <param name="IsText">Whether its cells are words, not numbers.</param>
/// <param name="Bar">What its bars stand for, if it has any.</param>
/// <param name="Width">The least width, so that tables of one kind are alike.</param>
internal sealed record GridColumn(string Header, bool IsText = false, GridBar Bar = GridBar.None, int Width = 0)
{
    /// <summary>Numbers end at the right; words and bars begin at the left.</summary>
    public bool IsAtLeft => IsText || Bar != GridBar.None;
}

/// <param name="Text">What it says.</param>
/// <param name="Bar">From 0 to 1 where there is a bar.</param>
internal readonly record struct GridCell(string Text, double? Bar = null)
{
    /// <summary>The width of a share's figures.</summary>
    public const int FigureWidth = 5;

    /// <summary>A share, in figures and as a bar.</summary>
    public static GridCell Share(double share) => new(Wording.Percent(share).PadLeft(FigureWidth), double.IsNaN(share) ? 0 : share);
}

/// <summary>What a bar shows.</summary>
internal enum GridBar
{
    None,
    Actual,
    Predicted,
    Bytes,
}
