using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Tests.Fixture;

/// <summary>One naming of tests in all projects: a class ends in <c>Tests</c>, and a test is a sentence.</summary>
public sealed class TestNameTests
{
    [Fact]
    public void Every_test_is_a_sentence_in_a_class_that_ends_in_tests()
    {
        string tests = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", ".."));
        string[] built = [$"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", $"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}"];
        (string Project, string Fault)[] found =
        [
            .. from path in Directory.EnumerateFiles(tests, "*.cs", SearchOption.AllDirectories)
               let file = Path.GetRelativePath(tests, path)
               where !built.Any(file.Contains) && !file.EndsWith(".verified.cs", StringComparison.Ordinal)
               from fault in Faults(File.ReadAllText(path))
               select (file.Split(Path.DirectorySeparatorChar)[0], fault is null ? "" : $"{file}: {fault}"),
        ];

        found.Select(test => test.Project).Distinct().Count().ShouldBeGreaterThan(8, "every project's tests are read");
        found.Where(test => test.Fault.Length > 0).Select(test => test.Fault).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("PlainTests", "A_layer_is_a_member", null)]
    [InlineData("PlainTests", "Q8_0_is_read_as_F32", null)]
    [InlineData("PlainTests", "Integers", null)]
    [InlineData("PlainTests", "ALayerIsAMember", "ALayerIsAMember: write its words apart, as in A_row_names_only_folders_above_it")]
    [InlineData("PlainTests", "Layer_IsAMember", "Layer_IsAMember: write its words apart, as in A_row_names_only_folders_above_it")]
    [InlineData("PlainTests", "a_layer_is_a_member", "a_layer_is_a_member: write its words apart, as in A_row_names_only_folders_above_it")]
    [InlineData("Plain", "A_layer_is_a_member", "Plain: a class of tests ends in Tests")]
    public void A_name_that_deviates_is_found(string type, string test, string? fault) =>
        Faults($"class {type} {{ [Fact] public void {test}() {{ }} public void NoTest() {{ }} }}").ShouldBe([fault]);

    /// <summary>For each test what is wrong with its name; null: nothing.</summary>
    private static IEnumerable<string?> Faults(string source) =>
        from method in CSharpSyntaxTree.ParseText(source, new CSharpParseOptions(LanguageVersion.Preview)).GetRoot()
            .DescendantNodes().OfType<MethodDeclarationSyntax>()
        where method.AttributeLists.SelectMany(list => list.Attributes).Any(attribute => Regex.IsMatch(attribute.Name.ToString(), "(Fact|Theory)$"))
        let type = ((TypeDeclarationSyntax)method.Parent!).Identifier.Text
        let test = method.Identifier.Text
        select !type.EndsWith("Tests", StringComparison.Ordinal) ? $"{type}: a class of tests ends in Tests"
            : Regex.IsMatch(test, "^[^A-Z]|[a-z0-9][A-Z]") ? $"{test}: write its words apart, as in A_row_names_only_folders_above_it"
            : null;

    private static string Here([CallerFilePath] string path = "") => path;
}
