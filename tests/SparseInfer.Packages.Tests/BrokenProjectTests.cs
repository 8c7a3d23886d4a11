using System.Text.RegularExpressions;

namespace SparseInfer.Packages.Tests;

/// <summary>
/// What a user reads who builds a project with mistakes. A line of Broken/*.cs (or of the folders beside it) that is in error ends in a comment with the ids: the build has
/// to say these, there, once each, and nothing else.
/// </summary>
public sealed partial class BrokenProjectTests(PackedFeed feed)
{
    [Fact]
    public void A_build_says_each_mistake_once_with_and_without_analyzers()
    {
        var project = new ConsumerProject(feed, "SparseInfer.Runtime", "Broken");
        string[] expected = Expected("Broken");

        Reported(project).ShouldBe(expected);
        Reported(project, "--no-restore", "-p:RunAnalyzers=false").ShouldBe(expected);
    }

    /// <summary>What is wrong with a whole project needs a project of its own.</summary>
    [Theory]
    [InlineData("OldProject", "<LangVersion>11</LangVersion>")]
    [InlineData("TypeInTheWay", "")]
    public void A_build_says_what_is_wrong_with_a_project(string sources, string properties) =>
        Reported(new ConsumerProject(feed, "SparseInfer.Runtime", sources, properties)).ShouldBe(Expected(sources));

    /// <summary>SPI0042 and SPI0043 are no rules: the generator failed, or a backend has no kernel.</summary>
    [Fact]
    public void Every_rule_is_broken_somewhere()
    {
        string releases = Path.Combine(PackedFeed.Repository, "generators", "SparseInfer.Generators", "AnalyzerReleases.Unshipped.md");
        IEnumerable<string> rules = Id().Matches(File.ReadAllText(releases)).Select(match => match.Value).Except(["SPI0042", "SPI0043"]);

        new[] { "Broken", "OldProject", "TypeInTheWay" }.SelectMany(Expected).Select(line => line.Split(' ')[1]).Distinct()
            .ShouldBe(rules, ignoreOrder: true);
    }

    private static string[] Expected(string folder) => Sorted(
        from file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, folder), "*.cs")
        from line in File.ReadLines(file).Select((text, i) => (Text: text, Number: i + 1))
        where line.Text.Contains("// SPI", StringComparison.Ordinal)
        from id in Id().Matches(line.Text).Select(match => match.Value)
        select $"{Path.GetFileName(file)}({line.Number}) {id}");

    /// <summary>Every error and warning of a build that fails. The summary at the end says each again.</summary>
    private static string[] Reported(ConsumerProject project, params string[] options)
    {
        CommandResult build = project.Build(options);
        build.ExitCode.ShouldNotBe(0);
        string[] output = build.Output.Split("Build FAILED.");
        output.Length.ShouldBe(2, build.Output);
        return Sorted(Message().Matches(output[0])
            .Select(match => $"{Path.GetFileName(match.Groups["file"].Value)}({match.Groups["line"].Value}) {match.Groups["id"].Value}"));
    }

    private static string[] Sorted(IEnumerable<string> lines) => [.. lines.Order(StringComparer.Ordinal)];

    [GeneratedRegex(@"SPI\d{4}")]
    private static partial Regex Id();

    [GeneratedRegex(@"^ *(?<file>[^\n(]*?)(\((?<line>\d+),\d+\))?\s?: (error|warning) (?<id>\w+)", RegexOptions.Multiline)]
    private static partial Regex Message();
}
