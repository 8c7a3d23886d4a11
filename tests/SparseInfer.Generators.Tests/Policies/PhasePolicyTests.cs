using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;
using SparseInfer.Generators.Text;
using static SparseInfer.Generators.Tests.Execution.DecoderRun;
using static SparseInfer.Generators.Tests.Policies.PhaseZoo;

namespace SparseInfer.Generators.Tests.Policies;

/// <summary>Policies that want tensors of the file and compute something of their own before they choose: in some layers, in Predicted mode.</summary>
public sealed class PhasePolicyTests
{
    public static TheoryData<string> Names { get; } = [.. Models.Select(model => model.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_are_those_of_double_precision(string name)
    {
        DecoderCase declared = Of(name);
        DecoderWeights weights = TraitZoo.Weights(declared);
        var reference = TraitZoo.Reference(declared, weights, SparsityMode.Predicted);
        float[] logits = With(declared, weights, Devices[1], model => Decode(model, SparsityMode.Predicted));

        // As the decoders of DecoderTests; in a block type the last digit may decide a neuron otherwise.
        double digits = declared.Weights.Contains(WeightType.Q8_0) ? 5e-4 : 2e-5;
        int astray = 0;
        for (int i = 0; i < Tokens; i++)
        {
            double[] expected = reference.Next(Token(declared.Vocabulary, i));
            double worst = expected.Select((value, j) => Math.Abs(logits[(i * declared.Vocabulary) + j] - value)).Max();
            astray += worst < digits * expected.Max(Math.Abs) ? 0 : 1;
        }

        astray.ShouldBeLessThanOrEqualTo(declared.Weights.Contains(WeightType.Q8_0) ? Tokens / 10 : 0, name);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_bits_are_those_of_any_number_of_threads_of_a_prompt_of_a_metered_run_and_of_a_batch(string name)
    {
        DecoderCase declared = Of(name);
        DecoderWeights weights = TraitZoo.Weights(declared);
        ShouldHaveOneSetOfBits(name, Devices[0], Devices[1], (device, run) => With(declared, weights, device, model =>
        {
            run(model);
            return 0;
        }));
    }

    /// <summary>Where a policy acts, its matrices are read once a token, whatever the number of workers.</summary>
    [Fact]
    public void Meters_count_the_bytes_of_the_policys_tensors()
    {
        DecoderCase declared = Models[0];
        DecoderWeights weights = TraitZoo.Weights(declared);
        foreach (CpuDevice device in Devices)
        {
            IReadOnlyList<LayerMetrics> metrics = With(declared, weights, device, model => Metrics(model, SparsityMode.Predicted));
            IReadOnlyList<LayerMetrics> exact = With(declared, weights, device, model => Metrics(model, SparsityMode.Exact));
            metrics.Count.ShouldBe(declared.Layers);
            for (int layer = 0; layer < declared.Layers; layer++)
            {
                bool acts = declared.Predictors[layer] is not null;
                (metrics[layer].PredictedSparsity > 0.2).ShouldBe(acts, $"layer {layer}");
                if (!acts)
                {
                    continue;
                }

                // Candidates' rows of gate, the rows of up and down of what is left; and the policy's own.
                double row = 4 * declared.Hidden;
                double candidates = declared.Intermediate * (1 - metrics[layer].PredictedSparsity);
                double missed = declared.Intermediate * metrics[layer].PredictedSparsity * (1 - metrics[layer].Precision);
                double kept = (declared.Intermediate * (1 - metrics[layer].ActualSparsity)) - missed;
                int rank = declared.Predictors[layer]!.Rank;
                double own = (rank * row) + (declared.Intermediate * 4 * ((rank + 31) / 32 * 32));
                metrics[layer].BytesPerToken.ShouldBe(own + ((candidates + kept + kept) * row), 1e-6, $"layer {layer}");
            }

            exact.ShouldAllBe(layer => layer.PredictedSparsity == 0);
        }
    }

    /// <summary>Those of the experts that a token has, and no others, by an offline count of their neurons.</summary>
    [Theory]
    [InlineData("RanksOfExperts")]
    [InlineData("ThresholdsOfExperts")]
    public void Meters_count_the_bytes_of_the_chosen_experts(string name)
    {
        DecoderCase declared = Of(name);
        DecoderWeights weights = TraitZoo.Weights(declared);
        var reference = new DecoderReference(declared, weights, SparsityMode.Predicted);
        for (int i = 0; i < Tokens; i++)
        {
            reference.Next(Token(declared.Vocabulary, i));
        }

        foreach (CpuDevice device in Devices)
        {
            IReadOnlyList<LayerMetrics> metrics = With(declared, weights, device, model => Metrics(model, SparsityMode.Predicted));
            for (int layer = 0; layer < declared.Layers; layer++)
            {
                // Rows of gate, then of up and of down; and what the policy has of its own.
                double row = sizeof(float) * declared.Hidden;
                int rank = declared.Predictors.ElementAtOrDefault(layer)?.Rank ?? 0;
                double own = declared.ActiveExperts * ((rank * row) + (declared.Intermediate * sizeof(float) * ((rank + 31) / 32 * 32)));
                (long candidates, long kept) = reference.Counts[layer];
                candidates.ShouldBeInRange(1, Tokens * declared.ActiveExperts * declared.Intermediate);
                metrics[layer].BytesPerToken.ShouldBe(own + ((candidates + (IsDense(layer) ? 2 * candidates : 2 * kept)) * row / Tokens), 1e-6, $"layer {layer}");
            }
        }

        bool IsDense(int layer) => declared.Predictors.Length > 0 && declared.Predictors[layer] is null;
    }

    /// <summary>Two experts that a token has choose neurons of their own: each has another predictor.</summary>
    [Fact]
    public void Experts_choose_by_their_own_predictors()
    {
        DecoderCase declared = Models.Single(model => model.Name == "RanksOfExperts");
        DecoderWeights weights = TraitZoo.Weights(declared);
        float[] expected = With(declared, weights, Devices[0], model => Decode(model, SparsityMode.Predicted));
        weights.ShareRows("blk.0.fc2_exps.weight", declared.Experts);
        weights.ShareRows("blk.0.fc1_exps.weight", declared.Experts);
        With(declared, weights, Devices[0], model => Decode(model, SparsityMode.Predicted)).ShouldNotBe(expected);
    }

    [Fact]
    public void Experts_that_keep_all_neurons_are_exact()
    {
        DecoderCase declared = Models.Single(model => model.Name == "RanksOfExperts");
        ShouldBeExact(declared with { Name = "AllOfExperts", Predictors = [new(32, Keep: 1), new(40, Threshold: -1e30f), null, new(32, Count: declared.Intermediate), null] }, _ => { });
    }

    /// <summary>What is skipped, by an offline count.</summary>
    [Fact]
    public void Meters_count_as_many_neurons_as_are_kept()
    {
        DecoderCase declared = Models.Single(model => model.Name == "Best");
        IReadOnlyList<LayerMetrics> metrics = With(declared, TraitZoo.Weights(declared), Devices[1], model => Metrics(model, SparsityMode.Predicted));
        metrics.Select(layer => Math.Round(declared.Intermediate * (1 - layer.PredictedSparsity))).ShouldBe([30, 41, 150, Math.Round(150 * (1 - metrics[3].PredictedSparsity)), 75]);
    }

    /// <summary>All neurons among the best, equal scores or not.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void Keeping_all_neurons_is_exact(float factor)
    {
        ShouldBeExact(
            new("All") { Intermediate = 150, Predictors = [new(32, Keep: 1), new(32, Count: 150), null] }, weights => weights.Scale("blk.0.fc2.weight", factor));
    }

    private static void ShouldBeExact(DecoderCase declared, Action<DecoderWeights> change)
    {
        DecoderWeights weights = TraitZoo.Weights(declared);
        change(weights);
        var assembly = GeneratedAssembly.Load(SpecProject.Of([declared.Source], [Spec(declared)]));
        DecoderRun.With(weights, path => assembly.LoadModel(declared.FullName, path, Devices[1]), model =>
        {
            ShouldHaveTheBitsOf(Decode(model, SparsityMode.Dense), Decode(model, SparsityMode.Predicted), declared.Name);
            return 0;
        });
    }

    /// <summary>An input is kept where a later layer reads it, whatever policy is there; rows are one more than the furthest looks back.</summary>
    [Fact]
    public void Layers_keep_what_later_ones_read()
    {
        string text = new DecoderClass(DecoderPlan.Of(Spec(Models.Single(model => model.Name == "LookingAhead")))).Emit();
        text.ShouldContain("if (Mode == SparsityMode.Predicted && layer is 0 or 4)");
        text.ShouldContain("Elementwise.Copy(ref x, ref KeptResidual(layer, 0), fromColumn, toColumn);");
        text.ShouldContain("if (!IsDenseBatch && Mode == SparsityMode.Predicted && layer is 2)");
        text.ShouldContain("Elementwise.Copy(ref Normed(i), ref KeptNormed(layer, i), 0, PaddedHidden);");
        text.ShouldContain("ref float earlierResidual2 = ref KeptResidual(layer - 2, token);");
        text.ShouldContain("(token * 3) + (layer % 3)");
        text.ShouldContain("of 1 layer before");
    }

    [Fact]
    public void Layers_that_differ_in_how_many_they_keep_share_a_phase()
    {
        string text = new DecoderClass(DecoderPlan.Of(Spec(Models.Single(model => model.Name == "Best")))).Emit();
        text.ShouldContain("Largest.Keep(ref rankedScores, Intermediate, layer switch { 0 => 30, _ => 41 }, ref neuronScores, fromNeuron, toNeuron);");
        text.ShouldContain("Largest.Keep(ref rankedScores, Intermediate, 75, ref neuronScores, fromNeuron, toNeuron);");
        text.ShouldContain("the best 0.2 of the neurons");
    }

    [Fact]
    public void A_phase_is_of_all_workers_together_and_adds_the_barriers_that_it_needs()
    {
        ModelSpec spec = Spec(Models[0]);
        string text = new DecoderClass(DecoderPlan.Of(spec)).Emit();

        text.ShouldContain("  barriers     5 a layer: heads, attention, projection, neurons, sum; "
            + "6 in Predicted mode where layer is 0 or 1 or 3 or 4");
        text.ShouldContain("if (Mode == SparsityMode.Predicted && layer is 0 or 1 or 3 or 4)");
        text.ShouldContain("OfPolicy = true,");
        text.ShouldContain("InLayer = layer => layer is 1 or 3 or 4,");
        ModelProgram program = ModelProgram.Of(spec);
        program.Layer.Count(operation => operation.Policy is not null).ShouldBe(6); // two ranks of three operations
        program.Layer.OfType<Neurons>().ShouldHaveSingleItem().Reads.Select(slot => slot.Name).ShouldBe(["Normed", "NeuronScores"]);
    }

    [Fact]
    public void A_policy_without_a_kernel_for_gpus_or_without_a_file_is_refused_where_it_is_declared()
    {
        ModelSpec spec = Spec(Models[0]);
        GpuLimit.Of(spec).ShouldBeNull();
        PolicySpec onCpu = new OnCpuSpec();
        GpuLimit.Of(spec with { Policies = new[] { new Declare.LayerPolicy(0, 4, onCpu) }.ToEquatableArray() }).ShouldBe(
            "no kernel for GPUs computes the policy 'on CPUs'; remove what declares it, or reference SparseInfer.Runtime instead of SparseInfer.Runtime.Ilgpu");
        ModelSpec experts = spec with { Experts = new ExpertsSpec(4, 2, ExpertGating.Softmax, RouterInput.FeedForward) };
        ExpertLimit.Of(experts).ShouldBeNull();
        GpuLimit.Missing(experts).ShouldBeNull();

        const string Layer = """
            using SparseInfer;
            public static partial class Layers
            {
                [FeedForward(Hidden = 64, Intermediate = 96)]
                [LowRankPredictor(Rank = 8, Input = PredictorInput.Normed)]
                [Weights(WeightType.F32)]
                public static partial FeedForwardKernel Mlp { get; }
            }
            """;
        DeclarationReader reader = DeclarationLanguage.Reader;
        CSharpCompilation project = UserCode.Compile(Layer);
        SyntaxNode property = project.SyntaxTrees.SelectMany(tree => tree.GetRoot().DescendantNodes()).OfType<PropertyDeclarationSyntax>().Single();
        SemanticModel model = project.GetSemanticModel(property.SyntaxTree);
        ReadDeclaration read = reader.Read(
            model.GetDeclaredSymbol(property).ShouldNotBeNull(), property, model, name => name.EndsWith("FeedForwardAttribute", StringComparison.Ordinal), ProfileFiles.None, default)
            .ShouldNotBeNull();
        Report refused = read.Reports.ShouldHaveSingleItem();
        refused.Id.ShouldBe("SPI0043");
        refused.Message.ShouldBe(
            "Nothing is generated for 'Mlp': the policy 'low-rank 8' wants tensors of a model's file, which a layer alone does not have; declare it on a model");
        read.Stub.ShouldNotBeNull();
    }

    /// <summary>It would read attention's part, too, which the norm has not seen.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_model_of_parallel_attention_is_refused_where_a_predictor_reads_the_residual_stream(int index)
    {
        DecoderCase declared = TraitZoo.Parallel[index] with { Name = "M", Alphas = [], Predictors = [null, new(32), null] };
        CSharpCompilation project = UserCode.Compile(declared.Source);
        SyntaxNode type = project.SyntaxTrees.SelectMany(tree => tree.GetRoot().DescendantNodes()).OfType<ClassDeclarationSyntax>().Single();
        SemanticModel model = project.GetSemanticModel(type.SyntaxTree);
        Report refused = DeclarationLanguage.Reader.Read(
            model.GetDeclaredSymbol(type).ShouldNotBeNull(), type, model, name => name.EndsWith("DecoderModelAttribute", StringComparison.Ordinal), ProfileFiles.None, default)
            .ShouldNotBeNull().Reports.ShouldHaveSingleItem();
        refused.Id.ShouldBe("SPI0043");
        refused.Message.ShouldContain("has nothing to read where attention is added after that norm");
    }

    private sealed record OnCpuSpec : PolicySpec
    {
        internal override PolicySite Site => PolicySite.Neurons;

        public override string Label() => "on CPUs";

        public override string Describe() => "on CPUs";
    }

    private static IReadOnlyList<LayerMetrics> Metrics(LanguageModel model, SparsityMode mode)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = (UserMode)mode, Metering = true });
        for (int i = 0; i < Tokens; i++)
        {
            session.Forward([Token(model.Shape.Vocabulary, i)]);
        }

        return session.ReadMetrics();
    }
}
