using System.Buffers.Binary;
using System.Text;
using Models;
using SparseInfer.Files;

namespace SparseInfer.Models.Tests;

/// <summary>Files that do not fit the declaration: one exception that names the tensor or key, and what to change.</summary>
public sealed class LoadErrorTests(LoadedModels models) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Another_models_file_names_what_differs_and_which_attribute_says_otherwise()
    {
        string message = Refused(() => ReluF16.Load(BundledFiles.Stories260KGguf, Device));
        message.ShouldStartWith(BundledFiles.Stories260KGguf);
        message.ShouldContain("does not fit the declared model ReluF16");
        message.ShouldContain("'llama.block_count' is 5, but [DecoderModel] Layers = 6 is declared");
        message.ShouldContain("'llama.embedding_length' is 64, but [DecoderModel] Hidden = 256 is declared");
        message.ShouldContain("'llama.feed_forward_length' is 172, but [FeedForward] Intermediate = 1024 is declared");

        // Every size that differs comes first; however much else is wrong, the message stays readable.
        string[] lines = message.Split('\n');
        lines[0].ShouldContain($"'sparseinfer declare {BundledFiles.Stories260KGguf}' writes the class that does");
        int sizes = lines.Skip(1).TakeWhile(line => line.StartsWith("  'llama.", StringComparison.Ordinal) && !line.Contains("Rope")).Count();
        sizes.ShouldBeGreaterThanOrEqualTo(3);
        lines.Length.ShouldBe(1 + sizes + 10 + 1);
        message.ShouldMatch(@"\.\.\. and \d+ more$");
    }

    [Fact]
    public void A_vocabulary_without_tensors_is_no_model()
    {
        Refused(() => ReluF16.Load(BundledFiles.Phi3Vocabulary, Device))
            .ShouldEndWith("architecture phi3 is not supported: its query, key and value are one matrix.");
        Refused(() => ReluF16.Load(BundledFiles.Phi3Vocabulary, Device, new LoadOptions { Architecture = "llama" }))
            .ShouldContain("tensor 'token_embd.weight' is missing");
    }

    [Fact]
    public void What_is_no_model_file_is_refused()
    {
        File.WriteAllText(_folder.At("story.txt"), "Once upon a time, there was a file.");
        Refused(() => ReluF16.Load(_folder.At("story.txt"), Device)).ShouldContain("neither a GGUF file");
        File.WriteAllText(_folder.At("empty.gguf"), "");
        Refused(() => ReluF16.Load(_folder.At("empty.gguf"), Device)).ShouldContain("empty");
        Should.Throw<FileNotFoundException>(() => ReluF16.Load(_folder.At("none.gguf"), Device)).Message.ShouldContain("none.gguf");
    }

    [Theory]
    [InlineData("blk.2.ffn_gate.weight", "blk.2.ffn_gates.weight")]
    [InlineData("blk.5.attn_norm.weight", "blk.5.attention_norm.weight")]
    [InlineData("token_embd.weight", "tok_embd.weight")]
    [InlineData("output_norm.weight", "outputnorm.weight")]
    public void A_missing_tensor_is_named_with_the_closest_that_has_no_place(string name, string other)
    {
        string path = Copy(copy => copy.Tensor(name, (writer, tensor) => writer.AddTensor(tensor, other)));
        string message = Refused(() => ReluF16.Load(path, Device));
        message.ShouldContain($"tensor '{name}' is missing; the closest is '{other}'");
        message.ShouldContain($"tensor '{other}' has no place in the declaration");
    }

    [Fact]
    public void A_missing_tensor_is_not_taken_for_its_neighbour()
    {
        string path = Copy(copy => copy.Tensor("blk.2.ffn_gate.weight", (_, _) => { }));
        Refused(() => ReluF16.Load(path, Device)).ShouldEndWith("tensor 'blk.2.ffn_gate.weight' is missing");
    }

    [Theory]
    [InlineData("blk.0.ffn_up.weight", new long[] { 1000, 256 }, "[1024, 256] (Intermediate x Hidden)")]
    [InlineData("blk.3.ffn_down.weight", new long[] { 1024, 256 }, "[256, 1024] (Hidden x Intermediate)")]
    [InlineData("blk.3.attn_k.weight", new long[] { 256, 256 }, "[128, 256] (KeyValueHeads * HeadDimension x Hidden)")]
    [InlineData("token_embd.weight", new long[] { 500, 256 }, "[512, 256] (Vocabulary x Hidden)")]
    [InlineData("blk.1.attn_q.weight", new long[] { 4, 64, 256 }, "[256, 256] (Heads * HeadDimension x Hidden)")]
    public void A_wrong_shape_is_shown_with_the_declared_one(string name, long[] shape, string declared)
    {
        string path = Copy(copy => copy.Tensor(name, (writer, tensor) =>
            writer.AddTensor(name, tensor.Type, shape, new byte[shape.Aggregate(2L, (bytes, size) => bytes * size)])));
        Refused(() => ReluF16.Load(path, Device))
            .ShouldEndWith($"tensor '{name}' is [{string.Join(", ", shape)}], but {declared} is declared");
    }

    [Fact]
    public void A_norm_of_another_length_is_shown_with_the_declared_one()
    {
        string path = Copy(copy => copy.Tensor(
            "output_norm.weight", (writer, tensor) => writer.AddTensor(tensor.Name, tensor.Type, [128], new byte[512])));
        Refused(() => ReluF16.Load(path, Device)).ShouldEndWith("tensor 'output_norm.weight' is [128], but 256 (Hidden) is declared");
    }

    [Fact]
    public void Tensors_without_a_place_are_refused_unless_allowed()
    {
        string path = Copy(copy => copy.Add(
            writer => writer.AddTensor("blk.0.ffn_gate.bias", TensorType.Of(WeightType.F32), [1], new byte[4])));
        Refused(() => ReluF16.Load(path, Device)).ShouldEndWith(
            "tensor 'blk.0.ffn_gate.bias' has no place in the declaration: "
            + "declare what it is for, or load with LoadOptions.AllowUnusedTensors");
        using ReluF16 model = ReluF16.Load(path, Device, new LoadOptions { AllowUnusedTensors = true });
        model.LoadReport.Notes.ShouldContain("Unused: tensor 'blk.0.ffn_gate.bias'.");
    }

    [Fact]
    public void An_undeclared_type_is_refused_unless_conversion_is_asked_for()
    {
        Refused(() => Stories260KF16.Load(BundledFiles.Stories260KGguf, Device)).ShouldContain(
            "tensor 'token_embd.weight' is F32, but [Weights] declares F16: add WeightType.F32, or load with LoadOptions.ConvertWeights");
        models.Get(Loaded.Stories260KF16).LoadReport.Notes.ShouldContain("F32 weights were converted to F16.");
        models.Get(Loaded.ReluF32).LoadReport.Notes.ShouldContain("F16 weights were converted to F32.");
    }

    [Fact]
    public void A_type_that_no_kernel_reads_is_refused()
    {
        // 11 is ggml's number for Q3_K, which takes fewer bytes than F16; the table of tensors is all that changes.
        byte[] file = File.ReadAllBytes(BundledFiles.ReluGguf);
        byte[] name = Encoding.UTF8.GetBytes("blk.0.ffn_up.weight");
        int type = file.AsSpan().IndexOf(name) + name.Length + sizeof(uint) + (2 * sizeof(ulong));
        BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(type)).ShouldBe(1u);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(type), 11);
        string path = _folder.At("q3.gguf");
        File.WriteAllBytes(path, file);
        Refused(() => ReluF16.Load(path, Device))
            .ShouldEndWith("tensor 'blk.0.ffn_up.weight' is Q3_K, which no kernel reads: store it as F16, as 'llama-quantize --allow-requantize' does");
    }

    [Fact]
    public void Gate_and_up_of_one_feed_forward_must_be_stored_alike_or_are_converted()
    {
        string path = Copy(copy => copy.Tensor("blk.4.ffn_up.weight", MixedFile.AsQ8));
        Refused(() => ReluMixed.Load(path, Device)).ShouldEndWith(
            "tensor 'blk.4.ffn_up.weight' is Q8_0, but another matrix of the same feed-forward is F16: "
            + "they share a kernel, so store them alike, or load with LoadOptions.ConvertWeights");
        using LanguageModel converted = ReluMixed.Load(path, Device, new() { ConvertWeights = true });
        converted.LoadReport.Notes.ShouldContain("Q8_0 weights were converted to F16.");
    }

    [Theory]
    [InlineData(0x7E00)] // not a number
    [InlineData(0x7C00)] // infinity
    [InlineData(0xFC00)]
    public void A_weight_that_is_not_finite_is_found(int half)
    {
        foreach (string name in new[] { "token_embd.weight", "blk.5.attn_k.weight", "blk.3.ffn_gate.weight", "blk.0.ffn_down.weight" })
        {
            int columns = name.Contains("down") ? 1024 : 256;
            string path = Copy(copy => copy.Bytes(name, bytes => WriteHalf(bytes, (7 * columns) + 201, half)));
            string message = Refused(() => ReluF16.Load(path, Device));
            message.ShouldContain($"tensor '{name}' has a weight that is not a finite number, at row 7, column 201");
            Refused(() => ReluF32.Load(path, Device)).ShouldBe(message);
        }
    }

    [Fact]
    public void A_norm_or_a_block_scale_that_is_not_finite_is_found()
    {
        string path = Copy(copy => copy.Bytes(
            "blk.1.ffn_norm.weight", bytes => BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(40), float.NaN)));
        Refused(() => ReluF16.Load(path, Device)).ShouldContain(
            "tensor 'blk.1.ffn_norm.weight' has a weight that is not a finite number, at row 0, column 10");

        string mixed = MixedFile.Write(_folder.At("mixed.gguf"));
        string damaged = new GgufCopy().Bytes("blk.1.ffn_up.weight", bytes => WriteHalf(bytes, 17 * (3 + (8 * 2)), 0x7E00))
            .Write(mixed, _folder.At("scale.gguf"));
        Refused(() => ReluMixed.Load(damaged, Device)).ShouldContain(
            "tensor 'blk.1.ffn_up.weight' has a block scale that is not a finite number, at row 2, column 96");
    }

    [Theory]
    [InlineData("llama.rope.freq_base", 500000f, "' is 500000, but [Attention] RopeTheta = 10000 is declared")]
    [InlineData("llama.attention.layer_norm_rms_epsilon", 1e-6f, "' is 1E-06, but [RmsNorm] Epsilon = 1E-05 is declared")]
    [InlineData("llama.attention.head_count", 4u, "' is 4, but [Attention] Heads = 8 is declared")]
    [InlineData("llama.attention.head_count_kv", 8u, "' is 8, but [Attention] KeyValueHeads = 4 is declared")]
    [InlineData("llama.rope.scaling.factor", 4f, "' is 4, but [Attention] RopeScaling = 1 is declared")]
    [InlineData("llama.rope.scaling.type", "longrope", "' is 'longrope', but only linear scaling, [Attention] RopeScaling, YaRN, [YarnScaling], and Llama 3's, [Llama3Scaling], can be declared")]
    [InlineData("general.architecture", "qwen2", "' is 'qwen2', but [Attention] RopePairing = Interleaved is declared; such files pair HalfSplit")]
    [InlineData("llama.rope.dimension_count", 16u, "' is 16, but [Attention] RopeDimensions = 32 is declared")]
    public void Metadata_that_contradicts_the_declaration_is_refused(string key, object value, string problem)
    {
        string path = Copy(copy => copy.Without(key).Add(writer =>
        {
            switch (value)
            {
                case float number:
                    writer.Add(key, number);
                    break;
                case string text:
                    writer.Add(key, text);
                    break;
                default:
                    writer.Add(key, (uint)value);
                    break;
            }
        }));
        Refused(() => ReluF16.Load(path, Device)).ShouldEndWith($"'{key}{problem}");
    }

    [Fact]
    public void An_activation_that_the_file_names_otherwise_is_only_a_note()
    {
        const string key = "llama.feed_forward.activation";
        string path = Copy(copy => copy.Key(key, writer => writer.Add(key, "silu")));
        using ReluF16 model = ReluF16.Load(path, Device);
        model.LoadReport.Notes.ShouldBe(["The file names the activation 'silu'; Relu is declared, and used."]);
        models.Get(Loaded.ReluF16).LoadReport.Notes.ShouldBeEmpty();
    }

    [Fact]
    public void A_damaged_tokenizer_that_is_asked_for_is_named_by_its_key()
    {
        string path = Copy(copy => copy.Without("tokenizer.ggml.tokens"));
        Refused(() => ReluF16.Load(BundledFiles.ReluSafetensors, Device, new LoadOptions { TokenizerPath = path }))
            .ShouldContain("'tokenizer.ggml.tokens' is missing");
        Refused(() => ReluF16.Load(BundledFiles.ReluSafetensors, Device, new LoadOptions { TokenizerPath = BundledFiles.ReluSafetensors }))
            .ShouldContain("has no tokenizer that can be used");
        var phi3 = new LoadOptions { TokenizerPath = BundledFiles.Phi3Vocabulary };
        string other = Refused(() => ReluF16.Load(BundledFiles.ReluGguf, Device, phi3));
        other.ShouldStartWith(BundledFiles.Phi3Vocabulary);
        other.ShouldContain("'tokenizer.ggml.tokens' has 32064 tokens, but [DecoderModel] Vocabulary = 512 is declared");
    }

    [Fact]
    public async Task Without_a_tokenizer_a_model_runs_on_token_ids_alone()
    {
        using ReluF16 model = ReluF16.Load(BundledFiles.ReluSafetensors, Device);
        model.HasTokenizer.ShouldBeFalse();
        model.LoadReport.Notes.ShouldContain(note => note.Contains("LoadOptions.TokenizerPath"));
        using Session session = model.CreateSession();
        session.Forward([1]).Length.ShouldBe(512);
        var error = await Should.ThrowAsync<InvalidOperationException>(() => session.GenerateAsync("Zoo").TextAsync());
        error.Message.ShouldContain("LoadOptions.TokenizerPath");
        session.Forward([300]).Length.ShouldBe(512);
    }

    [Fact]
    public void Progress_is_told_after_every_tensor()
    {
        var told = new List<LoadProgress>();
        using ReluF32 model = ReluF32.Load(BundledFiles.ReluGguf, Device, new LoadOptions { Progress = new Recorder(told) });
        using ModelFile file = ModelFile.Open(BundledFiles.ReluGguf);
        told.Select(progress => progress.Tensor).ShouldBe(file.Tensors.Select(tensor => tensor.Name), ignoreOrder: true);
        told.ShouldAllBe(progress => progress.BytesTotal == file.Tensors.Sum(tensor => tensor.ByteLength));
        told.Zip(told.Skip(1)).ShouldAllBe(pair => pair.First.BytesDone < pair.Second.BytesDone);
        told[^1].BytesDone.ShouldBe(told[^1].BytesTotal);
        model.LoadReport.Tensors.ShouldBe(told.Count);
        model.LoadReport.WeightBytes.ShouldBe(told[^1].BytesTotal);
    }

    private CpuDevice Device => models.Device(threads: 1);

    private static void WriteHalf(byte[] bytes, int element, int half) =>
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(element * sizeof(ushort)), (ushort)half);

    private static string Refused(Func<LanguageModel> load) => Should.Throw<ModelFormatException>(() => load().Dispose()).Message;

    private string Copy(Action<GgufCopy> change)
    {
        var copy = new GgufCopy();
        change(copy);
        return copy.Write(BundledFiles.ReluGguf, _folder.At("changed.gguf"));
    }

    private sealed class Recorder(List<LoadProgress> told) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => told.Add(value);
    }
}
