using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Convert;

/// <summary>What <c>sparseinfer convert</c> writes to: names at their limit, files that are replaced, links.</summary>
public sealed class ReplacedFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(245, true)]
    [InlineData(255, true)]
    [InlineData(256, false)]
    public void A_name_may_be_as_long_as_the_file_system_permits(int length, bool fits)
    {
        string name = new string('x', length - 5) + ".gguf";
        ToolResult result = Convert(At(name));
        result.ExitCode.ShouldBe(fits ? 0 : 1, result.Error);
        Names().ShouldBe(fits ? [name] : []);
        if (!fits)
        {
            result.Error.ShouldContain($"'{At(name)}' is too long");
        }
    }

    [Theory]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)]
    public void The_permissions_of_a_replaced_file_are_kept(UnixFileMode mode)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // permissions there are the folder's
        }

        File.WriteAllText(At("model.gguf"), "before");
        File.SetUnixFileMode(At("model.gguf"), mode);
        Convert(At("model.gguf"), "--force").ExitCode.ShouldBe(0);
        ShouldBeAModel(At("model.gguf"));
        File.GetUnixFileMode(At("model.gguf")).ShouldBe(mode);
    }

    [Fact]
    public void Of_a_link_the_target_is_replaced_and_nothing_is_written_beside_the_link()
    {
        string models = Directory.CreateDirectory(At("models")).FullName;
        string links = Directory.CreateDirectory(At("links")).FullName;
        File.WriteAllText(Path.Combine(models, "model.gguf"), "before");
        File.CreateSymbolicLink(Path.Combine(models, "current.gguf"), "model.gguf");
        string link = Path.Combine(links, "link.gguf");
        File.CreateSymbolicLink(link, Path.Combine("..", "models", "current.gguf"));

        Convert(link).Error.ShouldContain($"{link} is there already: give --force to replace it.");
        Convert(link, "--force").ExitCode.ShouldBe(0);

        new FileInfo(link).LinkTarget.ShouldBe(Path.Combine("..", "models", "current.gguf"));
        new FileInfo(Path.Combine(models, "current.gguf")).LinkTarget.ShouldBe("model.gguf");
        new FileInfo(Path.Combine(models, "model.gguf")).LinkTarget.ShouldBeNull();
        ShouldBeAModel(Path.Combine(models, "model.gguf"));
        Directory.GetFileSystemEntries(links).ShouldBe([link]);
        Directory.GetFileSystemEntries(models).Length.ShouldBe(2);
    }

    [Theory]
    [InlineData("nowhere.gguf", "is a link to nowhere.gguf, which is no file to replace")]
    [InlineData("link.gguf", "link.gguf")]
    [InlineData("folder", "is a folder")]
    [InlineData("/dev/null", "link.gguf is")]
    public void A_link_that_leads_to_no_file_is_refused(string target, string expected)
    {
        Directory.CreateDirectory(At("folder"));
        File.CreateSymbolicLink(At("link.gguf"), target);
        foreach (string[] options in (string[][])[[], ["--force"]])
        {
            ToolResult result = Convert(At("link.gguf"), options);
            result.ExitCode.ShouldBe(1);
            result.Error.ShouldContain(expected);
            result.Error.TrimEnd().ShouldNotContain('\n');
            new FileInfo(At("link.gguf")).LinkTarget.ShouldBe(target);
            Names().ShouldBe(["folder", "link.gguf"]);
        }
    }

    private string At(string name) => Path.Combine(_folder, name);

    private string[] Names() => [.. Directory.GetFileSystemEntries(_folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private static ToolResult Convert(string destination, params string[] options) =>
        ToolProgram.Run(["convert", ToolProgram.Gguf, destination, .. options]);

    private static void ShouldBeAModel(string path)
    {
        using ModelFile file = ModelFile.Open(path);
        file.TryGetTensor("blk.5.ffn_down_t.weight", out _).ShouldBeTrue();
    }
}
