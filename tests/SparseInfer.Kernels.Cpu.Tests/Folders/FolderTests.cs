namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>The kernels' folders look one way: into those above them in the table of docs/architecture.md, and into no others.</summary>
public sealed class FolderTests
{
    private static readonly Lazy<IReadOnlyList<(string File, string Text)>> Sources = new(() => FolderTable.Sources("kernels/SparseInfer.Kernels.Cpu"));

    private static readonly Lazy<IReadOnlyList<NameUse>> Uses = new(() => FolderArrows.Of(Sources.Value));

    private static readonly FolderTable Table = FolderTable.Read(FolderTable.Section("Rooms of the CPU kernels"));

    [Fact]
    public void The_table_has_a_row_for_every_folder_and_every_source_lies_in_one() =>
        Table.Unlisted([.. Sources.Value.Select(source => source.File)]).ShouldBeEmpty();

    [Fact]
    public void A_row_names_only_folders_above_it() => Table.OutOfOrder().ShouldBeEmpty();

    [Fact]
    public void A_folder_looks_into_those_of_its_row_and_into_no_others()
    {
        Table.Unnamed(Uses.Value).ShouldBeEmpty();
        Table.Stale(Uses.Value).ShouldBeEmpty();
    }

    [Fact]
    public void A_weight_type_is_named_only_in_its_own_files()
    {
        string[] types = [.. typeof(F32).Assembly.GetTypes()
            .Where(type => type.IsValueType && type.IsAssignableTo(typeof(IWeightFormat))).Select(type => type.Name)];
        types.Length.ShouldBeGreaterThan(4);
        foreach (NameUse use in Uses.Value.Where(use => types.Contains(use.Name)))
        {
            // Whose signs and magnitudes are packed is a row of weights, or an input, which is F32 whatever the weights are.
            bool input = use is { Name: nameof(F32), File: "Sparse/Signs.cs" or "Sparse/Magnitudes.cs" };
            bool own = use.File == $"Formats/{use.Name}.cs" || use.File == $"Arithmetic/{use.Name}.Arithmetic.cs"
                || use.File.StartsWith($"Arithmetic/{use.Name}/", StringComparison.Ordinal);
            (own || input).ShouldBeTrue($"{use.File}({use.Line}) names {use.Name}: what differs from type to type is a member of its own");
        }

        foreach (string type in types)
        {
            Sources.Value.ShouldContain(source => source.File == $"Formats/{type}.cs");
        }
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
        var table = new FolderTable([new FolderRow("Bottom"), new FolderRow("Top")]);
        string[] arrows = [.. table.Arrows(uses).Where(arrow => arrow.From.Folder == "Bottom").Select(arrow => arrow.To.Folder).Distinct()];
        arrows.ShouldBe(found is null ? [] : [found]);
    }

    [Theory]
    [InlineData("Each/One/A.cs", "Each/*")]
    [InlineData("Each/A.cs", "Each")]
    [InlineData("Bottom/Deep/A.cs", "Bottom")]
    [InlineData("A.cs", ".")]
    [InlineData("Each/Two/Deep/A.cs", null)]
    [InlineData("Elsewhere/A.cs", null)]
    public void The_folders_of_a_starred_row_do_not_look_into_each_other(string declaring, string? found)
    {
        IReadOnlyList<NameUse> uses = FolderArrows.Of([(declaring, "class A { }"), ("Each/Two/B.cs", "class B : A { }")]);
        var table = new FolderTable([new FolderRow("Bottom"), new FolderRow("Each"), new FolderRow("Each/*", "Bottom", "Each"), new FolderRow(".")]);
        table.Arrows(uses).Select(arrow => arrow.To.Folder).ShouldBe(found is null ? [] : [found]);
        table.Unnamed(uses).Count().ShouldBe(found is "Each/*" or "." ? 1 : 0);
    }

    [Fact]
    public void A_name_that_cannot_be_bound_is_refused()
    {
        Should.Throw<InvalidOperationException>(() => FolderArrows.Of([("Bottom/A.cs", "class A { B? b; }")])).Message.ShouldContain("'B'");
    }
}
