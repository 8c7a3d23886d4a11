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

    /// <summary>The example is a branch: all of it is here, or nothing but the lists.</summary>
    [Fact]
    public void Lists_are_there_and_everything_else_is_new()
    {
        Rows.Length.ShouldBe(12);
        string[] listed = [.. Rows.Where(row => !row.IsNew).Select(row => row.File)];
        string[] found = [.. Rows.Select(row => row.File).Where(file => File.Exists(Path.Combine(FolderTable.Repository, file)))];
        found.ShouldBe(found.Length == listed.Length ? listed : [.. Rows.Select(row => row.File)]);
    }

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

    /// <summary>The one shared file of code, a list, holds nothing but traits.</summary>
    [Fact]
    public void The_only_shared_file_of_code_is_the_list_of_traits() =>
        Code().Where(row => !row.IsNew).Select(row => row.File).ShouldBe(["generators/SparseInfer.Generators/TraitRegistry.cs"]);

    private static IEnumerable<(string File, bool IsNew)> Code() => Rows.Where(row =>
        row.File.EndsWith(".cs", StringComparison.Ordinal) && !row.File.StartsWith("tests/", StringComparison.Ordinal));

    private static string Name(ModelTrait trait) => trait.GetType().Name[..^"Trait".Length];

    /// <summary>Files that name a trait's attribute, class, spec or rule, or lie in its folder.</summary>
    private static string[] FilesThatName(string name)
    {
        var words = new Regex($"^{name}(Attribute|Trait|Spec|Rule)$");
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
