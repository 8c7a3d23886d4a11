using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Program;

/// <summary>What a program wants from a file: names, sizes, bytes.</summary>
public sealed class TensorListTests
{
    private static readonly ModelSpec SevenBillion = Parsed.Model("""
        using SparseInfer;
        [DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 32000, Context = 4096)]
        [Attention(Heads = 32, KeyValueHeads = 8)]
        [FeedForward(Intermediate = 11008, Activation = Activation.Relu, Gated = true)]
        [RmsNorm(Epsilon = 1e-5f)]
        [Weights(WeightType.Q4_0, WeightType.F16)]
        public sealed partial class Model;
        """, "Model")!;

    [Fact]
    public void A_layers_tensors_come_norms_first_then_matrices_then_biases()
    {
        ModelProgram program = ModelProgram.Of(SevenBillion with
        {
            Attention = SevenBillion.Attention with { QueryKeyValueBiases = true, OutputBias = true },
            FeedForward = SevenBillion.FeedForward with { Biases = true },
            Norm = new NormSpec(NormKind.Layer, 1e-5f),
        });
        program.Layer.TensorsOf(Stage.Heads, Stage.Attention, Stage.Output).Select(tensor => tensor.Field).ShouldBe(
            ["AttentionNorm", "AttentionNormBias", "Query", "Key", "Value", "Output", "QueryBias", "KeyBias", "ValueBias", "OutputBias"]);
        program.Layer.FeedForwardTensors().Select(tensor => tensor.Field).ShouldBe(["Gate", "Up", "Down", "GateBias", "UpBias", "DownBias"]);
    }

    [Fact]
    public void A_tensor_is_named_as_files_name_it()
    {
        ModelProgram program = ModelProgram.Of(SevenBillion);
        program.Layer.FeedForwardTensors()[0].Name.ShouldBe("new(\"blk.{layer}.ffn_gate.weight\", \"model.layers.{layer}.mlp.gate_proj.weight\")");
        program.OutputNorm.Weight.Bias(TensorRole.NormBias).Name.ShouldBe("new(\"output_norm.bias\", \"model.norm.bias\")");
        program.IsTied.ShouldBeFalse();
        ModelProgram.Of(SevenBillion with { Embedding = new EmbeddingSpec(Tied: true, Scale: 1) }).IsTied.ShouldBeTrue();
    }

    /// <summary>By hand: a row of 4096 takes 128 blocks of 18 bytes; queries 4096 rows, keys and values 1024 each, output 4096; three times 11008.</summary>
    [Fact]
    public void Bytes_of_a_token_are_those_of_the_matrices_it_reads()
    {
        var shape = new DecoderShape(SevenBillion);
        shape.AttentionBytes.ShouldBe(32L * (4096 + 1024 + 1024 + 4096) * 128 * 18);
        shape.FeedForwardBytes.ShouldBe(32L * 3 * 11008 * 128 * 18);
        shape.HeadBytes.ShouldBe(32000L * 128 * 18);
        shape.DenseBytes.ShouldBe(shape.AttentionBytes + shape.FeedForwardBytes + shape.HeadBytes);
    }
}
