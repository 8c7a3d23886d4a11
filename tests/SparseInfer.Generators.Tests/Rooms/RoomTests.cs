using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Kernels.Cpu.Tests;

namespace SparseInfer.Generators.Tests.Rooms;

/// <summary>The generator's rooms look one way, as docs/architecture.md says and draws.</summary>
public sealed class RoomTests
{
    private const string Project = "generators/SparseInfer.Generators";

    private static readonly string Section = FolderTable.Section("Rooms of the generator");

    private static readonly FolderTable Table = FolderTable.Read(Section);

    private static readonly Lazy<IReadOnlyList<(string File, string Text)>> Sources = new(() => FolderTable.Sources(Project));

    private static readonly Lazy<IReadOnlyList<NameUse>> Uses = new(() =>
        FolderArrows.Of([.. Sources.Value, .. Vocabulary()], typeof(SyntaxNode), typeof(CSharpSyntaxTree)));

    [Fact]
    public void Every_source_lies_in_a_room_and_every_room_has_sources() =>
        Table.Unlisted([.. Sources.Value.Select(source => source.File)]).ShouldBeEmpty();

    [Fact]
    public void A_room_names_only_rooms_above_it() => Table.OutOfOrder().ShouldBeEmpty();

    [Fact]
    public void A_room_looks_into_those_of_its_row_and_into_no_others()
    {
        Table.Unnamed(Uses.Value).ShouldBeEmpty();
        Table.Stale(Uses.Value).ShouldBeEmpty();
    }

    [Fact]
    public void The_drawing_shows_what_the_table_says() => RoomDrawing.Read(Section).Faults(Table).ShouldBeEmpty();

    [Theory]
    [InlineData("A <- B\n   ^\n  C, D", null)]
    [InlineData("A, B\n   ^\n  C, D", "B looks into A, but is not drawn behind it")]
    [InlineData("A <- B <- C, D", null)]
    [InlineData("A <- B\n   ^\n   C", "D is not drawn")]
    [InlineData("A <- B (with E)\n   ^\n  C, D, E", "E is drawn and has no row, or is drawn twice")]
    [InlineData("A <- B\n   ^\n  C <- D", "an arrow is drawn from D to C, but none of them looks there")]
    public void A_drawing_that_says_something_else_is_found(string drawing, string? fault) => new RoomDrawing(drawing)
        .Faults(new FolderTable([new FolderRow("A"), new FolderRow("B", "A"), new FolderRow("C", "B"), new FolderRow("D", "A")]))
        .ShouldBe(fault is null ? [] : [fault]);

    /// <summary>The enums that users write too: linked into the generator, and part of no room.</summary>
    private static IEnumerable<(string File, string Text)> Vocabulary()
    {
        string folder = Path.Combine(FolderTable.Repository, Project);
        return from Match link in Regex.Matches(File.ReadAllText(Path.Combine(folder, "SparseInfer.Generators.csproj")), "<Compile Include=\"([^\"]+)\"")
               let file = link.Groups[1].Value.Replace('\\', '/')
               select (file, File.ReadAllText(Path.Combine(folder, file)));
    }
}
