using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Rules;

namespace SparseInfer.Generators.Tests.Rules;

public sealed class RuleCatalogueTests
{
    public static IEnumerable<TheoryDataRow<string>> Ids => DeclarationRules.All.Select(rule => new TheoryDataRow<string>(rule.Descriptor.Id));

    [Fact]
    public void EveryRuleIsAsked() =>
        DeclarationRules.All.Select(rule => rule.GetType()).ShouldBe(
            typeof(DeclarationRule).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(DeclarationRule)) && !type.IsAbstract),
            ignoreOrder: true);

    [Fact]
    public void IdsAreContiguous() =>
        DeclarationRules.All.Select(rule => rule.Descriptor.Id).ShouldBe(
            Enumerable.Range(1, DeclarationRules.All.Count).Select(number => $"SPI{number:0000}"));

    [Theory]
    [MemberData(nameof(Ids))]
    public void EveryRuleHasAPageALineInTheTableAndARelease(string id)
    {
        DiagnosticDescriptor rule = DeclarationRules.All.Single(rule => rule.Descriptor.Id == id).Descriptor;
        string title = rule.Title.ToString();

        rule.HelpLinkUri.ShouldBe($"https://github.com/sparseinfer/SparseInfer.Dsl/blob/main/docs/diagnostics/{id}.md");
        string[] page = Read("docs", "diagnostics", id + ".md");
        page[0].ShouldBe($"# {id}: {title}");
        page.ShouldContain($"Severity: {rule.DefaultSeverity.ToString().ToLowerInvariant()}");
        page.ShouldContain("## Wrong");
        page.ShouldContain("## Right");
        Read("docs", "diagnostics", "README.md")
            .ShouldContain($"| [{id}]({id}.md) | {rule.DefaultSeverity.ToString().ToLowerInvariant()} | {title} |");
        Read("generators", "SparseInfer.Generators", "AnalyzerReleases.Unshipped.md")
            .ShouldContain($"{id} | SparseInfer | {rule.DefaultSeverity} | {title}");
    }

    [Fact]
    public void NoPageOutlivesItsRule() =>
        Directory.GetFiles(Path.Combine(Root(), "docs", "diagnostics"), "SPI*.md").Select(Path.GetFileNameWithoutExtension)
            .ShouldBe(DeclarationRules.All.Select(rule => rule.Descriptor.Id), ignoreOrder: true);

    private static string[] Read(params string[] path) => File.ReadAllLines(Path.Combine([Root(), .. path]));

    private static string Root([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", ".."));
}
