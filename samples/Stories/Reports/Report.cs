using Spectre.Console;

namespace Stories.Reports;

/// <summary>Chooses the report.</summary>
internal static class Report
{
    /// <summary>Colours and progress only where a person looks at a terminal that has them.</summary>
    public static IReport For(StoryOptions options)
    {
        if (options.Quiet)
        {
            return new QuietReport();
        }

        // A terminal too narrow for the tables breaks plain lines more legibly than cells.
        IAnsiConsole console = AnsiConsole.Console;
        return Console.IsOutputRedirected || !console.Profile.Capabilities.Ansi || console.Profile.Width < RichReport.MinWidth
            ? new PlainReport(Console.Out, options)
            : new RichReport(console, options);
    }
}
