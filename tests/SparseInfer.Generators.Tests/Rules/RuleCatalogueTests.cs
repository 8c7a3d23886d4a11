using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using SparseInfer.Generators.Rules;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Rules;

public sealed class RuleCatalogueTests
{
    public static IEnumerable<TheoryDataRow<string>> Ids =>
        DeclarationRules.All.Select(rule => new TheoryDataRow<string>(rule.Descriptor.Id));

    [Fact]
    public void EveryRuleIsAsked() =>
        DeclarationRules.All.Select(rule => rule.GetType()).ShouldBe(
            typeof(DeclarationRule).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(DeclarationRule)) && !type.IsAbstract),
            ignoreOrder: true);

    [Fact]
    public void TheCompilerFindsEveryRule() =>
        new AnalyzerFileReference(typeof(DeclarationRule).Assembly.Location, new Loader()).GetAnalyzers(LanguageNames.CSharp)
            .Count(analyzer => analyzer is DeclarationRule).ShouldBe(DeclarationRules.All.Count);

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
        string severity = rule.DefaultSeverity.ToString().ToLowerInvariant();

        rule.HelpLinkUri.ShouldBe($"https://github.com/sparseinfer/SparseInfer.Dsl/blob/main/docs/diagnostics/{id}.md");
        string[] page = Read("docs", "diagnostics", id + ".md");
        page[0].ShouldBe($"# {id}: {title}");
        page.ShouldContain($"Severity: {severity}");
        bool isMendable = Mended.Providers.Any(provider => provider.FixableDiagnosticIds.Contains(id));
        page.Contains("## Code fix").ShouldBe(isMendable);
        Read("docs", "diagnostics", "README.md")
            .ShouldContain($"| [{id}]({id}.md) | {severity} | {title} |{(isMendable ? " yes" : "")} |");
        Read("generators", "SparseInfer.Generators", "AnalyzerReleases.Unshipped.md")
            .ShouldContain($"{id} | SparseInfer | {rule.DefaultSeverity} | {title}");
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task TheExamplesOfAPageAreWhatTheySayTheyAre(string id)
    {
        string[] page = Read("docs", "diagnostics", id + ".md");
        (await Diagnose.Run(UserCode.Compile(Example(page, "## Wrong")))).ShouldContain(diagnostic => diagnostic.Id == id);
        (await Diagnose.Expect(Example(page, "## Right"))).ShouldBeEmpty();
    }

    [Fact]
    public void NoPageOutlivesItsRule() =>
        Directory.GetFiles(Path.Combine(Root(), "docs", "diagnostics"), "SPI*.md").Select(Path.GetFileNameWithoutExtension)
            .ShouldBe(DeclarationRules.All.Select(rule => rule.Descriptor.Id), ignoreOrder: true);

    private static string Example(string[] page, string heading) => string.Join(
        "\n", page.SkipWhile(line => line != heading).SkipWhile(line => line != "```csharp").Skip(1).TakeWhile(line => line != "```"));

    private static string[] Read(params string[] path) => File.ReadAllLines(Path.Combine([Root(), .. path]));

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "SparseInfer.Dsl.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("The tests run outside the repository.");
        }

        return folder;
    }

    private sealed class Loader : IAnalyzerAssemblyLoader
    {
        public Assembly LoadFromPath(string fullPath) => typeof(DeclarationRule).Assembly;

        public void AddDependencyLocation(string fullPath)
        {
        }
    }
}
