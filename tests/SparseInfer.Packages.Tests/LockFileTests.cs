namespace SparseInfer.Packages.Tests;

/// <summary>What is restored is what was reviewed: every project has a lock file, and continuous integration obeys it.</summary>
public sealed class LockFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sparseinfer-locks-");

    [Fact]
    public void Every_project_has_one()
    {
        string[] projects = [.. Projects()];
        projects.Length.ShouldBeGreaterThan(15);
        projects.Where(project => !File.Exists(Beside(project, "packages.lock.json"))).ShouldBeEmpty("restore it, and commit the file");
    }

    [Fact]
    public void Continuous_integration_restores_no_other_package_than_the_locked_one()
    {
        string project = Path.Combine("generators", "SparseInfer.Generators");
        string[] files =
        [
            "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", Path.Combine("generators", "Directory.Build.props"),
            Path.Combine(project, "SparseInfer.Generators.csproj"), Path.Combine(project, "packages.lock.json"),
        ];
        foreach (string file in files)
        {
            string copy = Path.Combine(_folder.FullName, file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(Path.Combine(PackedFeed.Repository, file), copy);
        }

        string lockFile = Path.Combine(_folder.FullName, project, "packages.lock.json");
        string locked = File.ReadAllText(lockFile);
        CommandResult Restore(string options) => DotnetCommand.Run(
            _folder.FullName, keepsSources: true, "restore", Path.Combine(_folder.FullName, project), "--force", "-nodeReuse:false", options);
        Restore("-p:CI=true").ShouldSucceed();

        // Another package under the same version.
        int hash = locked.IndexOf("contentHash\": \"", StringComparison.Ordinal) + "contentHash\": \"".Length;
        File.WriteAllText(lockFile, locked[..hash] + (locked[hash] is 'A' ? 'B' : 'A') + locked[(hash + 1)..]);
        CommandResult other = Restore("-p:CI=true");
        other.ExitCode.ShouldNotBe(0);
        other.Output.ShouldContain("NU1403");

        // Another version than the project asks for.
        File.WriteAllText(lockFile, locked.Replace("\"requested\": \"[4.14.0, 4.14.0]\"", "\"requested\": \"[4.13.0, 4.13.0]\""));
        CommandResult stale = Restore("-p:CI=true");
        stale.ExitCode.ShouldNotBe(0);
        stale.Output.ShouldContain("NU1004");

        // Elsewhere the file follows the project.
        Restore("-p:CI=false").ShouldSucceed();
        File.ReadAllText(lockFile).ReplaceLineEndings("\n").ShouldBe(locked.ReplaceLineEndings("\n"));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static IEnumerable<string> Projects()
    {
        char separator = Path.DirectorySeparatorChar;
        return ((string[])["generators", "kernels", "samples", "src", "tests"])
            .SelectMany(folder => Directory.GetFiles(Path.Combine(PackedFeed.Repository, folder), "*.csproj", SearchOption.AllDirectories))
            // What a template makes is restored where it is made.
            .Where(path => !path.Contains($"{separator}templates{separator}"))
            .Where(path => !path.Contains($"{separator}bin{separator}") && !path.Contains($"{separator}obj{separator}"));
    }

    private static string Beside(string project, string file) => Path.Combine(Path.GetDirectoryName(project)!, file);
}
