namespace SparseInfer.Packages.Tests;

/// <summary>A user's project, outside of the repository: it knows the packages and nothing else.</summary>
internal sealed class ConsumerProject
{
    private readonly string _folder;

    /// <summary>Writes it.</summary>
    /// <param name="feed">Where the packages are.</param>
    /// <param name="package">The one package that the project references.</param>
    /// <param name="sources">The folder of these tests that has its sources.</param>
    /// <param name="properties">More properties of the project, as XML.</param>
    /// <param name="reference">An assembly's file that it references too; null: none.</param>
    public ConsumerProject(PackedFeed feed, string package, string sources = "Consumer", string properties = "", string? reference = null)
    {
        // Neither folder nor assembly is called after the package: files are searched for its name.
        _folder = Directory.CreateDirectory(Path.Combine(feed.Root, $"consumer-{Guid.NewGuid():n}")).FullName;
        AddSources(sources);

        foreach (string inherited in (string[])["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"])
        {
            File.WriteAllText(Path.Combine(_folder, inherited), "<Project />");
        }

        File.WriteAllText(Path.Combine(_folder, "Consumer.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <WarningLevel>9999</WarningLevel>
                <UseAppHost>false</UseAppHost>
                <EmitCompilerGeneratedFiles>true</EmitCompilerGeneratedFiles>
                {properties}
                <RestorePackagesPath>{Path.Combine(feed.Root, "packages")}</RestorePackagesPath>
              </PropertyGroup>
              <ItemGroup>
                <AdditionalFiles Include="*.sparsity.json" />
                <PackageReference Include="{package}" Version="{PackedFeed.Version}" />
                {(reference is null ? "" : $"""<Reference Include="{reference}" />""")}
              </ItemGroup>
            </Project>
            """);
    }

    /// <summary>Writes the program that computes something, and builds it without a warning.</summary>
    /// <param name="feed">Where the packages are.</param>
    /// <param name="package">The one package that the project references.</param>
    public static ConsumerProject Built(PackedFeed feed, string package) => new ConsumerProject(feed, package).BuiltWithoutAWarning();

    /// <summary>What restoring decided: packages, assemblies, build files.</summary>
    public string Assets => File.ReadAllText(Path.Combine(_folder, "obj", "project.assets.json"));

    /// <summary>The files that a user would hand on.</summary>
    public string[] Output => [.. Directory.GetFiles(Path.Combine(_folder, "bin", "Release", "net10.0"))];

    /// <summary>What the generator wrote.</summary>
    public string[] Generated => Directory.GetFiles(
        Path.Combine(_folder, "obj", "Release", "net10.0", "generated", "SparseInfer.Generators"), "*.cs", SearchOption.AllDirectories);

    /// <summary>Copies the sources of a folder of these tests into it.</summary>
    public void AddSources(string folder)
    {
        foreach (string source in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, folder)))
        {
            File.Copy(source, Path.Combine(_folder, Path.GetFileName(source)));
        }
    }

    /// <summary>Builds it, and requires that nothing was to be said.</summary>
    public ConsumerProject BuiltWithoutAWarning()
    {
        Build().ShouldSucceed().Output.ShouldContain("0 Warning(s)");
        return this;
    }

    /// <summary>Builds it, warnings as errors.</summary>
    public CommandResult Build(params string[] options) =>
        DotnetCommand.Run(_folder, keepsSources: false, ["build", "-c", "Release", "-nodeReuse:false", .. options]);

    /// <summary>What a property of the project is, built or published with some options.</summary>
    public string Property(string name, params string[] options) =>
        DotnetCommand.Run(_folder, keepsSources: false, ["msbuild", $"-getProperty:{name}", "-nodeReuse:false", .. options]).ShouldSucceed().Output.Trim();

    /// <summary>Runs the program on devices, one after the other.</summary>
    /// <param name="tokens">How many to generate on each.</param>
    /// <param name="devices">Their names.</param>
    public string[] Run(int tokens, params string[] devices)
    {
        string model = Path.Combine(AppContext.BaseDirectory, "stories260K.gguf");
        string program = Path.Combine(_folder, "bin", "Release", "net10.0", "Consumer.dll");
        return DotnetCommand.Run(_folder, keepsSources: false, [program, model, $"{tokens}", .. devices]).ShouldSucceed()
            .Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
