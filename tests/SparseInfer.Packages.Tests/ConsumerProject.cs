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
    public ConsumerProject(PackedFeed feed, string package, string sources = "Consumer", string properties = "")
    {
        // Neither folder nor assembly is called after the package: files are searched for its name.
        _folder = Directory.CreateDirectory(Path.Combine(feed.Root, $"consumer-{Guid.NewGuid():n}")).FullName;
        foreach (string source in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, sources), "*.cs"))
        {
            File.Copy(source, Path.Combine(_folder, Path.GetFileName(source)));
        }

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
                <PackageReference Include="{package}" Version="{PackedFeed.Version}" />
              </ItemGroup>
            </Project>
            """);
    }

    /// <summary>Writes the program that computes something, and builds it without a warning.</summary>
    /// <param name="feed">Where the packages are.</param>
    /// <param name="package">The one package that the project references.</param>
    public static ConsumerProject Built(PackedFeed feed, string package)
    {
        var project = new ConsumerProject(feed, package);
        project.Build().ShouldSucceed().Output.ShouldContain("0 Warning(s)");
        return project;
    }

    /// <summary>What restoring decided: packages, assemblies, build files.</summary>
    public string Assets => File.ReadAllText(Path.Combine(_folder, "obj", "project.assets.json"));

    /// <summary>The files that a user would hand on.</summary>
    public string[] Output => [.. Directory.GetFiles(Path.Combine(_folder, "bin", "Release", "net10.0"))];

    /// <summary>What the generator wrote.</summary>
    public string[] Generated => Directory.GetFiles(
        Path.Combine(_folder, "obj", "Release", "net10.0", "generated", "SparseInfer.Generators"), "*.cs", SearchOption.AllDirectories);

    /// <summary>Builds it, warnings as errors.</summary>
    public CommandResult Build(params string[] options) =>
        DotnetCommand.Run(_folder, keepsSources: false, ["build", "-c", "Release", "-nodeReuse:false", .. options]);

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
