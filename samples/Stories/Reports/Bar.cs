namespace Stories.Reports;

/// <summary>A bar of block characters, exact to an eighth of a cell.</summary>
internal static class Bar
{
    private const string Eighths = " ▏▎▍▌▋▊▉";

    /// <summary>A bar, padded to its full width.</summary>
    /// <param name="share">From 0 to 1; more is drawn full.</param>
    /// <param name="width">The width of 1, in characters.</param>
    public static string Of(double share, int width)
    {
        int eighths = (int)Math.Round(Math.Clamp(share, 0, 1) * width * 8);
        string bar = new('█', eighths / 8);
        return (eighths % 8 == 0 ? bar : bar + Eighths[eighths % 8]).PadRight(width);
    }
}
