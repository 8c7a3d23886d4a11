using Models;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Models.Tests;

/// <summary>Models that never were a file.</summary>
public sealed class MemoryModelTests(LoadedModels models)
{
    [Fact]
    public void A_model_in_memory_gives_the_bits_of_its_file()
    {
        using ReluF16 model = ReluF16.Load(MemoryCopy.Of(BundledFiles.ReluGguf), Device);
        model.LoadReport.File.ShouldBe("copy");
        model.LoadReport.WeightBytes.ShouldBe(models.Get(Loaded.ReluF16).LoadReport.WeightBytes);
        model.Tokenizer.VocabularySize.ShouldBe(512);
        int[] tokens = BundledFiles.Opening(40);
        foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
        {
            using Session session = model.CreateSession(new SessionOptions { Mode = mode });
            using Session expected = models.Get(Loaded.ReluF16).CreateSession(new SessionOptions { Mode = mode });
            Logits.ShouldBeBitIdentical(Logits.OneByOne(session, tokens), Logits.OneByOne(expected, tokens), mode.ToString());
        }
    }

    [Fact]
    public void Matrices_in_memory_are_used_in_place()
    {
        using ModelFile source = ModelFile.Open(BundledFiles.ReluGguf);
        TensorInMemory[] tensors = MemoryCopy.Tensors(source);
        using ReluF16 model = ReluF16.Load(ModelFile.FromMemory("copy", metadata: null, tensors), Device);
        using Session session = model.CreateSession(new SessionOptions { Mode = SparsityMode.Dense });
        float[] before = session.Forward([1]).ToArray();
        foreach (TensorInMemory tensor in tensors.Where(tensor => tensor.Name.Contains("ffn_up")))
        {
            tensor.Bytes.AsSpan<byte>().Clear();
        }

        session.Rewind(0);
        Logits.MaxDifference(session.Forward([1]), before).ShouldBeGreaterThan(0.01f);
    }

    [Fact]
    public void A_model_frees_the_memory_it_was_loaded_from_and_so_does_a_failure()
    {
        using ModelFile source = ModelFile.Open(BundledFiles.ReluGguf);
        TensorInMemory[] tensors = MemoryCopy.Tensors(source);
        ReluF16.Load(ModelFile.FromMemory("copy", metadata: null, tensors), Device).Dispose();
        tensors.ShouldAllBe(tensor => IsFreed(tensor.Bytes));

        tensors = MemoryCopy.Tensors(source);
        Should.Throw<ModelFormatException>(() => ReluF16.Load(ModelFile.FromMemory("some", metadata: null, tensors[1..]), Device))
            .Message.ShouldStartWith("some");
        tensors.Skip(1).ShouldAllBe(tensor => IsFreed(tensor.Bytes));
        IsFreed(tensors[0].Bytes).ShouldBeFalse();
        tensors[0].Bytes.Dispose();
    }

    [Fact]
    public void Metadata_in_memory_is_compared_with_the_declaration()
    {
        using ModelFile source = ModelFile.Open(BundledFiles.ReluGguf);
        var keys = new GgufWriter();
        keys.Add("general.architecture", "llama");
        keys.Add("llama.block_count", 5u);
        ModelFile file = ModelFile.FromMemory("copy", keys.ToMetadata("copy"), MemoryCopy.Tensors(source));
        Should.Throw<ModelFormatException>(() => ReluF16.Load(file, Device))
            .Message.ShouldContain("'llama.block_count' is 5, but [DecoderModel] Layers = 6 is declared");
    }

    [Fact]
    public void What_is_no_tensor_or_there_twice_is_refused()
    {
        using NativeBuffer bytes = NativeBuffer.Allocate(64);
        var f16 = TensorType.Of(WeightType.F16);
        Should.Throw<ArgumentException>(() => new TensorInMemory("a", f16, [4, 9], bytes)).Message.ShouldContain("takes 72 bytes, not 64");
        Should.Throw<ArgumentException>(() => new TensorInMemory("a", TensorType.Of(WeightType.Q8_0), [2, 16], bytes));
        Should.Throw<ArgumentException>(() => new TensorInMemory("a", f16, [], bytes));
        var tensor = new TensorInMemory("a", f16, [4, 8], bytes);
        Should.Throw<ArgumentException>(() => ModelFile.FromMemory("twice", metadata: null, [tensor, tensor]))
            .Message.ShouldContain("two tensors 'a'");
        IsFreed(bytes).ShouldBeFalse();
    }

    private CpuDevice Device => models.Device(threads: 1);

    private static bool IsFreed(NativeBuffer buffer)
    {
        try
        {
            return buffer.Address == 0;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }
}
