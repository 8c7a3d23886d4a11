using Models;
using SparseInfer.Files;

namespace SparseInfer.Models.Tests;

/// <summary>Files whose down matrices are neuron-major already and whose signs are packed: the same bits, or one clear error.</summary>
public sealed class PreparedModelTests(LoadedModels models) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_prepared_file_gives_the_bits_of_the_original_in_every_mode()
    {
        string path = PreparedCopy.Write(BundledFiles.ReluGguf, _folder.At("prepared.gguf"));
        using ReluF16 model = ReluF16.Load(path, Device);
        ShouldGiveTheBitsOf(models.Get(Loaded.ReluF16), model);
        model.LoadReport.Notes.ShouldBeEmpty();
        using ReluF32 widened = ReluF32.Load(path, Device);
        ShouldGiveTheBitsOf(models.Get(Loaded.ReluF32), widened);
    }

    [Fact]
    public void A_prepared_file_of_several_types_gives_the_bits_of_the_original_in_every_mode()
    {
        string path = PreparedCopy.Write(MixedFile.Write(_folder.At("mixed.gguf")), _folder.At("prepared.gguf"));
        using ReluMixed model = ReluMixed.Load(path, Device);
        ShouldGiveTheBitsOf(models.Get(Loaded.ReluMixedFile), model);
        using ReluF32 widened = ReluF32.Load(path, Device);
        ShouldGiveTheBitsOf(models.Get(Loaded.ReluMixedFileWidened), widened);
    }

    [Fact]
    public void A_prepared_file_without_zeros_and_of_an_odd_width_gives_the_bits_of_the_original()
    {
        string path = PreparedCopy.Write(BundledFiles.Stories260KGguf, _folder.At("prepared.gguf"));
        using Stories260KF32 model = Stories260KF32.Load(path, Device);
        ShouldGiveTheBitsOf(models.Get(Loaded.Stories260KF32), model);
        using Stories260KF16 narrowed = Stories260KF16.Load(path, Device, new LoadOptions { ConvertWeights = true });
        ShouldGiveTheBitsOf(models.Get(Loaded.Stories260KF16), narrowed);
    }

    [Fact]
    public void What_is_prepared_is_used_in_place()
    {
        string path = PreparedCopy.Write(BundledFiles.ReluGguf, _folder.At("prepared.gguf"));
        using ModelFile file = ModelFile.Open(path);
        TensorInMemory[] tensors = MemoryCopy.Tensors(file);
        using ReluF16 model = ReluF16.Load(MemoryCopy.Of(file, tensors), Device);
        int[] tokens = BundledFiles.Opening(2);
        float[] before = OneByOne(model, SparsityMode.Predicted, tokens);
        Clear(tensors, "ffn_gate.signs");
        float[] without = OneByOne(model, SparsityMode.Predicted, tokens);
        Logits.MaxDifference(without, before).ShouldBeGreaterThan(0.001f);
        Clear(tensors, "ffn_down_t");
        Logits.MaxDifference(OneByOne(model, SparsityMode.Predicted, tokens), without).ShouldBeGreaterThan(0.01f);
    }

    [Fact]
    public void Signs_of_other_weights_are_refused()
    {
        string path = Changed(copy => copy.Bytes("blk.2.ffn_gate.signs", bytes => bytes[(700 * 32) + 31] ^= 0x80));
        Refused(() => ReluAlpha100.Load(path, Device)).ShouldBe(
            $"{path}: tensor 'blk.2.ffn_gate.signs' does not hold the signs of its matrix, in row 700. Prepare the file again.");
    }

    [Fact]
    public void Signs_of_another_shape_are_refused()
    {
        string path = Changed(copy => copy.Tensor("blk.2.ffn_gate.signs", (writer, tensor) =>
            writer.AddTensor(tensor.Name, tensor.Type, [512, 16], tensor.Bytes.ToArray())));
        Refused(() => ReluF16.Load(path, Device)).ShouldEndWith(
            "tensor 'blk.2.ffn_gate.signs' is I32 [512, 16], but the signs of 'blk.2.ffn_gate.weight' are I32 [1024, 8]: prepare the file again");
    }

    [Theory]
    [InlineData(null, "does not name")]
    [InlineData("neuron-major-32/2", "says 'neuron-major-32/2' for")]
    public void Another_layout_is_refused(string? layout, string found)
    {
        string path = Changed(copy => copy.Key(PreparedTensors.LayoutKey, writer =>
        {
            if (layout is not null)
            {
                writer.Add(PreparedTensors.LayoutKey, layout);
            }
        }));
        Refused(() => ReluF16.Load(path, Device)).ShouldContain(
            $"'sparseinfer.prepared' {found} the layout of tensor 'blk.0.ffn_gate.signs'; 'neuron-major-32/1' is read: prepare the file again");
    }

    [Fact]
    public void A_down_matrix_of_another_shape_is_refused()
    {
        string path = Changed(copy => copy.Tensor("blk.3.ffn_down_t.weight", (writer, tensor) =>
            writer.AddTensor(tensor.Name, tensor.Type, [256, 1024], tensor.Bytes.ToArray())));
        Refused(() => ReluF16.Load(path, Device)).ShouldEndWith(
            "tensor 'blk.3.ffn_down_t.weight' is [256, 1024], but [1024, 256] (Intermediate x Hidden, F16) is declared");
    }

    [Fact]
    public void A_quantized_down_matrix_in_blocks_along_the_hidden_width_is_refused()
    {
        string path = Changed(copy => copy.Tensor("blk.3.ffn_down_t.weight", MixedFile.AsQ8));
        Refused(() => ReluMixed.Load(path, Device)).ShouldContain("tensor 'blk.3.ffn_down_t.weight' is Q8_0");
        Refused(() => ReluF32.Load(path, Device)).ShouldEndWith(
            "tensor 'blk.3.ffn_down_t.weight' is Q8_0 in blocks along the hidden width, which rounds otherwise than the model it was made "
            + "from: prepare the file again from one with 'blk.3.ffn_down.weight'");
    }

    [Fact]
    public void A_down_matrix_that_is_there_both_ways_is_refused_unless_allowed()
    {
        using ModelFile original = ModelFile.Open(BundledFiles.ReluGguf);
        original.TryGetTensor("blk.4.ffn_down.weight", out TensorInfo? down).ShouldBeTrue();
        string path = Changed(copy => copy.Add(writer => writer.AddTensor(down)));
        Refused(() => ReluF16.Load(path, Device)).ShouldEndWith(
            "tensor 'blk.4.ffn_down.weight' is there a second time, transposed, as 'blk.4.ffn_down_t.weight': leave one out, "
            + "or load with LoadOptions.AllowUnusedTensors to use the transposed");
        using ReluF16 model = ReluF16.Load(path, Device, new LoadOptions { AllowUnusedTensors = true });
        model.LoadReport.Notes.ShouldBe(["Unused: tensor 'blk.4.ffn_down.weight'."]);
    }

    [Fact]
    public void A_prepared_weight_that_is_not_finite_is_found()
    {
        string path = Changed(copy => copy.Bytes("blk.3.ffn_down_t.weight", bytes => NotFinite(bytes, (77 * 256) + 9)));
        Refused(() => ReluF16.Load(path, Device)).ShouldContain(
            "tensor 'blk.3.ffn_down_t.weight' has a weight that is not a finite number, at row 77, column 9");

        string mixed = PreparedCopy.Write(MixedFile.Write(_folder.At("mixed.gguf")), _folder.At("prepared.gguf"));
        string damaged = new GgufCopy().Bytes("blk.1.ffn_down_t.weight", bytes => NotFinite(bytes, (3 * 34 * 128) + 9))
            .Write(mixed, _folder.At("scale.gguf"));
        Refused(() => ReluMixed.Load(damaged, Device)).ShouldContain(
            "tensor 'blk.1.ffn_down_t.weight' has a block scale that is not a finite number, at row 96, column 9");
    }

    private CpuDevice Device => models.Device(threads: 1);

    private static void NotFinite(byte[] bytes, int half) => bytes.AsSpan(half * 2, 2).Fill(0x7E);

    private static void Clear(TensorInMemory[] tensors, string part)
    {
        foreach (TensorInMemory tensor in tensors.Where(tensor => tensor.Name.Contains(part)))
        {
            tensor.Bytes.AsSpan<byte>().Clear();
        }
    }

    private static float[] OneByOne(LanguageModel model, SparsityMode mode, int[] tokens)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = mode });
        return Logits.OneByOne(session, tokens);
    }

    private static void ShouldGiveTheBitsOf(LanguageModel expected, LanguageModel actual)
    {
        int[] tokens = BundledFiles.Opening(40);
        foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
        {
            Logits.ShouldBeBitIdentical(OneByOne(actual, mode, tokens), OneByOne(expected, mode, tokens), mode.ToString());
        }

        using Session session = actual.CreateSession();
        using Session other = expected.CreateSession();
        Logits.ShouldBeBitIdentical(Logits.Batched(session, tokens), Logits.Batched(other, tokens), "a prompt");
    }

    private string Changed(Action<GgufCopy> change)
    {
        var copy = new GgufCopy();
        change(copy);
        return copy.Write(PreparedCopy.Write(BundledFiles.ReluGguf, _folder.At("prepared.gguf")), _folder.At("changed.gguf"));
    }

    private static string Refused(Func<LanguageModel> load) => Should.Throw<ModelFormatException>(() => load().Dispose()).Message;
}
