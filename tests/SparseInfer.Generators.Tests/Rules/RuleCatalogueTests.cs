using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Rules;

public sealed class RuleCatalogueTests
{
    public static IEnumerable<TheoryDataRow<string>> Ids =>
        DeclarationRules.Descriptors.Keys.Select(id => new TheoryDataRow<string>(id));

    public static IEnumerable<TheoryDataRow<string>> RuleIds =>
        DeclarationRules.All.Select(rule => new TheoryDataRow<string>(rule.Descriptor.Id));

    [Fact]
    public void Every_rule_is_asked() =>
        DeclarationRules.All.Select(rule => rule.GetType()).ShouldBe(
            typeof(DeclarationRule).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(DeclarationRule)) && !type.IsAbstract),
            ignoreOrder: true);

    [Fact]
    public void The_compiler_finds_the_generator_and_nothing_that_reports_twice()
    {
        var assembly = new AnalyzerFileReference(typeof(DeclarationRule).Assembly.Location, new Loader());

        assembly.GetGenerators(LanguageNames.CSharp).ShouldHaveSingleItem();
        assembly.GetAnalyzers(LanguageNames.CSharp).ShouldBeEmpty();
    }

    [Fact]
    public void Ids_are_contiguous() =>
        DeclarationRules.Descriptors.Keys.ShouldBe(
            Enumerable.Range(1, DeclarationRules.All.Count + 2).Select(number => $"SPI{number:0000}"));

    [Theory]
    [MemberData(nameof(Ids))]
    public void Every_rule_has_a_page_a_line_in_the_table_and_a_release(string id)
    {
        DiagnosticDescriptor rule = DeclarationRules.Descriptors[id];
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
    [MemberData(nameof(RuleIds))]
    public async Task The_examples_of_a_page_are_what_they_say_they_are(string id)
    {
        string[] page = Read("docs", "diagnostics", id + ".md");
        (await Diagnose.Run(Compile(Example(page, "## Wrong")), Profile(page, "## Wrong"))).ShouldContain(diagnostic => diagnostic.Id == id);
        (await Diagnose.Expect(Example(page, "## Right"), Profile(page, "## Right"))).ShouldBeEmpty();
    }

    [Fact]
    public void No_page_outlives_its_rule() =>
        Directory.GetFiles(Path.Combine(Root(), "docs", "diagnostics"), "SPI*.md").Select(Path.GetFileNameWithoutExtension)
            .ShouldBe(DeclarationRules.Descriptors.Keys, ignoreOrder: true);

    /// <summary>In the version of the language that an example asks for.</summary>
    private static CSharpCompilation Compile(string example)
    {
        Match version = Regex.Match(example, "<LangVersion>(.+)</LangVersion>");
        return version.Success && LanguageVersionFacts.TryParse(version.Groups[1].Value, out LanguageVersion parsed)
            ? UserCode.Compile(example, parsed)
            : UserCode.Compile(example);
    }

    private static string Example(string[] page, string heading) => string.Join("\n", Block(page, heading, "csharp"));

    /// <summary>The profile under an example, where there is one.</summary>
    private static AdditionalText[] Profile(string[] page, string heading) => Block(page, heading, "json") is { Length: > 0 } profile
        ? [new TextFile("/home/user/project/m.sparsity.json", string.Join("\n", profile))]
        : [];

    private static string[] Block(string[] page, string heading, string language) =>
    [
        .. page.SkipWhile(line => line != heading).Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .SkipWhile(line => line != "```" + language).Skip(1).TakeWhile(line => line != "```"),
    ];

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
