using System.Text;
using SparseInfer.Files;

namespace SparseInfer.Runtime.Tests.Files;

public sealed class ModelLocatorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_missing_path_is_a_missing_file()
    {
        string path = Path.Combine(_folder.Root, "nowhere.gguf");
        Should.Throw<FileNotFoundException>(() => ModelFile.Open(path)).Message.ShouldContain(path);
    }

    [Fact]
    public void A_folder_without_a_model_says_what_it_looked_for() =>
        Fault(_folder.Root).ShouldContain("neither a *.safetensors nor a *.gguf");

    [Fact]
    public void An_empty_file_says_so() => Fault(_folder.Write("empty.gguf", [])).ShouldContain("the file is empty");

    [Fact]
    public void Content_decides_and_not_the_extension()
    {
        using var gguf = ModelFile.Open(_folder.Write("a.safetensors", new RawGguf().ToArray()));
        gguf.Format.ShouldBe(ModelFileFormat.Gguf);
        using var safetensors = ModelFile.Open(_folder.Write("b.gguf", RawSafetensors.Build("{}")));
        safetensors.Format.ShouldBe(ModelFileFormat.Safetensors);
    }

    [Fact]
    public void A_folder_opens_its_only_gguf()
    {
        _folder.Write("model.gguf", new RawGguf().ToArray());
        using var model = ModelFile.Open(_folder.Root);
        model.Format.ShouldBe(ModelFileFormat.Gguf);
        model.Path.ShouldBe(_folder.Root);
    }

    [Fact]
    public void A_folder_with_several_candidates_lists_them()
    {
        _folder.Write("a.gguf", new RawGguf().ToArray());
        _folder.Write("b.gguf", new RawGguf().ToArray());
        Fault(_folder.Root).ShouldContain("a.gguf, b.gguf");
    }

    [Theory]
    [InlineData("M.GGUF")]
    [InlineData("Model.Safetensors")]
    [InlineData("PART.SAFETENSORS")]
    public void A_name_in_capitals_is_found_in_a_folder(string name)
    {
        bool gguf = name.EndsWith("GGUF", StringComparison.Ordinal);
        _folder.Write(name, gguf ? new RawGguf().ToArray() : RawSafetensors.Build("{}"));
        using var model = ModelFile.Open(_folder.Root);
        model.Format.ShouldBe(gguf ? ModelFileFormat.Gguf : ModelFileFormat.Safetensors);
    }

    [Theory]
    [InlineData("pytorch_model.bin")]
    [InlineData("pytorch_model-00001-of-00002.bin")]
    [InlineData("consolidated.00.pth")]
    public void A_folder_with_only_a_pickled_model_says_what_to_convert_it_to(string name)
    {
        _folder.Write(name, [1]);
        _folder.Write("config.json", "{}"u8);
        string fault = Fault(_folder.Root);
        fault.ShouldContain(name);
        fault.ShouldContain("convert it to safetensors");
        _folder.Write("model.safetensors", RawSafetensors.Build("{}"));
        ModelFile.Open(_folder.Root).Dispose();
    }

    [Fact]
    public void A_pickled_file_says_what_to_convert_it_to() =>
        Fault(_folder.Write("pytorch_model.bin", [0x80, 2, (byte)'}', 0])).ShouldContain("Convert the model to safetensors");

    [Fact]
    public void A_link_to_nothing_is_called_one_wherever_it_is_met()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // links need a privilege there
        }

        string link = Path.Combine(_folder.Root, "model.gguf");
        File.CreateSymbolicLink(link, "../blobs/gone\u001b[31m");
        Fault(link).ShouldContain(@"this is a link to '../blobs/gone\u001b[31m', which is not there");
        Should.Throw<ModelFormatException>(() => ModelFile.Open(_folder.Root)).Message.ShouldStartWith(link);

        // What a link of links leads to counts.
        File.CreateSymbolicLink(Path.Combine(_folder.Root, "chain"), link);
        Fault(Path.Combine(_folder.Root, "chain")).ShouldContain("which is not there");
        _folder.Write("real", new RawGguf().ToArray());
        File.Delete(link);
        File.CreateSymbolicLink(link, "real");
        ModelFile.Open(Path.Combine(_folder.Root, "chain")).Dispose();

        // And a config.json counts as a part of the model.
        File.Delete(link);
        _folder.Write("model.safetensors", RawSafetensors.Build("{}"));
        File.CreateSymbolicLink(Path.Combine(_folder.Root, "config.json"), "gone");
        Should.Throw<ModelFormatException>(() => ModelFile.Open(_folder.Root)).Message.ShouldContain("config.json: this is a link to 'gone'");
    }

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer")]
    [InlineData("PK\u0003\u0004 data.pkl", "zip archive")]
    [InlineData("tjgg\u0003\0\0\0", "older than GGUF")]
    [InlineData("lmgg", "older than GGUF")]
    [InlineData("<!DOCTYPE html>", "neither a GGUF file")]
    [InlineData("x", "neither a GGUF file")]
    [InlineData("{\"hidden_size\": 256}", "no index of a sharded model")]
    public void Other_content_is_named(string content, string expected) =>
        Fault(_folder.Write("model.bin", Encoding.UTF8.GetBytes(content))).ShouldContain(expected);

    private static string Fault(string path)
    {
        var error = Should.Throw<ModelFormatException>(() => ModelFile.Open(path));
        error.Message.ShouldStartWith(path);
        return error.Message;
    }
}
