namespace SparseInfer.Cli.Compilation;

/// <summary>Some of a model's layers as attributes have them.</summary>
/// <param name="Layers">Ranges; null: every layer.</param>
/// <param name="Period">After how many layers they come again; 0: never.</param>
internal sealed record LayersText(string? Layers, int Period)
{
    /// <summary>The shortest way to say it; null: none of the layers.</summary>
    public static LayersText? Of(Predicate<int> belongs, int layers)
    {
        bool[] flags = [.. Enumerable.Range(0, layers).Select(layer => belongs(layer))];
        if (!flags.Contains(true))
        {
            return null;
        }

        if (!flags.Contains(false))
        {
            return new LayersText(null, 0);
        }

        // A pattern that does not come again at all is no period.
        int period = Enumerable.Range(2, Math.Max(0, (layers / 2) - 1))
            .FirstOrDefault(period => Enumerable.Range(0, layers - period).All(layer => flags[layer] == flags[layer + period]));
        return new LayersText(string.Join(", ", Ranges(period == 0 ? flags : flags[..period])), period);
    }

    private static IEnumerable<string> Ranges(bool[] flags)
    {
        for (int first = 0; first < flags.Length; first++)
        {
            int last = first;
            while (flags[first] && last + 1 < flags.Length && flags[last + 1])
            {
                last++;
            }

            if (flags[first])
            {
                yield return first == last ? FormattableString.Invariant($"{first}") : FormattableString.Invariant($"{first}..{last}");
                first = last;
            }
        }
    }
}
