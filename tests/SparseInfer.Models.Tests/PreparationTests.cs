using System.Buffers.Binary;
using Models;
using SparseInfer.Files;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Models.Tests;

/// <summary>Preparing model files: what is written, and that nothing is where something goes wrong.</summary>
public sealed class PreparationTests(LoadedModels models) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_prepared_as_the_kernels_would_prepare_it()
    {
        string path = _folder.At("prepared.gguf");
        PreparationReport report = Prepare(BundledFiles.ReluGguf, path);
        ShouldHoldTheSame(path, PreparedCopy.Write(BundledFiles.ReluGguf, _folder.At("expected.gguf")));
        report.ShouldBe(new PreparationReport(path, new FileInfo(path).Length, Transposed: 6, SignPlanes: 6));

        using ReluF16 model = ReluF16.Load(path, models.Device(threads: 1));
        model.Tokenizer.VocabularySize.ShouldBe(512);
        using Session session = model.CreateSession();
        using Session expected = models.Get(Loaded.ReluF16).CreateSession();
        int[] tokens = BundledFiles.Opening(20);
        Logits.ShouldBeBitIdentical(Logits.OneByOne(session, tokens), Logits.OneByOne(expected, tokens), "prepared");
    }

    [Fact]
    public void A_file_of_several_types_is_prepared_as_the_kernels_would_prepare_it()
    {
        string mixed = MixedFile.Write(_folder.At("mixed.gguf"));
        Prepare(mixed, _folder.At("prepared.gguf"));
        ShouldHoldTheSame(_folder.At("prepared.gguf"), PreparedCopy.Write(mixed, _folder.At("expected.gguf")));
    }

    [Fact]
    public void Weights_in_another_type_are_those_that_loading_them_so_would_give()
    {
        var copy = new GgufCopy();
        using (ModelFile file = ModelFile.Open(BundledFiles.ReluGguf))
        {
            foreach (TensorInfo tensor in file.Tensors.Where(tensor => tensor.Shape.Count == 2))
            {
                copy.Tensor(tensor.Name, MixedFile.AsQ8);
            }
        }

        string quantized = copy.Write(BundledFiles.ReluGguf, _folder.At("q8.gguf"));
        string expected = PreparedCopy.Write(quantized, _folder.At("expected.gguf"));
        string path = _folder.At("prepared.gguf");
        Prepare(BundledFiles.ReluGguf, path, new PreparationOptions { Weights = WeightType.Q8_0 });
        ShouldHoldTheSame(path, expected, exceptKey: "general.file_type");
        using ModelFile prepared = ModelFile.Open(path);
        prepared.Metadata.GetInt64("general.file_type").ShouldBe(7);
    }

    [Theory]
    [InlineData(40, 72)]
    [InlineData(33, 31)]
    [InlineData(70, 5000)]
    public void Any_width_is_transposed_and_its_signs_are_packed(int hidden, int intermediate)
    {
        string path = _folder.At("odd.gguf");
        using (ModelFile source = UpAndDown(hidden, intermediate))
        {
            ModelPreparation.Write(source, path).SignPlanes.ShouldBe(1);
            source.TryGetTensor("blk.0.ffn_down.weight", out TensorInfo? down).ShouldBeTrue();
            source.TryGetTensor("blk.0.ffn_up.weight", out TensorInfo? up).ShouldBeTrue();
            using ModelFile prepared = ModelFile.Open(path);
            prepared.TryGetTensor("blk.0.ffn_down.weight", out _).ShouldBeFalse();
            prepared.TryGetTensor("blk.0.ffn_down_t.weight", out TensorInfo? transposed).ShouldBeTrue();
            transposed.Shape.ShouldBe([intermediate, hidden]);
            prepared.TryGetTensor("blk.0.ffn_up.signs", out TensorInfo? signs).ShouldBeTrue();
            for (int i = 0; i < intermediate; i++)
            {
                for (int j = 0; j < hidden; j++)
                {
                    Half(transposed, (i * hidden) + j).ShouldBe(Half(down, (j * intermediate) + i));
                    int word = BinaryPrimitives.ReadInt32LittleEndian(signs.Bytes[((i * (int)signs.Shape[1] * 4) + (j / 32 * 4))..]);
                    ((word >>> (j % 32)) & 1).ShouldBe(Half(up, (i * hidden) + j) >>> 15);
                }
            }
        }
    }

    [Theory]
    [InlineData(WeightType.Q5_1)]
    [InlineData(WeightType.Q4_K)]
    [InlineData(WeightType.Q6_K)]
    public void A_block_keeps_its_scales_and_minima_where_neurons_are_rows(WeightType type)
    {
        const int Hidden = 96;
        const int Intermediate = 512;
        string path = _folder.At("blocks.gguf");
        using ModelFile source = UpAndDown(256, Intermediate, Hidden);
        ModelPreparation.Write(source, path, new PreparationOptions { Weights = type });
        using ModelFile prepared = ModelFile.Open(path);
        source.TryGetTensor("blk.0.ffn_down.weight", out TensorInfo? down).ShouldBeTrue();
        prepared.TryGetTensor("blk.0.ffn_down_t.weight", out TensorInfo? transposed).ShouldBeTrue();
        TensorType stored = TensorType.Of(type);
        transposed.Shape.ShouldBe([Intermediate / stored.ElementsPerBlock, stored.BytesPerBlock, Hidden]);
        PreparedTensors.BlockTypeOf(transposed).ShouldBe(type);

        float[] values = [.. Enumerable.Range(0, Hidden * Intermediate).Select(i => (float)BitConverter.UInt16BitsToHalf((ushort)Half(down, i)))];
        float[] expected = TinyFiles.Decode(type, TinyFiles.Encode(type, values));
        for (int neuron = 0; neuron < Intermediate; neuron++)
        {
            float[] row = TinyFiles.DecodeDown(type, transposed.Address, Intermediate, Hidden, neuron);
            row.ShouldBe(Enumerable.Range(0, Hidden).Select(column => expected[(column * Intermediate) + neuron]), $"{type}, neuron {neuron}");
        }
    }

    [Fact]
    public void No_two_types_have_blocks_of_as_many_bytes()
    {
        // By these a prepared file's down matrix is known.
        TensorType[] blocks = [.. Enum.GetValues<WeightType>().Select(TensorType.Of).Where(type => type.ElementsPerBlock > 1)];
        blocks.Select(type => type.BytesPerBlock).ShouldBeUnique();
    }

    [Fact]
    public void Preparing_a_prepared_file_changes_nothing()
    {
        Prepare(MixedFile.Write(_folder.At("mixed.gguf")), _folder.At("once.gguf"));
        Prepare(_folder.At("once.gguf"), _folder.At("twice.gguf"));
        File.ReadAllBytes(_folder.At("twice.gguf")).ShouldBe(File.ReadAllBytes(_folder.At("once.gguf")));
    }

    [Fact]
    public void Signs_of_up_matrices_are_stored_on_request_and_for_drelu()
    {
        string path = _folder.At("prepared.gguf");
        Prepare(BundledFiles.ReluGguf, path, new PreparationOptions { UpSigns = true }).SignPlanes.ShouldBe(12);
        const string key = "llama.feed_forward.activation";
        string other = new GgufCopy().Key(key, writer => writer.Add(key, "drelu")).Write(BundledFiles.ReluGguf, _folder.At("drelu.gguf"));
        Prepare(other, _folder.At("prepared-drelu.gguf")).SignPlanes.ShouldBe(12);
        ReluF16.Load(path, models.Device(threads: 1)).Dispose();
    }

    [Fact]
    public void Progress_ends_at_the_total_and_never_goes_back()
    {
        var told = new List<LoadProgress>();
        string path = _folder.At("prepared.gguf");
        Prepare(BundledFiles.ReluGguf, path, progress: new Recorder(told.Add));
        using ModelFile file = ModelFile.Open(path);
        long total = file.Tensors.Sum(tensor => tensor.ByteLength);
        told.ShouldAllBe(progress => progress.BytesTotal == total);
        told.Zip(told.Skip(1)).ShouldAllBe(pair => pair.First.BytesDone < pair.Second.BytesDone);
        told[^1].BytesDone.ShouldBe(total);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(61)]
    public void Cancelling_leaves_what_was_there(int pieces)
    {
        using var source = new CancellationTokenSource();
        var progress = new Recorder(_ =>
        {
            if (--pieces == 0)
            {
                source.Cancel();
            }
        });
        string path = _folder.At("prepared.gguf");
        File.WriteAllText(path, "before");
        Should.Throw<OperationCanceledException>(() => Prepare(
            BundledFiles.ReluGguf, path, new PreparationOptions { Overwrite = true }, progress, source.Token));
        pieces.ShouldBeLessThanOrEqualTo(0);
        _folder.Names.ShouldBe(["prepared.gguf"]);
        File.ReadAllText(path).ShouldBe("before");
    }

    [Fact]
    public void A_file_that_is_there_is_replaced_only_on_request()
    {
        string path = _folder.At("prepared.gguf");
        File.WriteAllText(path, "before");
        Should.Throw<IOException>(() => Prepare(BundledFiles.ReluGguf, path)).Message.ShouldBe(
            $"{path} is there already: remove it, or ask for it to be replaced.");
        File.ReadAllText(path).ShouldBe("before");
        Prepare(BundledFiles.ReluGguf, path, new PreparationOptions { Overwrite = true });
        ReluF16.Load(path, models.Device(threads: 1)).Dispose();
        _folder.Names.ShouldBe(["prepared.gguf"]);
    }

    [Fact]
    public void A_destination_that_cannot_be_written_is_refused()
    {
        File.Copy(BundledFiles.ReluGguf, _folder.At("source.gguf"));
        File.CreateSymbolicLink(_folder.At("link.gguf"), _folder.At("source.gguf"));
        var overwrite = new PreparationOptions { Overwrite = true };
        Should.Throw<IOException>(() => Prepare(_folder.At("source.gguf"), _folder.At("source.gguf"), overwrite))
            .Message.ShouldContain("is the source itself");
        Should.Throw<IOException>(() => Prepare(_folder.At("source.gguf"), _folder.At("link.gguf"), overwrite))
            .Message.ShouldContain("is the source itself");
        Should.Throw<IOException>(() => Prepare(_folder.At("source.gguf"), _folder.At(""), overwrite))
            .Message.ShouldContain("is a folder");
        Should.Throw<IOException>(() => Prepare(_folder.At("source.gguf"), _folder.At(Path.Combine("none", "a.gguf"))))
            .Message.ShouldContain("There is no folder");
        File.WriteAllText(_folder.At("empty.gguf"), "");
        Should.Throw<IOException>(() => Prepare(_folder.At("source.gguf"), _folder.At("empty.gguf"), overwrite))
            .Message.ShouldContain("a pipe or a device, which is not replaced");
        _folder.Names.ShouldBe(["empty.gguf", "link.gguf", "source.gguf"]);
    }

    [Fact]
    public void What_cannot_be_prepared_is_refused()
    {
        Refused(BundledFiles.ReluSafetensors).ShouldContain("there is no tokenizer.json or tokenizer.model beside the weights: put the model's own there, or prepare with PreparationOptions.NoTokenizer");
        Refused(BundledFiles.Phi3Vocabulary).ShouldContain("there is no 'blk.0.ffn_down.weight'");

        TensorType i8 = PreparedTensors.DownType(WeightType.Q8_0);
        string bytes = Copy(copy => copy.Tensor("blk.0.attn_q.weight", (writer, tensor) =>
            writer.AddTensor(tensor.Name, i8, [256, 256], new byte[256 * 256])));
        Refused(bytes).ShouldEndWith(
            "tensor 'blk.0.attn_q.weight' is I8, which no kernel reads: start from a file whose matrices are F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K");

        string nan = Copy(copy => copy.Bytes("blk.5.ffn_down.weight", stored => stored.AsSpan(((9 * 1024) + 3) * 2, 2).Fill(0x7E)));
        Refused(nan).ShouldContain("tensor 'blk.5.ffn_down.weight' has a weight that is not a finite number, at row 9, column 3");
        nan = Copy(copy => copy.Bytes("blk.5.ffn_up.weight", stored => stored.AsSpan(((9 * 256) + 3) * 2, 2).Fill(0x7E)));
        Refused(nan, WeightType.Q8_0).ShouldContain("tensor 'blk.5.ffn_up.weight' has a weight that is not a finite number, at row 9, column 3");

        string transposed = PreparedCopy.Write(BundledFiles.ReluGguf, _folder.At("transposed.gguf"));
        Refused(transposed, WeightType.Q8_0).ShouldContain(
            "tensor 'blk.0.ffn_down_t.weight' is F16 and transposed already: to have Q8_0, prepare the original");
        Refused(BundledFiles.Stories260KGguf, WeightType.Q4_0).ShouldEndWith(
            "tensor 'blk.4.ffn_down.weight' has rows of 172 weights, no whole number of Q4_0 blocks: choose a type without blocks for it, such as F16");
    }

    [Theory]
    [InlineData("blk.2.ffn_down.weight", 1024)]
    [InlineData("blk.2.ffn_up.weight", 256)]
    public void A_weight_that_does_not_fit_the_type_is_found(string name, int columns)
    {
        string wide = new GgufCopy().Bytes(name, bytes => BinaryPrimitives.WriteSingleLittleEndian(
            bytes.AsSpan(((100 * columns) + 77) * 4), 70000f)).Write(MixedFile.Write(_folder.At("mixed.gguf")), _folder.At("wide.gguf"));
        Refused(wide, WeightType.F16).ShouldContain(
            $"tensor '{name}' has a weight too large for F16, at row 100, column 77: choose F32.");
    }

    private static PreparationReport Prepare(
        string source,
        string destination,
        PreparationOptions? options = null,
        IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        using ModelFile file = ModelFile.Open(source);
        return ModelPreparation.Write(file, destination, options, progress, cancellationToken);
    }

    private string Refused(string source, WeightType? weights = null)
    {
        string destination = _folder.At("refused.gguf");
        string message = Should.Throw<ModelFormatException>(
            () => Prepare(source, destination, new PreparationOptions { Weights = weights })).Message;
        _folder.Names.ShouldNotContain(name => name.Contains("refused"));
        return message;
    }

    private string Copy(Action<GgufCopy> change)
    {
        var copy = new GgufCopy();
        change(copy);
        return copy.Write(BundledFiles.ReluGguf, _folder.At("changed.gguf"));
    }

    private static void ShouldHoldTheSame(string path, string expectedPath, string exceptKey = "")
    {
        using ModelFile file = ModelFile.Open(path);
        using ModelFile expected = ModelFile.Open(expectedPath);
        file.Tensors.Select(tensor => tensor.ToString()).ShouldBe(expected.Tensors.Select(tensor => tensor.ToString()));
        foreach ((TensorInfo a, TensorInfo b) in file.Tensors.Zip(expected.Tensors))
        {
            a.Bytes.SequenceEqual(b.Bytes).ShouldBeTrue(a.Name);
            (a.Offset % 64).ShouldBe(0);
        }

        foreach (string key in expected.Metadata.Keys.Where(key => key != exceptKey && key != "general.alignment"))
        {
            file.Metadata.Describe(key).ShouldBe(expected.Metadata.Describe(key));
        }

        file.Metadata.GetInt64("general.alignment").ShouldBe(64);
        file.Metadata.GetString(PreparedTensors.LayoutKey).ShouldBe(PreparedTensors.Layout);
    }

    /// <summary>A layer without a gate, in F16 of random bits that are finite.</summary>
    private static ModelFile UpAndDown(int hidden, int intermediate, int? outputs = null)
    {
        var random = new Random(7);
        TensorInMemory Matrix(string name, int rows, int columns)
        {
            NativeBuffer bytes = NativeBuffer.Allocate(rows * (long)columns * 2);
            foreach (ref ushort half in bytes.AsSpan<ushort>())
            {
                half = (ushort)(random.Next(0x10000) & 0xBFFF);
            }

            return new TensorInMemory(name, TensorType.Of(WeightType.F16), [rows, columns], bytes);
        }

        return ModelFile.FromMemory("layer", metadata: null,
            [Matrix("blk.0.ffn_up.weight", intermediate, hidden), Matrix("blk.0.ffn_down.weight", outputs ?? hidden, intermediate)]);
    }

    private static int Half(TensorInfo tensor, int index) => BinaryPrimitives.ReadUInt16LittleEndian(tensor.Bytes[(index * 2)..]);

    private sealed class Recorder(Action<LoadProgress> report) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => report(value);
    }
}
