using System.IO.Compression;
using Mono.Cecil;

namespace SparseInfer.Packages.Tests;

/// <summary>
/// What keeps users' programs from breaking once a version is published: <c>dotnet pack</c> compares each package with the one before, and fails where a public member is gone.
/// </summary>
public sealed class PackageValidationTests(PackedFeed feed) : IDisposable
{
    private const string Package = "SparseInfer.Dsl";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sparseinfer-validation-");

    [Fact]
    public void A_public_member_that_the_package_before_had_is_missed()
    {
        string before = Path.Combine(feed.Folder, $"{Package}.{PackedFeed.Version}.nupkg");
        PackAfter(before).ShouldSucceed();

        CommandResult without = PackAfter(WithOneMoreMember(before));
        without.ExitCode.ShouldNotBe(0);
        without.Output.ShouldContain("CP0002");
        without.Output.ShouldContain("SparseInfer.RmsNormAttribute.Gone");
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private CommandResult PackAfter(string baseline) => PackedFeed.Pack(
        Path.Combine("src", Package), $"-p:TestFeed={Path.Combine(_folder.FullName, "feed")}", $"-p:PackageValidationBaselinePath={baseline}");

    /// <summary>A copy of a package whose assembly has a public method more.</summary>
    private string WithOneMoreMember(string package)
    {
        string copy = Path.Combine(_folder.FullName, Path.GetFileName(package));
        File.Copy(package, copy);
        using ZipArchive archive = ZipFile.Open(copy, ZipArchiveMode.Update);
        ZipArchiveEntry entry = archive.GetEntry($"lib/net10.0/{Package}.dll")!;
        using var assembly = new MemoryStream();
        using (Stream packed = entry.Open())
        {
            packed.CopyTo(assembly);
        }

        assembly.Position = 0;
        using ModuleDefinition module = ModuleDefinition.ReadModule(assembly);
        var method = new MethodDefinition("Gone", MethodAttributes.Public | MethodAttributes.HideBySig, module.TypeSystem.Void);
        method.Body.GetILProcessor().Emit(Mono.Cecil.Cil.OpCodes.Ret);
        module.GetType("SparseInfer.RmsNormAttribute").Methods.Add(method);
        using Stream written = entry.Open();
        written.SetLength(0);
        module.Write(written);
        return copy;
    }
}
