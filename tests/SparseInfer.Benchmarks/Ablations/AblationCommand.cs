using System.Diagnostics;
using System.Globalization;
using System.IO.Enumeration;

namespace SparseInfer.Benchmarks;

/// <summary>
/// <c>ablation [--repetitions N] [--filter PATTERN] [--list]</c>: every comparison with its variants in turns, in one process, as Markdown
/// tables.
/// </summary>
internal static class AblationCommand
{
    public const string Name = "ablation";

    private const string Usage = "usage: ablation [--repetitions N] [--filter PATTERN] [--list]";

    public static int Run(ReadOnlySpan<string> arguments)
    {
        int repetitions = 41;
        string filter = "*";
        bool list = false;
        for (int i = 0; i < arguments.Length; i++)
        {
            bool hasValue = i + 1 < arguments.Length;
            switch (arguments[i])
            {
                case "--repetitions" when hasValue
                    && int.TryParse(arguments[i + 1], CultureInfo.InvariantCulture, out repetitions) && repetitions > 0:
                    i++;
                    break;
                case "--filter" when hasValue:
                    filter = arguments[++i];
                    break;
                case "--list":
                    list = true;
                    break;
                default:
                    Console.Error.WriteLine($"'{arguments[i]}' is not understood, or its value is not.\n{Usage}");
                    return 2;
            }
        }

        var tables = AblationTable.All
            .Select(table => table with { Entries = [.. table.Entries.Where(IsAskedFor)] })
            .Where(table => table.Entries.Count > 0)
            .ToList();
        bool IsAskedFor((string Name, Func<Comparison> Build) entry) => FileSystemName.MatchesSimpleExpression(filter, entry.Name);
        if (tables.Count == 0)
        {
            Console.Error.WriteLine($"Nothing is named '{filter}': --list says what there is, and * stands for anything.");
            return 2;
        }

        foreach (AblationTable table in tables)
        {
            if (list)
            {
                table.Entries.ToList().ForEach(entry => Console.WriteLine(entry.Name));
            }
            else
            {
                Print(table, repetitions);
            }
        }

        return 0;
    }

    private static void Print(AblationTable table, int repetitions)
    {
        var stopwatch = Stopwatch.StartNew();
        Console.WriteLine($"### {table.Title}\n");
        Console.WriteLine("| comparison | variant | µs | MB | GB/s | time, of the first's | quartiles |");
        Console.WriteLine("|---|---|---:|---:|---:|---:|---:|");
        foreach ((string name, Func<Comparison> build) in table.Entries)
        {
            using Comparison comparison = build();
            foreach (AlternationResult result in Alternation.Run(comparison.Variants, repetitions))
            {
                Variant variant = result.Variant;
                string label = variant.Group.Length == 0 ? variant.Name : $"{variant.Group}: {variant.Name}";
                string speed = FormattableString.Invariant(
                    $"{result.Nanoseconds / 1e3:f1} | {variant.Bytes / 1e6:f2} | {variant.Bytes / result.Nanoseconds:f1}");
                string ratio = FormattableString.Invariant($"{result.Ratio:f3} | {result.LowRatio:f3} - {result.HighRatio:f3}");
                Console.WriteLine($"| {name} | {label} | {speed} | {ratio} |");
            }
        }

        Console.WriteLine(FormattableString.Invariant(
            $"\nOne thread; medians of {repetitions} turns of each variant; {stopwatch.Elapsed.TotalSeconds:f0} s with setting up.\n"));
    }
}
