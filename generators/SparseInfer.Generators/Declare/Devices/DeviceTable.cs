namespace SparseInfer.Generators.Declare;

/// <summary>The GPUs that plans and the model of cost know. Figures are the vendors'; nothing here was measured.</summary>
internal static class DeviceTable
{
    /// <summary>Shared memory that a group may use without asking the driver for more, on every architecture.</summary>
    public const int MaxSharedBytes = 48 * 1024;

    /// <summary>What a plan is made for where no target is declared: a mid-size device. Any GPU runs the result.</summary>
    public static readonly DeviceTarget Default = new("default", "sm_80", 32, 100, 1536, 1500, 400, 16, Integrated: false);

    public static readonly IReadOnlyList<DeviceTarget> All =
    [
        Default,
        new("xavier-nx-8", "sm_72", 6, 96, 2048, 1100, 59.7, 8, Integrated: true),
        new("xavier-nx-16", "sm_72", 6, 96, 2048, 1100, 59.7, 16, Integrated: true),
        new("xavier-agx-32", "sm_72", 8, 96, 2048, 1377, 136.5, 32, Integrated: true),
        new("xavier-agx-64", "sm_72", 8, 96, 2048, 1377, 136.5, 64, Integrated: true),
        new("orin-nano-4", "sm_87", 4, 164, 1536, 625, 34, 4, Integrated: true),
        new("orin-nano-8", "sm_87", 8, 164, 1536, 625, 68, 8, Integrated: true),
        new("orin-nx-8", "sm_87", 8, 164, 1536, 765, 102.4, 8, Integrated: true),
        new("orin-nx-16", "sm_87", 8, 164, 1536, 918, 102.4, 16, Integrated: true),
        new("orin-agx-32", "sm_87", 14, 164, 1536, 930, 204.8, 32, Integrated: true),
        new("orin-agx-64", "sm_87", 16, 164, 1536, 1300, 204.8, 64, Integrated: true),
        new("thor-agx-128", "sm_110", 20, 228, 1536, 1575, 273, 128, Integrated: true),
        new("rtx-3060", "sm_86", 28, 100, 1536, 1777, 360, 12, Integrated: false),
        new("rtx-3090", "sm_86", 82, 100, 1536, 1695, 936, 24, Integrated: false),
        new("rtx-4070", "sm_89", 46, 100, 1536, 2475, 504, 12, Integrated: false),
        new("rtx-4090", "sm_89", 128, 100, 1536, 2520, 1008, 24, Integrated: false),
        new("rtx-5070", "sm_120", 48, 100, 1536, 2512, 672, 12, Integrated: false),
        new("rtx-5090", "sm_120", 170, 100, 1536, 2407, 1792, 32, Integrated: false),
        new("a100-40", "sm_80", 108, 164, 2048, 1410, 1555, 40, Integrated: false),
        new("a100-80", "sm_80", 108, 164, 2048, 1410, 2039, 80, Integrated: false),
        new("h100-80", "sm_90", 132, 228, 2048, 1755, 3350, 80, Integrated: false),
    ];

    /// <summary>Architectures that stand for a device each, in the table's order.</summary>
    public static IEnumerable<string> Architectures => Real.Select(target => target.Architecture).Distinct();

    /// <summary>Everything that <see cref="Find"/> finds.</summary>
    public static IEnumerable<string> Names => All.Select(target => target.Name).Concat(Architectures);

    private static IEnumerable<DeviceTarget> Real => All.Where(target => target != Default);

    /// <summary>
    /// A device by its name, or the widest of an architecture, with the most memory: a plan for it leaves no multiprocessor of the others
    /// idle either, and what does not fit it fits none. Null: there is none.
    /// </summary>
    public static DeviceTarget? Find(string name) =>
        All.FirstOrDefault(target => target.Name == name)
        ?? Real.Where(target => target.Architecture == name)
            .OrderByDescending(target => target.Multiprocessors)
            .ThenByDescending(target => target.MemoryGigabytes)
            .FirstOrDefault();

    /// <summary>
    /// The device or architecture that was probably meant: whose name takes the fewest edits to write, by the table's order where several do.
    /// Null where even that takes more than a third of the letters, unless what was written is a part of the name.
    /// </summary>
    public static string? Nearest(string name) => Names
        .Select(candidate => (Name: candidate, Edits: Edits(name, candidate)))
        .Where(candidate => candidate.Edits <= name.Length / 3 || IsPart(name, candidate.Name))
        .OrderBy(candidate => candidate.Edits)
        .Select(candidate => candidate.Name)
        .FirstOrDefault();

    /// <summary>Three letters at least: fewer are a part of anything.</summary>
    private static bool IsPart(string part, string name) =>
        part.Length >= 3 && name.IndexOf(part, StringComparison.OrdinalIgnoreCase) >= 0;

    /// <summary>Letters to insert, delete or replace (Levenshtein), whatever their case.</summary>
    private static int Edits(string from, string to)
    {
        int[] row = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 0; i < from.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i + 1;
            for (int j = 0; j < to.Length; j++)
            {
                int replaced = diagonal + (char.ToLowerInvariant(from[i]) == char.ToLowerInvariant(to[j]) ? 0 : 1);
                diagonal = row[j + 1];
                row[j + 1] = Math.Min(replaced, Math.Min(row[j], diagonal) + 1);
            }
        }

        return row[to.Length];
    }
}
