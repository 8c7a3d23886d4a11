using System.IO.Compression;
using System.Text.Json;
using System.Xml.Linq;

[assembly: AssemblyFixture(typeof(SparseInfer.Packages.Tests.PackedFeed))]

namespace SparseInfer.Packages.Tests;

/// <summary>The packages of this build in a folder feed. Nothing else is in it but the ILGPU that they need.</summary>
public sealed class PackedFeed : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("sparseinfer-packages-");

    /// <summary>Packs what was built before these tests, as <c>dotnet pack</c> in the repository does.</summary>
    public PackedFeed()
    {
        try
        {
            Packages = Fill();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The version of all packages in the feed.</summary>
    public const string Version = "0.1.0-test";

    /// <summary>The folder that this assembly lies in, called after its target framework.</summary>
    internal static DirectoryInfo Framework { get; } = new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));

    /// <summary>The configuration of these tests, hence of what they pack.</summary>
    internal static string Configuration { get; } = Framework.Parent!.Name;

    /// <summary>The repository's root: this assembly lies in tests/SparseInfer.Packages.Tests/bin/Release/net10.0.</summary>
    public static string Repository { get; } = Framework.Parent!.Parent!.Parent!.Parent!.Parent!.FullName;

    /// <summary>A folder whose nuget.config knows the feed and no other source.</summary>
    public string Root => _root.FullName;

    /// <summary>The feed.</summary>
    public string Folder => Path.Combine(_root.FullName, "feed");

    /// <summary>The names of what <c>dotnet pack</c> made.</summary>
    public IReadOnlyList<string> Packages { get; }

    /// <summary>Runs <c>dotnet pack --no-build</c> in the repository, in the configuration of these tests.</summary>
    internal static CommandResult Pack(string project, params string[] options) => DotnetCommand.Run(
        Repository, keepsSources: true, ["pack", project, "--no-build", "-c", Configuration, "-nodeReuse:false", .. options]);

    /// <summary>What a package depends on, as its nuspec has it.</summary>
    public (string Id, string Version)[] Dependencies(string package) => [.. Nuspec(package).Descendants()
        .Where(element => element.Name.LocalName is "dependency")
        .Select(element => (element.Attribute("id")!.Value, element.Attribute("version")!.Value))];

    /// <summary>A package's description of itself.</summary>
    public XElement Nuspec(string package)
    {
        using ZipArchive archive = Open(package);
        using Stream nuspec = archive.GetEntry($"{package}.nuspec")!.Open();
        return XElement.Load(nuspec);
    }

    /// <summary>One file of a package, as text.</summary>
    public string Text(string package, string path)
    {
        using ZipArchive archive = Open(package);
        using var reader = new StreamReader(archive.GetEntry(path)!.Open());
        return reader.ReadToEnd();
    }

    /// <summary>The paths of the files in a package, or in the package of its symbols.</summary>
    public string[] Files(string package, string extension = "nupkg")
    {
        using ZipArchive archive = Open(package, extension);
        return [.. archive.Entries.Select(entry => entry.FullName).Order(StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public void Dispose() => _root.Delete(recursive: true);

    private string[] Fill()
    {
        Pack("SparseInfer.Dsl.sln", $"-p:TestFeed={Folder}").ShouldSucceed();
        string[] packages = [.. Directory.GetFiles(Folder, "*.nupkg").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
        CopyIlgpu();
        File.WriteAllText(Path.Combine(Root, "nuget.config"), $"""
            <configuration>
              <packageSources><clear /><add key="feed" value="{Folder}" /></packageSources>
              <packageSourceMapping><clear /></packageSourceMapping>
              <fallbackPackageFolders><clear /></fallbackPackageFolders>
              <auditSources><clear /></auditSources>
            </configuration>
            """);
        return packages;
    }

    private ZipArchive Open(string package, string extension = "nupkg") =>
        ZipFile.OpenRead(Path.Combine(Folder, $"{package}.{Version}.{extension}"));

    /// <summary>From the packages folder that the build took it from.</summary>
    private void CopyIlgpu()
    {
        string assets = Path.Combine(Repository, "kernels", "SparseInfer.Kernels.Ilgpu", "obj", "project.assets.json");
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(assets));
        string package = json.RootElement.GetProperty("packageFolders").EnumerateObject()
            .Select(folder => Path.Combine(folder.Name, "ilgpu", "1.5.3", "ilgpu.1.5.3.nupkg")).First(File.Exists);
        File.Copy(package, Path.Combine(Folder, Path.GetFileName(package)));
    }
}
