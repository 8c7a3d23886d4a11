using System.Globalization;

namespace SparseInfer.Benchmarks;

/// <summary>Rows of docs/measured.md.</summary>
internal static class PeerTable
{
    private const string Nothing = "";

    /// <summary>The table's head.</summary>
    public static void PrintHead(TextWriter output)
    {
        output.WriteLine("| test | threads | llama.cpp | Dense | Exact | Predicted | Dense, of llama.cpp's | Predicted, of llama.cpp's |");
        output.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|");
    }

    /// <summary>A test's row: medians of tokens a second with the least and the most, and medians of the rounds' ratios with theirs.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="test">The test's name.</param>
    /// <param name="threads">How many.</param>
    /// <param name="rates">Of each peer, by name; llama.cpp's among them.</param>
    public static void PrintRow(TextWriter output, string test, int threads, IReadOnlyDictionary<string, double[]> rates)
    {
        string Rate(string name) => rates.TryGetValue(name, out double[]? values) ? Spread(values, Digits(Alternation.Median(values))) : Nothing;
        string Ratio(string name) => rates.TryGetValue(name, out double[]? values)
            ? Spread([.. values.Zip(rates["llama.cpp"], (ours, theirs) => ours / theirs)], "0.00")
            : Nothing;
        output.WriteLine(
            $"| {test} | {threads} | {Rate("llama.cpp")} | {Rate("Dense")} | {Rate("Exact")} | {Rate("Predicted")} | {Ratio("Dense")} | {Ratio("Predicted")} |");
    }

    /// <summary>The median, and in brackets the least and the most.</summary>
    public static string Spread(double[] values, string format) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Alternation.Median(values).ToString(format, CultureInfo.InvariantCulture)} ({values.Min().ToString(format, CultureInfo.InvariantCulture)} to {values.Max().ToString(format, CultureInfo.InvariantCulture)})");

    private static string Digits(double rate) => rate < 100 ? "0.0" : "0";
}
