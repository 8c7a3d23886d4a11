using Models;
using SparseInfer.Files;

namespace SparseInfer.Models.Tests;

/// <summary>GGUF files as PowerInfer's tools write them: another magic number, down matrices transposed, a trained predictor in each layer.</summary>
public sealed class PowerInferFileTests(LoadedModels models) : IDisposable
{
    private const int Layers = 6;
    private const int Rank = 32;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_the_plain_model_that_it_was_made_from()
    {
        using ReluF16 model = ReluF16.Load(Write(), Device);
        ShouldGiveTheBitsOf(models.Get(Loaded.ReluF16), model);
        model.LoadReport.Notes.ShouldBe(
            ["Unused: the file's trained predictor, tensor 'blk.0.fc1.weight' and 11 more, and its 'powerinfer.sparse_threshold'; what is declared predicts, and [LowRankPredictor] would use it."]);
    }

    /// <summary>The predictor finds every other neuron inactive where the sum of the residual stream is above zero, and none elsewhere.</summary>
    [Fact]
    public void Its_trained_predictor_chooses_neurons_where_it_is_declared()
    {
        string path = Write();
        using ReluTrained model = ReluTrained.Load(path, Device);
        model.LoadReport.Notes.ShouldBe(
            ["Unused: the file's trained predictor, tensor 'blk.5.fc1.weight' and 1 more, and its 'powerinfer.sparse_threshold'; what is declared predicts, and [LowRankPredictor] would use it."]);
        int[] tokens = BundledFiles.Opening(24);
        Logits.ShouldBeBitIdentical(OneByOne(model, SparsityMode.Exact, tokens), OneByOne(models.Get(Loaded.ReluF16), SparsityMode.Exact, tokens), "exact");
        using Session session = model.CreateSession(new SessionOptions { Mode = SparsityMode.Predicted, Metering = true });
        float[] predicted = Logits.OneByOne(session, tokens);
        Logits.MaxDifference(predicted, OneByOne(model, SparsityMode.Exact, tokens)).ShouldBeGreaterThan(0.01f);
        IReadOnlyList<LayerMetrics> layers = session.ReadMetrics();
        layers[5].PredictedSparsity.ShouldBe(0);
        layers.Sum(layer => layer.PredictedSparsity).ShouldBeGreaterThan(0.25);
        layers.ShouldAllBe(layer => Math.Abs((layer.PredictedSparsity * 2 * layer.Tokens) - Math.Round(layer.PredictedSparsity * 2 * layer.Tokens)) < 1e-9);

        ModelPreparation.Write(ModelFile.Open(path), _folder.At("trained.gguf"));
        using ReluTrained prepared = ReluTrained.Load(_folder.At("trained.gguf"), Device);
        Logits.ShouldBeBitIdentical(OneByOne(prepared, SparsityMode.Predicted, tokens), predicted, "prepared");
    }

    [Fact]
    public void Down_is_used_where_it_lies()
    {
        using ModelFile file = ModelFile.Open(Write());
        TensorInMemory[] tensors = MemoryCopy.Tensors(file);
        using ReluF16 model = ReluF16.Load(MemoryCopy.Of(file, tensors), Device);
        int[] tokens = BundledFiles.Opening(2);
        float[] before = OneByOne(model, SparsityMode.Exact, tokens);
        foreach (TensorInMemory tensor in tensors.Where(tensor => tensor.Name.Contains("ffn_down_t")))
        {
            tensor.Bytes.AsSpan<byte>().Clear();
        }

        Logits.MaxDifference(OneByOne(model, SparsityMode.Exact, tokens), before).ShouldBeGreaterThan(0.01f);
    }

    /// <summary>Blocks along the hidden width: each weight is one of F32, which is what down is computed in.</summary>
    [Theory]
    [InlineData(WeightType.Q4_0)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q5_0)]
    public void A_quantized_down_matrix_is_widened_without_loss(WeightType type)
    {
        string path = Write(type);
        using ReluMixed model = ReluMixed.Load(path, Device);
        using ReluMixed expected = ReluMixed.Load(Widened(path), Device);
        ShouldGiveTheBitsOf(expected, model);
        Refused(() => ReluF16.Load(path, Device)).ShouldContain(
            $"tensor 'blk.0.ffn_down_t.weight' is {type} in blocks along the hidden width, which no kernel adds up: "
            + "declare WeightType.F32 beside the other types, which holds it exactly");
        using ReluF16 rounded = ReluF16.Load(path, Device, new LoadOptions { ConvertWeights = true });
        rounded.LoadReport.Notes.ShouldContain($"{type} weights were converted to F16.");
    }

    [Theory]
    [InlineData(WeightType.F16)]
    [InlineData(WeightType.Q4_0)]
    public void A_prepared_file_of_it_gives_its_bits(WeightType type)
    {
        string path = Write(type);
        PreparationReport report = ModelPreparation.Write(ModelFile.Open(path), _folder.At("prepared.gguf"));
        report.Transposed.ShouldBe(Layers);
        report.SignPlanes.ShouldBe(Layers);
        using ReluMixed prepared = ReluMixed.Load(_folder.At("prepared.gguf"), Device);
        using ReluMixed model = ReluMixed.Load(path, Device);
        ShouldGiveTheBitsOf(model, prepared);
        File.ReadAllBytes(_folder.At("prepared.gguf"))[..4].ShouldBe("GGUF"u8.ToArray());

        Should.Throw<ModelFormatException>(() => ModelPreparation.Write(
            ModelFile.Open(Write(WeightType.Q4_0)), _folder.At("other.gguf"), new PreparationOptions { Weights = WeightType.Q8_0 })).Message
            .ShouldContain("has blocks along the hidden width, which cannot be converted to Q8_0: prepare the original");
    }

    [Fact]
    public void What_is_no_such_file_is_one_error()
    {
        foreach ((Action<GgufCopy> change, string expected) in new (Action<GgufCopy>, string)[]
        {
            (copy => copy.Add(writer => writer.Add("powerinfer.ffn_layout", 2u)), "'powerinfer.ffn_layout' is 2, and what it does is not known"),
            (copy => copy.Tensor("blk.1.ffn_down.weight", (_, _) => { }), "'blk.1.ffn_down.weight' is missing"),
            (copy => copy.Tensor("blk.1.ffn_down.weight", (writer, down) => writer.AddTensor(down, "blk.1.ffn_down_t.weight")), "[256, 1024], but [1024, 256]"),
            (copy => copy.Tensor("blk.1.ffn_down.weight", (writer, down) =>
                writer.AddTensor("blk.1.ffn_down_t.weight", TensorType.Of(WeightType.Q8_0), [256, 1024], new byte[256 * 1024 / 32 * 34])), "[256, 1024], but [1024, 256]"),
            (copy => copy.Tensor("blk.1.ffn_down.weight", (writer, down) => AddTransposed(writer, down, WeightType.Q8_0, bytes => bytes.AsSpan(34 * 9, 2).Fill(0x7E))),
                "tensor 'blk.1.ffn_down_t.weight' has a block scale that is not a finite number, at row 1, column 32"),
            (copy => copy.Add(writer => writer.AddTensor("blk.1.fc3.weight", TensorType.Of(WeightType.F16), [2, 2], new byte[8])), "'blk.1.fc3.weight' has no place"),
            (copy => copy.Key("general.architecture", writer => writer.Add("general.architecture", "generic.gpu_index")), "holds no model: name the model's own file"),
        })
        {
            Refused(() => ReluMixed.Load(Write(change: change), Device)).ShouldContain(expected);
        }

        byte[] whole = File.ReadAllBytes(Write());
        foreach (int length in new[] { 4, 7, 8, 23, 24, 100, 5000, whole.Length - 100_000 })
        {
            File.WriteAllBytes(_folder.At("cut.gguf"), whole[..length]);
            Refused(() => ReluF16.Load(_folder.At("cut.gguf"), Device));
        }
    }

    private CpuDevice Device => models.Device(threads: 1);

    /// <summary>The bundled model as PowerInfer's converter and quantizer would write it.</summary>
    private string Write(WeightType down = WeightType.F16, Action<GgufCopy>? change = null)
    {
        var copy = new GgufCopy();
        change?.Invoke(copy);
        for (int layer = 0; layer < Layers; layer++)
        {
            copy.TryTensor($"blk.{layer}.ffn_down.weight", (writer, tensor) => AddTransposed(writer, tensor, down));
            (string first, string second) = ($"blk.{layer}.fc1.weight", $"blk.{layer}.fc2.weight");
            copy.Add(writer =>
            {
                writer.AddTensor(first, TensorType.Of(WeightType.F16), [Rank, 256], Ones(Rank * 256));
                writer.AddTensor(second, TensorType.Of(WeightType.F16), [1024, Rank], Halves(1024));
            });
        }

        copy.Add(writer => writer.Add("powerinfer.sparse_threshold", 0.5f));
        string path = copy.Write(BundledFiles.ReluGguf, _folder.At($"{Guid.NewGuid():n}.powerinfer.gguf"));
        using FileStream file = File.OpenWrite(path);
        file.Write("PWRI"u8);
        return path;
    }

    /// <summary>The same with down in F32, as any file has it.</summary>
    private string Widened(string path)
    {
        var copy = new GgufCopy();
        for (int layer = 0; layer < Layers; layer++)
        {
            copy.Tensor($"blk.{layer}.ffn_down_t.weight", (writer, tensor) =>
            {
                (int neurons, int hidden) = ((int)tensor.Shape[0], (int)tensor.Shape[1]);
                float[] values = TinyFiles.Decode(tensor.Weight!.Value, tensor.Bytes.ToArray());
                float[] down = [.. Enumerable.Range(0, hidden * neurons).Select(i => values[(i % neurons * hidden) + (i / neurons)])];
                writer.AddTensor(tensor.Name.Replace("_t", ""), TensorType.Of(WeightType.F32), [hidden, neurons], TinyFiles.Encode(WeightType.F32, down));
            });
        }

        return copy.Write(path, _folder.At($"{Guid.NewGuid():n}.gguf"));
    }

    private static void AddTransposed(GgufWriter writer, TensorInfo tensor, WeightType type, Action<byte[]>? change = null)
    {
        (int hidden, int neurons) = ((int)tensor.Shape[0], (int)tensor.Shape[1]);
        float[] values = TinyFiles.Decode(tensor.Weight!.Value, tensor.Bytes.ToArray());
        float[] transposed = [.. Enumerable.Range(0, hidden * neurons).Select(i => values[(i % hidden * neurons) + (i / hidden)])];
        byte[] bytes = TinyFiles.Encode(type, transposed);
        change?.Invoke(bytes);
        writer.AddTensor(tensor.Name.Replace("ffn_down", "ffn_down_t"), TensorType.Of(type), [neurons, hidden], bytes);
    }

    private static byte[] Ones(int count) => TinyFiles.Encode(WeightType.F16, [.. Enumerable.Repeat(1f, count)]);

    /// <summary>A second factor by which every other neuron's score is below zero, for inputs whose sum is above.</summary>
    private static byte[] Halves(int neurons) =>
        TinyFiles.Encode(WeightType.F16, [.. Enumerable.Range(0, neurons * Rank).Select(i => i / Rank % 2 == 0 ? 1f : -1f)]);

    private static float[] OneByOne(LanguageModel model, SparsityMode mode, int[] tokens)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = mode });
        return Logits.OneByOne(session, tokens);
    }

    private static void ShouldGiveTheBitsOf(LanguageModel expected, LanguageModel actual)
    {
        int[] tokens = BundledFiles.Opening(24);
        foreach (SparsityMode mode in Enum.GetValues<SparsityMode>())
        {
            Logits.ShouldBeBitIdentical(OneByOne(actual, mode, tokens), OneByOne(expected, mode, tokens), mode.ToString());
        }
    }

    private static string Refused(Func<LanguageModel> load) => Should.Throw<ModelFormatException>(() => load().Dispose()).Message;
}
