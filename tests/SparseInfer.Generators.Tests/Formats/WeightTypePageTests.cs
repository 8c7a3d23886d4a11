using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Formats;

namespace SparseInfer.Generators.Tests.Formats;

/// <summary>docs/adding-a-weight-type.md lists the files of a type: those that name it in code or lie in its folder, and no others.</summary>
public sealed class WeightTypePageTests
{
    private static readonly string Repository = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", ".."));

    /// <summary>The example's name, alone or at the head of another; not the retired types of ggml's that begin alike, <c>Q4_0_4_4</c>.</summary>
    private static readonly Regex Example = new(@"(?<!\w)Q4_0(?!_\d)");

    [Fact]
    public void The_page_lists_the_files_that_name_the_type_of_its_example() =>
        Listed().ShouldBe(FilesOf(Example), ignoreOrder: true, "docs/adding-a-weight-type.md lists other files than those that name its example");

    [Fact]
    public void Every_type_is_named_in_the_lists_that_the_example_is_in()
    {
        string[] lists = [.. Listed().Where(file => !Path.GetFileName(file).Contains("Q4", StringComparison.Ordinal))];
        lists.Length.ShouldBe(6);
        foreach (string list in lists)
        {
            string text = File.ReadAllText(Path.Combine(Repository, list));
            foreach (string type in Format.All.Where(format => format.IsBlock).Select(format => $"{format.Type}"))
            {
                text.ShouldContain(type, Case.Sensitive, list);
            }
        }
    }

    private static string[] Listed()
    {
        string page = File.ReadAllText(Path.Combine(Repository, "docs", "adding-a-weight-type.md"));
        return [.. Regex.Matches(page, @"^\| \d+ \| `([^`]+)` \|", RegexOptions.Multiline).Select(row => row.Groups[1].Value)];
    }

    private static string[] FilesOf(Regex type) =>
    [
        .. from room in new[] { "generators", "kernels", "src" }
           from path in Directory.EnumerateFiles(Path.Combine(Repository, room), "*.cs", SearchOption.AllDirectories)
           let file = Path.GetRelativePath(Repository, path).Replace('\\', '/')
           where !file.Split('/').Any(folder => folder is "bin" or "obj")
           where type.IsMatch(file)
               || CSharpSyntaxTree.ParseText(File.ReadAllText(path)).GetRoot().DescendantTokens().Any(token => type.IsMatch(token.Text))
           select file,
    ];

    private static string Here([CallerFilePath] string path = "") => path;
}
