using SparseInfer.Cli.Compilation;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests.Run;

/// <summary>Compiled models that are kept: found again, made again where they are damaged, and never taken from where others can write.</summary>
public sealed class CompiledCacheTests : IDisposable
{
    private readonly string _folder = Path.Combine(Directory.CreateTempSubdirectory("sparseinfer-cache").FullName, "models");

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);

    [Fact]
    public void A_model_is_compiled_once()
    {
        ModelDeclaration model = Declare();

        IsCompiled(model).ShouldBeTrue();
        IsCompiled(model).ShouldBeFalse();
        IsCompiled(model with { Policies = ["Dense"] }).ShouldBeTrue();
        IsCompiled(model with { Policies = ["Dense"] }).ShouldBeFalse();
        IsCompiled(model with { Policies = ["SignBitPredictor"], Profile = new("p.json", "{}") }, expectsError: true).ShouldBeTrue();
        Directory.GetFiles(_folder).Length.ShouldBe(2);
    }

    /// <summary>Also where what is left is an assembly, which would fail somewhere in its methods.</summary>
    [Theory]
    [InlineData(0, false)]
    [InlineData(0.5, false)]
    [InlineData(0.5, true)]
    [InlineData(1, true)]
    public void A_damaged_file_is_made_again(double place, bool isFlipped)
    {
        ModelDeclaration model = Declare();
        IsCompiled(model).ShouldBeTrue();
        string file = Directory.GetFiles(_folder).ShouldHaveSingleItem();
        byte[] whole = File.ReadAllBytes(file);
        int at = (int)(place * (whole.Length - 1));
        byte[] damaged = isFlipped ? [.. whole] : whole[..at];
        if (isFlipped)
        {
            damaged[at] ^= 1;
        }

        File.WriteAllBytes(file, damaged);

        IsCompiled(model).ShouldBeTrue();
        IsCompiled(model).ShouldBeFalse();
        File.ReadAllBytes(file).ShouldBe(whole);
    }

    [Fact]
    public void Where_others_can_write_nothing_is_taken_and_nothing_is_kept()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Folders have no such modes.");
        ModelDeclaration model = Declare();
        IsCompiled(model).ShouldBeTrue();
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_folder, File.GetUnixFileMode(_folder) | UnixFileMode.OtherWrite);
        }

        IsCompiled(model).ShouldBeTrue();
        IsCompiled(model).ShouldBeTrue();
    }

    [Fact]
    public void Without_a_folder_each_call_compiles()
    {
        ModelDeclaration model = Declare();
        string file = Path.Combine(Path.GetDirectoryName(_folder)!, "file");
        File.WriteAllText(file, "");

        foreach (CompiledCache cache in new[] { new CompiledCache(null), new CompiledCache(Path.Combine(file, "below")) })
        {
            IsCompiled(model, cache).ShouldBeTrue();
            IsCompiled(model, cache).ShouldBeTrue();
        }
    }

    [Fact]
    public void A_key_is_that_of_the_whole_declaration()
    {
        ModelDeclaration model = Declare();
        string[] keys =
        [
            CompiledCache.Key(model, forGpu: false), CompiledCache.Key(model, forGpu: true), CompiledCache.Key(model with { Context = 256 }, forGpu: false),
            CompiledCache.Key(model with { Profile = new("a.json", "1") }, forGpu: false), CompiledCache.Key(model with { Profile = new("a.json", "2") }, forGpu: false),
        ];

        keys.ShouldBeUnique();
        CompiledCache.Key(Declare(), forGpu: false).ShouldBe(keys[0]);
    }

    private static ModelDeclaration Declare()
    {
        using ModelFile file = ModelFile.Open(ToolProgram.Gguf);
        return FileDeclaration.Read(file, activation: null, threshold: null, alpha: 1f) with { Policies = ["ExactSparsity"] };
    }

    private bool IsCompiled(ModelDeclaration model, bool expectsError = false)
    {
        bool isCompiled = false;
        Action get = () => new CompiledCache(_folder).Get(model, forGpu: false, () => isCompiled = true, TestContext.Current.CancellationToken).Declaration.ShouldBe(model);
        if (expectsError)
        {
            Should.Throw<CliException>(get);
        }
        else
        {
            get();
        }

        return isCompiled;
    }

    private static bool IsCompiled(ModelDeclaration model, CompiledCache cache)
    {
        bool isCompiled = false;
        cache.Get(model, forGpu: false, () => isCompiled = true, TestContext.Current.CancellationToken);
        return isCompiled;
    }
}
