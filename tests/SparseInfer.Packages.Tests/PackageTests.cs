using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace SparseInfer.Packages.Tests;

/// <summary>What <c>dotnet pack</c> makes.</summary>
public sealed class PackageTests(PackedFeed feed)
{
    private static readonly string[] Published =
    [
        "SparseInfer.Cli", "SparseInfer.Dsl", "SparseInfer.Extensions.AI", "SparseInfer.Kernels.Cpu", "SparseInfer.Kernels.Ilgpu", "SparseInfer.Runtime",
        "SparseInfer.Runtime.Ilgpu", "SparseInfer.Templates",
    ];

    [Fact]
    public void What_ships_is_packed_and_nothing_else() =>
        feed.Packages.ShouldBe(Published.Select(id => $"{id}.{PackedFeed.Version}.nupkg"), ignoreOrder: true);

    [Fact]
    public void The_words_come_with_the_generator_and_its_code_fixes()
    {
        feed.Files("SparseInfer.Dsl").Where(file => file.EndsWith(".dll")).ShouldBe(
        [
            "analyzers/dotnet/cs/SparseInfer.CodeFixes.dll", "analyzers/dotnet/cs/SparseInfer.Generators.dll",
            "lib/net10.0/SparseInfer.Dsl.dll",
        ]);
        feed.Dependencies("SparseInfer.Dsl").ShouldBeEmpty();
    }

    [Fact]
    public void Packages_depend_on_exactly_their_own_version_and_on_nothing_foreign_but_what_they_are_for()
    {
        string exact = $"[{PackedFeed.Version}]";
        feed.Dependencies("SparseInfer.Kernels.Cpu").ShouldBeEmpty();
        feed.Dependencies("SparseInfer.Runtime")
            .ShouldBe([("SparseInfer.Dsl", exact), ("SparseInfer.Kernels.Cpu", exact)], ignoreOrder: true);
        feed.Dependencies("SparseInfer.Kernels.Ilgpu").ShouldBe([("ILGPU", "[1.5.3]")]);
        feed.Dependencies("SparseInfer.Extensions.AI").ShouldBe(
            [
                ("SparseInfer.Runtime", exact), ("Microsoft.Extensions.AI.Abstractions", "10.11.0"),
                ("Microsoft.Extensions.DependencyInjection.Abstractions", "10.0.13"),
            ],
            ignoreOrder: true);
        feed.Dependencies("SparseInfer.Runtime.Ilgpu").Where(dependency => dependency.Id != "ILGPU")
            .ShouldBe([("SparseInfer.Runtime", exact), ("SparseInfer.Kernels.Ilgpu", exact)], ignoreOrder: true);
    }

    [Fact]
    public void Every_package_says_what_it_is_and_under_which_license()
    {
        foreach (string package in Published)
        {
            XElement nuspec = feed.Nuspec(package);
            string Of(string name) => nuspec.Descendants().Single(element => element.Name.LocalName == name).Value;
            Of("description").Length.ShouldBeGreaterThan(40, package);
            Of("license").ShouldBe("MIT");
            Of("readme").ShouldBe("README.md");
            Of("icon").ShouldBe("icon.png");
            feed.Files(package).ShouldContain("icon.png", package);
            feed.Files(package).ShouldContain("README.md", package);
            feed.Files(package).ShouldContain("LICENSE", package);
            feed.Files(package).ShouldContain("THIRD-PARTY-NOTICES.txt", package);
        }
    }

    [Fact]
    public void The_notices_name_every_work_of_others_that_the_tool_brings_along()
    {
        using JsonDocument dependencies = JsonDocument.Parse(feed.Text("SparseInfer.Cli", "tools/net10.0/any/sparseinfer.deps.json"));
        string[] foreign =
        [
            .. dependencies.RootElement.GetProperty("targets").EnumerateObject().SelectMany(target => target.Value.EnumerateObject())
                .Where(library => library.Value.TryGetProperty("runtime", out _))
                .Where(library => !library.Name.StartsWith("sparseinfer", StringComparison.OrdinalIgnoreCase))
                .Select(library => library.Name),
        ];
        foreign.Length.ShouldBeGreaterThanOrEqualTo(3);
        string notices = feed.Text("SparseInfer.Cli", "THIRD-PARTY-NOTICES.txt");
        foreach (string library in foreign)
        {
            notices.ShouldMatch($"(?m)^ +{Regex.Escape(library).Replace("/", " +")} ", library);
        }
    }

    [Fact]
    public void Every_package_has_its_symbols_and_its_documentation()
    {
        foreach (string package in Published)
        {
            // The generator's are in the generator.
            string[] assemblies =
            [
                .. feed.Files(package).Where(file => Path.GetExtension(file) == ".dll" && Path.GetFileName(file) is var name
                    && name.StartsWith("sparseinfer", StringComparison.OrdinalIgnoreCase)
                    && name is not ("SparseInfer.Generators.dll" or "SparseInfer.CodeFixes.dll")),
            ];
            assemblies.Length.ShouldBeGreaterThan(package == "SparseInfer.Templates" ? -1 : 0, package);
            assemblies.Where(file => file.StartsWith("lib/", StringComparison.Ordinal)).Select(file => Path.ChangeExtension(file, "xml"))
                .Except(feed.Files(package)).ShouldBeEmpty("what documents their public members");
            if (assemblies.Length == 0)
            {
                continue;
            }

            string[] symbols = feed.Files(package, "snupkg");
            assemblies.Select(file => Path.ChangeExtension(file, "pdb")).Where(file => !symbols.Contains(file)).ShouldBeEmpty(package);
        }
    }

    [Fact]
    public void A_package_names_the_commit_that_it_was_made_of_and_no_place_that_others_cannot_reach()
    {
        Assert.SkipUnless(Path.Exists(Path.Combine(PackedFeed.Repository, ".git")), "this is no clone: there is no commit to name");
        foreach (string package in Published)
        {
            XElement repository = feed.Nuspec(package).Descendants().Single(element => element.Name.LocalName == "repository");
            repository.Attribute("type")!.Value.ShouldBe("git");
            repository.Attribute("commit")!.Value.ShouldMatch("^[0-9a-f]{40}$");
            (repository.Attribute("url")?.Value ?? "https://").ShouldStartWith("https://");
        }
    }
}
