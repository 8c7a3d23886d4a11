using System.Globalization;

namespace SparseInfer.Generators.Declare;

/// <summary>
/// A run of layers, both ends included. Written <c>"0..19"</c>, <c>"20.."</c>, <c>"..3"</c>, <c>"5"</c>; lists take commas.
/// </summary>
internal readonly record struct LayerRange(int First, int Last)
{
    /// <summary>Reads a policy's <c>Layers</c>.</summary>
    /// <param name="text">What the user wrote; null: every layer.</param>
    /// <param name="layers">The model's number of layers, where an open end stops.</param>
    /// <param name="ranges">In the order written; they may overlap and run past the last layer.</param>
    /// <param name="error">What is wrong with the text, as a clause; empty where nothing is.</param>
    public static bool TryParse(string? text, int layers, out IReadOnlyList<LayerRange> ranges, out string error)
    {
        if (text is null)
        {
            ranges = [new LayerRange(0, Math.Max(0, layers - 1))];
            error = "";
            return true;
        }

        var list = new List<LayerRange>();
        ranges = list;
        foreach (string item in text.Split(','))
        {
            error = Read(item.Trim(), layers, out LayerRange range);
            if (error.Length > 0)
            {
                return false;
            }

            list.Add(range);
        }

        error = "";
        return true;
    }

    /// <summary>The same list without what lies past the last layer; empty where nothing is left.</summary>
    public static string Clamp(IEnumerable<LayerRange> ranges, int layers) =>
        Join(ranges.Where(range => range.First < layers).Select(range => range with { Last = Math.Min(range.Last, layers - 1) }));

    /// <summary>As a user writes it.</summary>
    public static string Join(IEnumerable<LayerRange> ranges) => string.Join(", ", ranges);

    public bool Overlaps(LayerRange other) => First <= other.Last && other.First <= Last;

    public LayerRange Intersect(LayerRange other) => new(Math.Max(First, other.First), Math.Min(Last, other.Last));

    public override string ToString() =>
        First == Last ? First.ToString(CultureInfo.InvariantCulture) : string.Format(CultureInfo.InvariantCulture, "{0}..{1}", First, Last);

    private static string Read(string item, int layers, out LayerRange range)
    {
        range = default;
        int dots = item.IndexOf("..", StringComparison.Ordinal);
        string first = dots < 0 ? item : item.Substring(0, dots).Trim();
        string last = dots < 0 ? item : item.Substring(dots + 2).Trim();
        if (item.Length == 0)
        {
            return "it names no layer";
        }

        if (!TryNumber(first, 0, out int from))
        {
            return $"'{first}' is not a layer number";
        }

        if (!TryNumber(last, Math.Max(from, layers - 1), out int to))
        {
            return $"'{last}' is not a layer number";
        }

        range = new LayerRange(from, to);
        return from > to ? $"'{item}' ends before it starts" : "";
    }

    private static bool TryNumber(string text, int whenOpen, out int number)
    {
        number = whenOpen;
        return text.Length == 0 || int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
