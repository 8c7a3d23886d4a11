using Models;
using SparseInfer.Files;

namespace SparseInfer.Models.Tests;

/// <summary>Models that are read into memory instead of mapped: nothing that becomes of their files matters any more.</summary>
public sealed class ReadIntoMemoryTests(LoadedModels models) : IDisposable
{
    private static readonly LoadOptions IntoMemory = new() { ReadIntoMemory = true };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_that_is_cut_off_after_loading_changes_nothing()
    {
        string path = _folder.At("model.gguf");
        File.Copy(BundledFiles.ReluGguf, path);
        using ReluF16 model = ReluF16.Load(path, Device, IntoMemory);
        Truncate(path);
        ShouldGiveTheBitsOf(models.Get(Loaded.ReluF16), model);
        model.Tokenizer.Decode(model.Tokenizer.Encode("Zoo", addBeginOfSequence: true)).ShouldBe("Zoo");
    }

    [Fact]
    public void So_it_is_for_safetensors_and_for_an_open_file()
    {
        string weights = _folder.At("model.safetensors");
        File.Copy(BundledFiles.ReluSafetensors, weights);
        string config = _folder.At("config.json");
        File.Copy(Path.Combine(BundledFiles.ReluFolder, "config.json"), config);
        ModelFile file = ModelFile.Open(weights, intoMemory: true);
        file.IsInMemory.ShouldBeTrue();
        Truncate(weights);
        Truncate(config);
        file.Metadata.GetInt64("hidden_size").ShouldBe(256);
        using ReluF16 model = ReluF16.Load(file, Device, IntoMemory);
        ShouldGiveTheBitsOf(models.Get(Loaded.ReluF16Safetensors), model);
    }

    [Fact]
    public void A_prepared_file_is_used_in_place_there_too()
    {
        string path = PreparedCopy.Write(BundledFiles.ReluGguf, _folder.At("prepared.gguf"));
        using ReluF16 model = ReluF16.Load(path, Device, IntoMemory);
        Truncate(path);
        ShouldGiveTheBitsOf(models.Get(Loaded.ReluF16), model);
    }

    [Fact]
    public void A_file_that_is_mapped_already_is_refused_with_what_to_do()
    {
        ModelFile file = ModelFile.Open(BundledFiles.ReluGguf);
        file.IsInMemory.ShouldBeFalse();
        TensorInfo tensor = file.Tensors[0];
        Should.Throw<ArgumentException>(() => ReluF16.Load(file, Device, IntoMemory)).Message.ShouldContain("ModelFile.Open(path, intoMemory: true)");
        Should.Throw<ObjectDisposedException>(() => tensor.Address);
    }

    [Fact]
    public void What_is_wrong_with_a_file_is_the_same()
    {
        File.WriteAllText(_folder.At("empty.gguf"), "");
        File.WriteAllText(_folder.At("text.gguf"), "Once upon a time");
        foreach (string name in new[] { "empty.gguf", "text.gguf" })
        {
            string mapped = Should.Throw<ModelFormatException>(() => ModelFile.Open(_folder.At(name))).Message;
            Should.Throw<ModelFormatException>(() => ModelFile.Open(_folder.At(name), intoMemory: true)).Message.ShouldBe(mapped);
        }

        Should.Throw<FileNotFoundException>(() => ModelFile.Open(_folder.At("none.gguf"), intoMemory: true));
    }

    private CpuDevice Device => models.Device(threads: 1);

    private static void Truncate(string path)
    {
        using FileStream file = File.OpenWrite(path);
        file.SetLength(0);
    }

    private static void ShouldGiveTheBitsOf(LanguageModel expected, LanguageModel model)
    {
        int[] tokens = BundledFiles.Opening(20);
        foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
        {
            using Session session = model.CreateSession(new SessionOptions { Mode = mode });
            using Session sound = expected.CreateSession(new SessionOptions { Mode = mode });
            Logits.ShouldBeBitIdentical(Logits.OneByOne(session, tokens), Logits.OneByOne(sound, tokens), mode.ToString());
        }
    }
}
