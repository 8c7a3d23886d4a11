using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Kernels.Cpu.Tests;

namespace SparseInfer.Generators.Tests.Policies;

/// <summary>docs/adding-a-policy.md lists the files of a policy: those that name it in code, and its pages and lines in lists; and no others.</summary>
public sealed class PolicyPageTests
{
    private const string Example = "SignBit";

    [Fact]
    public void The_page_lists_the_files_that_name_the_policy_of_its_example() =>
        Listed().ShouldBe(FilesOf(Example), ignoreOrder: true, "docs/adding-a-policy.md lists other files than those that name its example");

    private static string[] Listed()
    {
        string page = File.ReadAllText(Path.Combine(FolderTable.Repository, "docs", "adding-a-policy.md"));
        return [.. Regex.Matches(page, @"^\| `([^`]+/[^`]+)` \|", RegexOptions.Multiline).Select(row => row.Groups[1].Value)];
    }

    private static string[] FilesOf(string policy) =>
    [
        .. from folder in new[] { "generators/SparseInfer.Generators", "src/SparseInfer.Dsl", "docs/policies" }
           from path in Directory.EnumerateFiles(Path.Combine(FolderTable.Repository, folder), "*", SearchOption.AllDirectories)
           let file = Path.GetRelativePath(FolderTable.Repository, path).Replace('\\', '/')
           where !file.Split('/').Any(part => part is "bin" or "obj")
           where Path.GetExtension(path) switch
           {
               ".cs" => Names(path, policy),
               ".md" => File.ReadAllText(path).Contains(policy, StringComparison.Ordinal),
               _ => false,
           }
           select file,
    ];

    /// <summary>Whether code does: comments and messages may speak of a policy.</summary>
    private static bool Names(string path, string policy) => CSharpSyntaxTree.ParseText(File.ReadAllText(path)).GetRoot().DescendantTokens()
        .Any(token => token.IsKind(SyntaxKind.IdentifierToken) && token.Text.Contains(policy, StringComparison.Ordinal));
}
