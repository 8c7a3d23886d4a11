namespace SparseInfer.Loading;

/// <summary>Finds the name that somebody probably meant.</summary>
internal static class ClosestName
{
    /// <summary>The candidate with the fewest edits (Levenshtein), or null if all need more than a third of the name changed.</summary>
    public static string? Find(string name, IEnumerable<string> candidates)
    {
        string? closest = null;
        int fewest = (name.Length / 3) + 1;
        foreach (string candidate in candidates)
        {
            if (Math.Abs(candidate.Length - name.Length) < fewest && Distance(name, candidate) is int distance && distance < fewest)
            {
                fewest = distance;
                closest = candidate;
            }
        }

        return closest;
    }

    private static int Distance(string a, string b)
    {
        int[] previous = [.. Enumerable.Range(0, b.Length + 1)];
        int[] current = new int[b.Length + 1];
        for (int i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                current[j] = Math.Min(replace, Math.Min(previous[j], current[j - 1]) + 1);
            }

            (previous, current) = (current, previous);
        }

        return previous[b.Length];
    }
}
