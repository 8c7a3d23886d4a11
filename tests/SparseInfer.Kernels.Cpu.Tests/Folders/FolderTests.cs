using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>The kernels' folders look one way: into those above them in the table of docs/architecture.md, and into no others.</summary>
public sealed class FolderTests
{
    private static readonly string Repository = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", ".."));

    private static readonly Lazy<IReadOnlyList<(string File, string Text)>> Sources = new(Read);

    private static readonly Lazy<IReadOnlyList<NameUse>> Uses = new(() => FolderArrows.Of(Sources.Value));

    private static readonly Lazy<IReadOnlyList<(string Folder, string[] LooksInto)>> Table = new(ReadTable);

    [Fact]
    public void The_table_has_a_row_for_every_folder_and_every_source_lies_in_one()
    {
        Sources.Value.Select(source => FolderArrows.FolderOf(source.File)).Distinct()
            .ShouldBe(Table.Value.Select(row => row.Folder), ignoreOrder: true);
    }

    [Fact]
    public void A_row_names_only_folders_above_it()
    {
        for (int row = 0; row < Table.Value.Count; row++)
            Table.Value[row].LooksInto.ShouldBeSubsetOf(Table.Value.Take(row).Select(above => above.Folder), Table.Value[row].Folder);
    }

    [Fact]
    public void A_folder_looks_into_those_of_its_row_and_into_no_others()
    {
        Dictionary<string, string[]> table = Table.Value.ToDictionary(row => row.Folder, row => row.LooksInto);
        (NameUse Use, string To)[] arrows = [.. Arrows(Uses.Value, [.. table.Keys])];
        arrows.Where(arrow => !table[arrow.Use.Folder].Contains(arrow.To)).Select(arrow => Describe(arrow.Use, arrow.To)).ShouldBeEmpty();
        HashSet<(string, string)> found = [.. arrows.Select(arrow => (arrow.Use.Folder, arrow.To))];
        IEnumerable<string> stale =
            from row in table
            from to in row.Value
            where !found.Contains((row.Key, to))
            select $"{row.Key} does not look into {to}: leave it out of its row";
        stale.ShouldBeEmpty();
    }

    [Fact]
    public void A_weight_type_is_named_only_in_its_own_files()
    {
        string[] types = [.. typeof(F32).Assembly.GetTypes()
            .Where(type => type.IsValueType && type.IsAssignableTo(typeof(IWeightFormat))).Select(type => type.Name)];
        types.Length.ShouldBeGreaterThan(4);
        foreach (NameUse use in Uses.Value.Where(use => types.Contains(use.Name)))
        {
            // Whose signs are packed is a row of weights, or an input, which is F32 whatever the weights are.
            bool input = use.Name == nameof(F32) && use.File == "Sparse/Signs.cs";
            bool own = use.File == $"Formats/{use.Name}.cs" || use.File == $"Arithmetic/{use.Name}.Arithmetic.cs"
                || use.File.StartsWith($"Arithmetic/{use.Name}/", StringComparison.Ordinal);
            (own || input).ShouldBeTrue($"{use.File}({use.Line}) names {use.Name}: what differs from type to type is a member of its own");
        }
        foreach (string type in types)
            Sources.Value.ShouldContain(source => source.File == $"Formats/{type}.cs");
    }

    [Theory]
    [InlineData("int Two => Top.One;", "Top")]
    [InlineData("int Two => Value.Computed;", "Top")]
    [InlineData("void Two<T>() where T : IComputed { }", "Top")]
    [InlineData("object Two(object o) => o is Top;", "Top")]
    [InlineData("int Two => Value.Stored;", null)]
    [InlineData("/// <summary>See <see cref=\"Top\"/>.</summary>\nint Two => 2;", null)]
    public void An_arrow_back_is_found(string member, string? found)
    {
        IReadOnlyList<NameUse> uses = FolderArrows.Of([
            ("Bottom/Value.cs", "readonly partial struct Value { public static int Stored => 1; }"),
            ("Bottom/Other.cs", $"class Other {{ {member} }}"),
            ("Top/Value.cs", "readonly partial struct Value : IComputed { public static int Computed => Stored; }"),
            ("Top/Top.cs", "interface IComputed { } static class Names { } class Top { public static int One => 1; }"),
        ]);
        string[] arrows = [.. Arrows(uses, ["Bottom", "Top"]).Where(arrow => arrow.Use.Folder == "Bottom").Select(arrow => arrow.To).Distinct()];
        arrows.ShouldBe(found is null ? [] : [found]);
    }

    [Fact]
    public void A_name_that_cannot_be_bound_is_refused()
    {
        Should.Throw<InvalidOperationException>(() => FolderArrows.Of([("Bottom/A.cs", "class A { B? b; }")])).Message.ShouldContain("'B'");
    }

    /// <summary>Uses that leave their folder. Whoever names a type that is spread over several looks into the first of these.</summary>
    private static IEnumerable<(NameUse Use, string To)> Arrows(IReadOnlyList<NameUse> uses, string[] folders) =>
        from use in uses
        let to = use.Declarations.Select(FolderArrows.FolderOf).MinBy(folder => Array.IndexOf(folders, folder))
        where to != use.Folder && !use.Declarations.Any(file => FolderArrows.FolderOf(file) == use.Folder)
        select (use, to);

    private static string Describe(NameUse use, string to) =>
        $"{use.File}({use.Line}) uses {use.Name} of {to}, into which {use.Folder} does not look";

    private static IReadOnlyList<(string File, string Text)> Read()
    {
        string project = Path.Combine(Repository, "kernels", "SparseInfer.Kernels.Cpu");
        return [
            .. from path in Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories)
               let file = Path.GetRelativePath(project, path).Replace('\\', '/')
               where FolderArrows.FolderOf(file) is not ("bin" or "obj")
               select (file, File.ReadAllText(path)),
        ];
    }

    private static IReadOnlyList<(string Folder, string[] LooksInto)> ReadTable()
    {
        string page = File.ReadAllText(Path.Combine(Repository, "docs", "architecture.md"));
        int start = page.IndexOf("## Rooms of the CPU kernels", StringComparison.Ordinal);
        start.ShouldBeGreaterThan(0);
        int end = page.IndexOf("\n## ", start, StringComparison.Ordinal);
        return [
            .. from Match row in Regex.Matches(page[start..end], @"^\| `(?<folder>\w+)` \|[^|]*\|(?<into>[^|]*)\|", RegexOptions.Multiline)
               let names = Regex.Matches(row.Groups["into"].Value, @"`(\w+)`").Select(name => name.Groups[1].Value)
               select (row.Groups["folder"].Value, names.ToArray()),
        ];
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
