using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>A row of a table of folders.</summary>
/// <param name="Folder">
/// A folder of the project, with all that is in it but for what has a row of its own. <c>.</c>: the files at the root. <c>A/*</c>: every folder in
/// <c>A</c>, each for itself: they do not look into each other.
/// </param>
/// <param name="LooksInto">Rows above it.</param>
internal sealed record FolderRow(string Folder, params string[] LooksInto)
{
    /// <summary>The folder by which a file belongs to the row; null where it does not.</summary>
    public string? Holds(string file)
    {
        string[] path = file.Split('/')[..^1];
        if (Folder == ".")
        {
            return path.Length == 0 ? Folder : null;
        }

        string[] own = Folder.Split('/');
        return path.Length >= own.Length && own.Zip(path).All(pair => pair.First is "*" || pair.First == pair.Second)
            ? string.Join('/', path[..own.Length])
            : null;
    }
}

/// <summary>Which folders of a project look into which: a table of docs/architecture.md, to be held against what the compiler binds.</summary>
internal sealed class FolderTable(IReadOnlyList<FolderRow> rows)
{
    public static readonly string Repository = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", ".."));

    public IReadOnlyList<FolderRow> Rows => rows;

    /// <summary>The section of docs/architecture.md under a heading.</summary>
    public static string Section(string heading)
    {
        string page = File.ReadAllText(Path.Combine(Repository, "docs", "architecture.md"));
        int start = page.IndexOf($"\n## {heading}\n", StringComparison.Ordinal);
        start.ShouldBeGreaterThan(0, heading);
        int end = page.IndexOf("\n## ", start + 1, StringComparison.Ordinal);
        return page[start..end];
    }

    /// <summary>Reads the rows of a section's table: folder, what lives there and what it looks into.</summary>
    public static FolderTable Read(string section) => new([
        .. from Match row in Regex.Matches(section, @"^\| `(?<folder>[\w./*]+)` \|[^|]*\|(?<into>[^|]*)\|", RegexOptions.Multiline)
           select new FolderRow(row.Groups["folder"].Value, Names(row.Groups["into"].Value)),
    ]);

    /// <summary>Files of a project and their texts, by their paths in it, with slashes.</summary>
    public static IReadOnlyList<(string File, string Text)> Sources(string project)
    {
        string folder = Path.Combine(Repository, project);
        return [
            .. from path in Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
               let file = Path.GetRelativePath(folder, path).Replace('\\', '/')
               where !file.StartsWith("bin/", StringComparison.Ordinal) && !file.StartsWith("obj/", StringComparison.Ordinal)
               select (file, File.ReadAllText(path)),
        ];
    }

    /// <summary>Files that belong to no row, and rows to which no file belongs.</summary>
    public IEnumerable<string> Unlisted(IReadOnlyList<string> files) =>
        files.Where(file => RoomOf(file) is null).Select(file => $"{file} lies in no folder of the table")
            .Concat(rows.Where(row => !files.Any(file => RoomOf(file)?.Row == row)).Select(row => $"{row.Folder} has no files"));

    /// <summary>Entries of rows that name no row above.</summary>
    public IEnumerable<string> OutOfOrder() =>
        from place in Enumerable.Range(0, rows.Count)
        let row = rows[place]
        from entry in row.LooksInto.Except(rows.Take(place).Select(above => above.Folder))
        select $"{row.Folder} names {entry}, which is no row above it";

    /// <summary>Uses of folders that a row does not name.</summary>
    public IEnumerable<string> Unnamed(IEnumerable<NameUse> uses) =>
        from arrow in Arrows(uses)
        where !arrow.From.LooksInto.Contains(arrow.To.Folder)
        select $"{arrow.Use.File}({arrow.Use.Line}) uses {arrow.Use.Name} of {arrow.To.Folder}, into which {arrow.From.Folder} does not look";

    /// <summary>Folders that a row names for nothing.</summary>
    public IEnumerable<string> Stale(IEnumerable<NameUse> uses)
    {
        HashSet<(string, string)> found = [.. Arrows(uses).Select(arrow => (arrow.From.Folder, arrow.To.Folder))];
        return from row in rows
               from to in row.LooksInto
               where !found.Contains((row.Folder, to))
               select $"{row.Folder} does not look into {to}: leave it out of its row";
    }

    /// <summary>Uses that leave their folder. Whoever names a type that is spread over several looks into the first of these.</summary>
    public IEnumerable<(NameUse Use, FolderRow From, FolderRow To)> Arrows(IEnumerable<NameUse> uses) =>
        from use in uses
        let own = RoomOf(use.File)
        let declared = use.Declarations.Select(RoomOf).OfType<(FolderRow Row, string Folder)>().ToArray()
        where own is not null && declared.Length > 0 && !declared.Contains(own.Value)
        select (use, own.Value.Row, declared.Select(room => room.Row).MinBy(rows.ToList().IndexOf)!);

    /// <summary>The innermost folder with a row that a file lies in; null: it lies in none.</summary>
    private (FolderRow Row, string Folder)? RoomOf(string file) =>
        (from row in rows
         let folder = row.Holds(file)
         where folder is not null
         orderby folder.Length descending
         select ((FolderRow, string)?)(row, folder)).FirstOrDefault();

    private static string[] Names(string cell) => [.. Regex.Matches(cell, "`([^`]+)`").Select(name => name.Groups[1].Value)];

    private static string Here([CallerFilePath] string path = "") => path;
}
