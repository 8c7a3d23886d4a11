using SparseInfer.Cli.Bench;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Synthetic;
using SparseInfer.Files;

namespace SparseInfer.Cli.Tests;

/// <summary>Synthetic weights do what was asked of them, through the kernels that users get, as the meters count it.</summary>
public sealed class SyntheticTests
{
    /// <summary>16 thousand neurons are drawn: one standard deviation is 0.0023.</summary>
    private const double Tolerance = 0.012;

    private static readonly int[] Tokens = [3, 120, 77, 42, 6, 17, 32, 101];

    public static TheoryData<string> Shapes => [.. SmallShapes.Names];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_shape_has_the_sparsity_and_the_predictor_that_were_asked_for(string shape) =>
        ShouldHit(SmallShapes.Of(shape), new ActivityTarget(0.9, 0.97, 0.85));

    [Theory]
    [InlineData(WeightType.F32)]
    [InlineData(WeightType.BF16)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    [InlineData(WeightType.Q5_1)]
    [InlineData(WeightType.Q4_K)]
    [InlineData(WeightType.Q6_K)]
    public void Every_weight_type_does(WeightType type) =>
        ShouldHit(SmallShapes.Of("sparseqwen2-7b", type), new ActivityTarget(0.9, 0.95, 0.8));

    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(0.5, 1, 1)]
    [InlineData(0.99, 1, 1)]
    [InlineData(0.9, 0.9, 0.5)]
    [InlineData(0.6, 0.7, 0.3)]
    [InlineData(0.9, 1, 0)]
    public void Every_target_is_hit(double sparsity, double precision, double recall) =>
        ShouldHit(SmallShapes.Of("tinyllama-1.1b"), new ActivityTarget(sparsity, precision, recall));

    [Fact]
    public void Different_tokens_have_different_neurons_and_each_the_same_share()
    {
        ModelDeclaration model = SmallShapes.Of("tinyllama-1.1b");
        using CpuDevice device = Device.Cpu(1);
        using LanguageModel loaded = SmallShapes.Load(model, new ActivityTarget(0.9, 1, 1), device);
        using Session session = loaded.CreateSession(new SessionOptions { Metering = true });
        for (int token = 0; token < SignPatterns.Groups; token++)
        {
            session.ResetMetrics();
            session.Forward([token]);
            session.ReadMetrics().ShouldAllBe(layer => Math.Abs(layer.ActualSparsity - 0.9) < 0.05);
        }
    }

    /// <summary>In blocks of 32 and of 256, too, whose down matrices lie neuron-major one behind the other.</summary>
    [Theory]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_K)]
    public void Experts_have_what_was_asked_for_however_often_they_are_loaded(WeightType type)
    {
        ModelDeclaration model = SmallShapes.Of("smallthinker-4b", type);
        var target = new ActivityTarget(0.9, 0.95, 0.8);
        ShouldHit(model, target);

        using ModelFile file = SmallShapes.Build(model, target);
        file.Tensors.Where(tensor => !tensor.Name.Contains("norm")).Sum(tensor => tensor.ByteLength).ShouldBe(SyntheticModel.ByteCount(model));
        CompiledModel compiled = ModelCompiler.Compile(model, TestContext.Current.CancellationToken);
        using CpuDevice one = Device.Cpu(1);
        using CpuDevice two = Device.Cpu(2);
        using LanguageModel first = compiled.Load(file, one, new LoadOptions());
        using LanguageModel second = compiled.Load(file, two, new LoadOptions());
        using Session a = first.CreateSession(new SessionOptions { Mode = SparsityMode.Predicted });
        using Session b = second.CreateSession(new SessionOptions { Mode = SparsityMode.Predicted });
        a.Forward(Tokens).ToArray().ShouldBe(b.Forward(Tokens).ToArray());
    }

    [Fact]
    public void Policies_find_what_they_want()
    {
        ModelDeclaration model = SmallShapes.Of("llama-2-7b", WeightType.F16) with
        {
            Policies = ["LowRankPredictor(Rank = 32, Input = PredictorInput.Normed, Bias = true, Layers = \"1..\")", "ExactSparsity(Layers = \"0\")", "VocabularyPredictor(Rank = 64)"],
        };
        using ModelFile file = SmallShapes.Build(model, new ActivityTarget(0.9, 1, 1));
        file.Tensors.Where(tensor => !tensor.Name.Contains("norm") && !tensor.Name.Contains("bias")).Sum(tensor => tensor.ByteLength)
            .ShouldBe(SyntheticModel.ByteCount(model));
        using CpuDevice device = Device.Cpu(1);
        using LanguageModel loaded = ModelCompiler.Compile(model, TestContext.Current.CancellationToken).Load(file, device, new LoadOptions());
        using Session session = loaded.CreateSession(new SessionOptions { Mode = SparsityMode.Predicted, SparsePrompt = true, Metering = true });
        session.Forward(Tokens);
        session.ReadVocabularyMetrics().Skipped.ShouldBeInRange(0.2, 0.8);
        session.ReadMetrics()[1].PredictedSparsity.ShouldBeInRange(0.2, 0.8);
        session.ReadMetrics()[0].PredictedSparsity.ShouldBe(0);
    }

    /// <summary>A predictor for each expert, and a threshold for each one's neurons.</summary>
    [Fact]
    public void Policies_of_experts_find_what_they_want()
    {
        ModelDeclaration model = SmallShapes.Of("smallthinker-4b", WeightType.F16) with
        {
            Policies = ["LowRankPredictor(Rank = 32, Input = PredictorInput.Residual, Bias = true, Layers = \"1..\")", "ActivationThreshold(PerNeuron = true, Layers = \"0\")"],
        };
        using ModelFile file = SmallShapes.Build(model, new ActivityTarget(0.9, 1, 1));
        file.Tensors.Where(tensor => !tensor.Name.Contains("norm") && !tensor.Name.Contains("bias") && !tensor.Name.Contains("threshold")).Sum(tensor => tensor.ByteLength)
            .ShouldBe(SyntheticModel.ByteCount(model));
        using CpuDevice device = Device.Cpu(2);
        using LanguageModel loaded = ModelCompiler.Compile(model, TestContext.Current.CancellationToken).Load(file, device, new LoadOptions());
        using Session session = loaded.CreateSession(new SessionOptions { Mode = SparsityMode.Predicted, SparsePrompt = true, Metering = true });
        session.Forward(Tokens);
        session.ReadMetrics()[1].PredictedSparsity.ShouldBeInRange(0.2, 0.8);
        session.ReadMetrics()[0].ActualSparsity.ShouldBeInRange(0.85, 0.95);
    }

    [Theory]
    [InlineData(WeightType.F32)]
    [InlineData(WeightType.F16)]
    [InlineData(WeightType.BF16)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    [InlineData(WeightType.Q5_0)]
    [InlineData(WeightType.Q5_K)]
    public void Bytes_are_reckoned_as_they_are_and_the_seed_decides_every_one(WeightType type)
    {
        ModelDeclaration model = SmallShapes.Of("turbosparse-mistral-7b", type) with { Hidden = 256, Intermediate = Intermediate(type) };
        var target = new ActivityTarget(0.9, 0.9, 0.9);
        using ModelFile one = SmallShapes.Build(model, target, seed: 1);
        using ModelFile again = SmallShapes.Build(model, target, seed: 1);
        using ModelFile other = SmallShapes.Build(model, target, seed: 2);

        one.Tensors.Where(tensor => !tensor.Name.Contains("norm")).Sum(tensor => tensor.ByteLength)
            .ShouldBe(SyntheticModel.ByteCount(model));
        foreach (TensorInfo tensor in one.Tensors)
        {
            again.TryGetTensor(tensor.Name, out TensorInfo? same).ShouldBeTrue();
            other.TryGetTensor(tensor.Name, out TensorInfo? different).ShouldBeTrue();
            tensor.Bytes.SequenceEqual(same!.Bytes).ShouldBeTrue(tensor.Name);
            tensor.Bytes.SequenceEqual(different!.Bytes).ShouldBe(tensor.Name.Contains("norm"), tensor.Name);
        }
    }

    [Theory]
    [InlineData(WeightType.F32)]
    [InlineData(WeightType.F16)]
    [InlineData(WeightType.BF16)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    [InlineData(WeightType.Q5_0)]
    [InlineData(WeightType.Q5_1)]
    [InlineData(WeightType.Q4_K)]
    [InlineData(WeightType.Q5_K)]
    [InlineData(WeightType.Q6_K)]
    public void No_weight_is_zero_or_subnormal_and_none_is_huge(WeightType type)
    {
        using ModelFile file = SmallShapes.Build(
            SmallShapes.Of("tinyllama-1.1b", type) with { Hidden = 256, Intermediate = Intermediate(type) }, new ActivityTarget(0.8, 0.8, 0.8));
        foreach (TensorInfo tensor in file.Tensors.Where(tensor => tensor.Shape.Count == 2))
        {
            foreach (float weight in StoredWeights.Decode(tensor))
            {
                Math.Abs(weight).ShouldBeInRange(1f / 16384, 16384f, tensor.Name);
            }

            StoredWeights.Scales(tensor).ShouldAllBe(scale => Half.IsNormal(scale), tensor.Name);
        }
    }

    /// <summary>The neurons that are active show that positions turn no sign.</summary>
    [Theory]
    [InlineData(WeightType.F16)]
    [InlineData(WeightType.Q8_0)]
    [InlineData(WeightType.Q4_0)]
    [InlineData(WeightType.Q5_0)]
    [InlineData(WeightType.Q5_1)]
    [InlineData(WeightType.Q4_K)]
    [InlineData(WeightType.Q5_K)]
    [InlineData(WeightType.Q6_K)]
    public void Learned_positions_are_a_table_of_the_weights_type(WeightType type)
    {
        ModelDeclaration model = SmallShapes.Of("opt-6.7b", type);
        var target = new ActivityTarget(0.9, 0.97, 0.85);
        using (ModelFile file = SmallShapes.Build(model, target))
        {
            file.TryGetTensor("position_embd.weight", out TensorInfo? positions).ShouldBeTrue();
            (positions.Weight, positions.Shape[0], positions.Shape[1]).ShouldBe((type, 2050, 1024));
            long others = positions.ByteLength / 2050 * 2049;
            var cost = new ModelCost(model, file);
            (cost.WeightBytes + others + FeedForwardBytes(file)).ShouldBe(SyntheticModel.ByteCount(model) + TokenRow(file));
        }

        ShouldHit(model, target);

        static long FeedForwardBytes(ModelFile file) => file.Tensors.Where(tensor => tensor.Name.Contains(".ffn_") && tensor.Shape.Count > 1).Sum(tensor => tensor.ByteLength);

        static long TokenRow(ModelFile file) => file.TryGetTensor("token_embd.weight", out TensorInfo? embedding) ? embedding.ByteLength / embedding.Shape[0] : 0;
    }

    [Theory]
    [InlineData(1.0, 1.0, 1.0, "--sparsity")]
    [InlineData(0.9, 0.0, 1.0, "--precision")]
    [InlineData(0.9, 1.0, 1.5, "--recall")]
    [InlineData(0.9, 0.5, 1.0, "--precision 0.5 is too low")]
    public void A_target_that_no_weights_hit_is_refused(double sparsity, double precision, double recall, string message) =>
        Should.Throw<CliException>(() => new ActivityTarget(sparsity, precision, recall).Validate()).Message.ShouldContain(message);

    [Fact]
    public void A_threshold_above_every_gate_is_refused() =>
        Should.Throw<CliException>(() => SmallShapes.Build(
                SmallShapes.Of("minicpm-s-1b") with { Threshold = 2f }, new ActivityTarget(0.9, 1, 1)))
            .Message.ShouldContain("--threshold 2 is too high");

    /// <summary>A block, where it is larger.</summary>
    private static int Intermediate(WeightType type) => Math.Max(128, TensorType.Of(type).ElementsPerBlock);

    private static void ShouldHit(ModelDeclaration model, ActivityTarget target)
    {
        using CpuDevice device = Device.Cpu(1);
        using LanguageModel loaded = SmallShapes.Load(model, target, device);
        using Session session = loaded.CreateSession(new SessionOptions { Metering = true });
        foreach (int token in Tokens)
        {
            session.Forward([token]);
        }

        Activity found = Activity.Of(session);
        found.SparsityTrue!.Value.ShouldBe(target.Sparsity, Tolerance);
        (found.SparsityPredicted ?? 0).ShouldBe(target.Sparsity * target.Recall / target.Precision, Tolerance);
        if (target.Recall > 0 && target.Sparsity > 0)
        {
            found.Precision!.Value.ShouldBe(target.Precision, Tolerance);
            found.Recall!.Value.ShouldBe(target.Recall, Tolerance);
        }
    }
}
