using System.Text.RegularExpressions;
using SparseInfer.Kernels.Cpu.Tests;

namespace SparseInfer.Generators.Tests.Rooms;

/// <summary>
/// A drawing of rooms in lines, joined by <c>^</c>: a room looks into those of lines above it. In a line, <c>&lt;-</c> joins rooms of which the right ones
/// look into the left ones. What stands between two arrows stands side by side: <c>A, B</c>.
/// </summary>
internal sealed class RoomDrawing
{
    /// <summary>By lines, by their stages from the left.</summary>
    private readonly string[][][] _lines;

    /// <param name="text">The drawing. What is in parentheses is for readers.</param>
    public RoomDrawing(string text) => _lines =
    [
        .. from line in Regex.Replace(text, @"\([^)]*\)", "").Split('\n')
           where line.Trim(' ', '^', '|').Length > 0
           select line.Split("<-").Select(stage => stage.Split(',', StringSplitOptions.TrimEntries)).ToArray(),
    ];

    /// <summary>The drawing of a section: its first block of code.</summary>
    public static RoomDrawing Read(string section) => new(Regex.Match(section, "\n```\n(.*?)\n```\n", RegexOptions.Singleline).Groups[1].Value);

    /// <summary>Where drawing and table differ.</summary>
    public IEnumerable<string> Faults(FolderTable table)
    {
        string[][] stages = [.. _lines.SelectMany(line => line)];
        string[] drawn = [.. stages.SelectMany(stage => stage)];
        string[] rows = [.. table.Rows.Select(row => row.Folder)];
        foreach (string room in rows.Except(drawn))
        {
            yield return $"{room} is not drawn";
        }

        foreach (string room in drawn.Except(rows).Concat(drawn.GroupBy(room => room).Where(group => group.Count() > 1).Select(group => group.Key)))
        {
            yield return $"{room} is drawn and has no row, or is drawn twice";
        }

        int StageOf(string room) => Array.FindIndex(stages, stage => stage.Contains(room));
        foreach (FolderRow row in table.Rows.Where(row => drawn.Contains(row.Folder)))
        {
            foreach (string into in row.LooksInto.Where(into => StageOf(into) >= StageOf(row.Folder)))
            {
                yield return $"{row.Folder} looks into {into}, but is not drawn behind it";
            }
        }

        IEnumerable<(IEnumerable<string> Before, IEnumerable<string> Behind)> arrows = Pairs(_lines.Select(line => line.SelectMany(stage => stage)))
            .Concat(_lines.SelectMany(line => Pairs(line)));
        foreach ((IEnumerable<string> before, IEnumerable<string> behind) in arrows)
        {
            if (!table.Rows.Any(row => behind.Contains(row.Folder) && row.LooksInto.Intersect(before).Any()))
            {
                yield return $"an arrow is drawn from {string.Join(", ", behind)} to {string.Join(", ", before)}, but none of them looks there";
            }
        }
    }

    private static IEnumerable<(IEnumerable<string> Before, IEnumerable<string> Behind)> Pairs(IEnumerable<IEnumerable<string>> stages) =>
        stages.Zip(stages.Skip(1));
}
