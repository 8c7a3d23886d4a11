using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Declare;
using SparseInfer.Kernels.Cpu.Tests;

namespace SparseInfer.Generators.Tests.Traits;

/// <summary>
/// docs/adding-a-family.md lists the files of a trait. Every trait that there is, that of the tests included, is named in the files that the page
/// has for its example, and in no others.
/// </summary>
public sealed class FamilyPageTests
{
    private const string Example = "Scales";

    private static readonly (string File, bool IsNew)[] Rows =
    [
        .. Regex.Matches(
            File.ReadAllText(Path.Combine(FolderTable.Repository, "docs", "adding-a-family.md")), @"^\| \d+ \| `([^`]+)` \| (new|list):", RegexOptions.Multiline)
            .Select(row => (row.Groups[1].Value, row.Groups[2].Value == "new")),
    ];

    [Fact]
    public void Every_file_of_the_page_is_there()
    {
        Rows.Length.ShouldBe(16);
        Rows.Select(row => row.File).Where(file => !File.Exists(Path.Combine(FolderTable.Repository, file))).ShouldBeEmpty();
    }

    /// <summary>The page leaves out no file of its example.</summary>
    [Fact]
    public void The_page_has_every_file_that_names_its_example() =>
        FilesThatName(Example).ShouldBe(Code().Select(row => row.File), ignoreOrder: true);

    [Fact]
    public void Every_trait_is_named_in_the_files_that_the_page_has()
    {
        foreach (ModelTrait trait in TraitRegistry.All)
        {
            string name = Name(trait);
            string[] listed = [.. Code().Select(row => row.File.Replace(Example, name, StringComparison.Ordinal))];
            FilesThatName(name).Except(listed).ShouldBeEmpty($"docs/adding-a-family.md has no such file for {name}");
        }
    }

    /// <summary>They are declared, parsed, computed and refused, though nothing but the lists knows them.</summary>
    [Fact]
    public void The_traits_of_the_tests_are_named_nowhere()
    {
        foreach (ModelTrait trait in new ModelTrait[] { new TestScalesTrait(), new TestShiftTrait() })
        {
            FilesThatName(Name(trait)).ShouldBeEmpty();
        }
    }

    [Fact]
    public void The_only_shared_files_of_code_are_the_lists_of_traits_and_of_architectures() =>
        Code().Where(row => !row.IsNew).Select(row => row.File).ShouldBe(
        [
            "generators/SparseInfer.Generators/TraitRegistry.cs",
            "src/SparseInfer.Runtime/Loading/Metadata/Architectures.cs",
        ]);

    private static IEnumerable<(string File, bool IsNew)> Code() => Rows.Where(row =>
        row.File.EndsWith(".cs", StringComparison.Ordinal) && !row.File.StartsWith("tests/", StringComparison.Ordinal));

    private static string Name(ModelTrait trait) => trait.GetType().Name[..^"Trait".Length];

    /// <summary>Files that name a trait's attribute, class, spec, rule or keys, or lie in its folder.</summary>
    private static string[] FilesThatName(string name)
    {
        var words = new Regex($"^{name}(Attribute|Trait|Spec|Rule|Keys)$");
        return
        [
            .. from room in new[] { "generators", "kernels", "src" }
               from source in FolderTable.Sources(room)
               where source.File.Contains($"Traits/{name}/", StringComparison.Ordinal)
                   || CSharpSyntaxTree.ParseText(source.Text).GetRoot().DescendantTokens().Any(token => words.IsMatch(token.ValueText))
               select source.File.StartsWith(room, StringComparison.Ordinal) ? source.File : $"{room}/{source.File}",
        ];
    }
}
