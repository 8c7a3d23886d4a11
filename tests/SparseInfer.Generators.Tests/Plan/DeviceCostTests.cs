using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Formats;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Plan;

/// <summary>The model of cost, against counts by hand.</summary>
public sealed class DeviceCostTests
{
    private const double Matrix = 11008.0 * 4096 * 2;

    [Fact]
    public void A_llama_reads_its_weights_once_and_asks_for_seven_launches_a_layer()
    {
        DeviceCost cost = Cost(SparsityMode.Dense, sparsity: 0.9, position: 0);

        Part(cost, "attention weights").Bytes.ShouldBe(32 * 4 * 4096.0 * 4096 * 2);
        Part(cost, "feed-forward weights").Bytes.ShouldBe(32 * 3 * Matrix);
        Part(cost, "output head").Bytes.ShouldBe((32000 * 4096.0 * 2) + (2 * 32000 * 4));
        Part(cost, "predictor signs").Bytes.ShouldBe(0);
        cost.Launches.ShouldBe((7 * 32) + 4);
        cost.Parts.Count(part => part.Name == "feed-forward weights" && part.Launches == 32).ShouldBe(1);
    }

    [Fact]
    public void Exact_spares_up_and_down_and_the_predictor_the_gate_too()
    {
        const double Kept = 0.1;
        Part(Cost(SparsityMode.Exact, 1 - Kept, 0), "feed-forward weights").Bytes.ShouldBe(32 * Matrix * (1 + (2 * Kept)), 1);
        DeviceCost predicted = Cost(SparsityMode.Predicted, 1 - Kept, 0);
        Part(predicted, "feed-forward weights").Bytes.ShouldBe(32 * Matrix * 3 * Kept, 1);
        Part(predicted, "predictor signs").Bytes.ShouldBe(32 * 11008.0 * 4096 / 8);
        Cost(SparsityMode.Predicted, 0, 0).Bytes.ShouldBeGreaterThan(Cost(SparsityMode.Dense, 0, 0).Bytes);
    }

    [Fact]
    public void With_drelu_an_exact_token_reads_up_where_the_gate_is_active()
    {
        DeviceCost cost = DeviceCost.Of(Plan("Activation = Activation.DRelu"), new(SparsityMode.Exact, 0.91, 0));
        Part(cost, "feed-forward weights").Bytes.ShouldBe(32 * Matrix * (1 + 0.3 + 0.09), 1);
    }

    [Fact]
    public void The_position_costs_its_keys_and_values_and_a_split_more_each_256()
    {
        // A position more: its key and value in each layer, in halves.
        double position = 32 * 2.0 * 4096 * 2;
        (Cost(SparsityMode.Dense, 0, 255).Bytes - Cost(SparsityMode.Dense, 0, 254).Bytes).ShouldBe(position);
        double split = 32 * 2.0 * 32 * (128 + 2) * 4;
        (Cost(SparsityMode.Dense, 0, 256).Bytes - Cost(SparsityMode.Dense, 0, 255).Bytes).ShouldBe(position + split);
        Cost(SparsityMode.Dense, 0, 4095).Launches.ShouldBe(Cost(SparsityMode.Dense, 0, 0).Launches);
    }

    [Fact]
    public void Partial_sums_are_written_and_read_once_a_slice_and_the_residual_stream_with_them()
    {
        IlgpuDecoderPlan plan = Plan();
        int slices = plan.FeedForwards.Single().Slices;
        Part(DeviceCost.Of(plan, new(SparsityMode.Dense, 0, 0)), "partial sums").Bytes.ShouldBe(32 * ((2.0 * slices * 4096 * 4) + (2 * 4096 * 4)));
    }

    [Fact]
    public void Time_is_bytes_over_bandwidth_and_launches_times_latency()
    {
        DeviceCost cost = Cost(SparsityMode.Dense, 0, 0);
        CostPart attention = Part(cost, "attention weights");
        attention.Microseconds.ShouldBe((attention.Bytes / (204.8e9 * 0.85) * 1e6) + (attention.Launches * 5000 / 1300.0), 1e-6);
        cost.Microseconds.ShouldBe(cost.Parts.Sum(part => part.Microseconds), 1e-6);
    }

    [Fact]
    public void A_launch_of_one_group_has_the_bandwidth_of_one_multiprocessor()
    {
        CostPart norms = Part(Cost(SparsityMode.Dense, 0, 0), "norms");
        norms.Launches.ShouldBe(32 + 1);
        norms.Microseconds.ShouldBe((norms.Bytes / (14 * 1300)) + (norms.Launches * 5000 / 1300.0), 1e-6);
    }

    /// <summary>A type whose instructions take longer than its bytes is as slow as they are.</summary>
    [Fact]
    public void Weights_take_the_slower_of_bytes_and_instructions()
    {
        DeviceTarget wide = DeviceTable.Find("orin-agx-64")! with { GigabytesPerSecond = 2000 };
        double Time(WeightType type) => Math.Max(
            KernelTime.Move(wide, 1e6, 16), KernelTime.Issue(wide, 1e6, Format.Of(type).InstructionsPerLoad));
        Time(WeightType.F16).ShouldBe(KernelTime.Move(wide, 1e6, 16));
        KernelTime.Issue(wide, 1e6, 60).ShouldBe(1e6 / 512 * 60 / (4 * 16 * 1300), 1e-9);
        KernelTime.Issue(wide, 1e6, 185).ShouldBeGreaterThan(KernelTime.Move(wide, 1e6, 16));
    }

    [Fact]
    public void Layers_cost_what_their_policy_is()
    {
        const double Kept = 0.2;
        IlgpuDecoderPlan plan = Plan(
            null, "[SignBitPredictor(Layers = \"0..9\")]", "[ExactSparsity(Layers = \"10..19\")]", "[Dense(Layers = \"20..\")]");
        DeviceCost cost = DeviceCost.Of(plan, new(SparsityMode.Predicted, 1 - Kept, 0));
        Part(cost, "feed-forward weights").Bytes.ShouldBe(Matrix * ((10 * 3 * Kept) + (10 * (1 + (2 * Kept))) + (12 * 3)), 1);
        Part(cost, "predictor signs").Bytes.ShouldBe(10 * 11008.0 * 4096 / 8);
        cost.Launches.ShouldBe((7 * 32) + 4);
    }

    /// <summary>In the layers that have a threshold, and in Predicted mode; of down, of the neurons that are active.</summary>
    [Fact]
    public void Channels_that_are_left_out_cost_nothing()
    {
        const double Square = 4096.0 * 4096 * 2;
        IlgpuDecoderPlan attention = Plan(null, "[ExactSparsity]", "[InputThreshold(Heads = 0.1f, Output = 0.1f, Layers = \"..15\")]", "[InputThreshold(Down = 0.1f, Layers = \"16..\")]");
        DeviceCost cost = DeviceCost.Of(attention, new(SparsityMode.Predicted, 0.9, 0, Channels: 0.4));
        Part(cost, "attention weights").Bytes.ShouldBe(4 * Square * ((16 * 0.6) + 16), 1);
        Part(cost, "feed-forward weights").Bytes.ShouldBe(Matrix * ((32 * (1 + 0.1)) + (16 * 0.1) + (16 * 0.1 * 0.6)), 1);
        IlgpuDecoderPlan feedForward = Plan(null, "[Dense]", "[InputThreshold(FeedForward = 0.1f)]");
        Part(DeviceCost.Of(feedForward, new(SparsityMode.Predicted, 0.9, 0, Channels: 0.4)), "feed-forward weights").Bytes.ShouldBe(32 * Matrix * ((2 * 0.6) + 1), 1);
        Part(DeviceCost.Of(feedForward, new(SparsityMode.Exact, 0.9, 0, Channels: 0.4)), "feed-forward weights").Bytes.ShouldBe(32 * Matrix * (1 + (2 * 0.1)), 1);
    }

    [Fact]
    public void Only_layers_that_predict_have_signs_on_the_device()
    {
        const long Plane = 11008L * 4096 / 8;
        long none = Footprint("[ExactSparsity]");
        Footprint("[SignBitPredictor]").ShouldBe(none + (32 * Plane));
        Footprint("[ExactSparsity(Layers = \"..19\")]", "[SignBitPredictor(Layers = \"20..\")]").ShouldBe(none + (12 * Plane));
        Footprint("[SignBitPredictor(Alpha = 1.1f, Layers = \"0..1\")]", "[SignBitPredictor(Layers = \"2\")]", "[Dense(Layers = \"3..\")]").ShouldBe(none + (3 * Plane));

        long Footprint(params string[] policies) => DeviceFootprint.First(Plan(null, policies)).WeightBytes;
    }

    /// <summary>A double and a bit for each neuron, from the first layer that has the policy to the last.</summary>
    [Fact]
    public void Sessions_remember_their_prompts()
    {
        DeviceFootprint footprint = DeviceFootprint.First(Plan(null, "[ExactSparsity(Layers = \"..1\")]", "[PromptNeurons(Keep = 0.5f, Layers = \"2..\")]"));
        footprint.RememberedBytes.ShouldBe(30 * 11008L * 65 / 8);
        footprint.Bytes(100).ShouldBe(footprint.WeightBytes + footprint.CacheBytes(100) + footprint.RememberedBytes);
        DeviceFootprint.First(Plan(null, "[ExactSparsity]")).RememberedBytes.ShouldBe(0);
    }

    /// <summary>In F32, whatever type the file has them in; a token reads a row.</summary>
    [Fact]
    public void Learned_positions_are_a_table_on_the_device()
    {
        IlgpuDecoderPlan plain = Plan();
        IlgpuDecoderPlan learned = IlgpuDecoderPlan.Of(plain.Spec with { Embedding = plain.Spec.Embedding with { LearnedPositions = 4096, PositionOffset = 2 } });
        (DeviceFootprint.First(learned).WeightBytes - DeviceFootprint.First(plain).WeightBytes).ShouldBe((4096 + 2) * 4096L * 4);
        (DeviceCost.Of(learned, new(SparsityMode.Dense, 0, 0)).Bytes - DeviceCost.Of(plain, new(SparsityMode.Dense, 0, 0)).Bytes).ShouldBe(4096 * 4);
    }

    private static CostPart Part(DeviceCost cost, string name) => cost.Parts.Single(part => part.Name == name);

    private static DeviceCost Cost(SparsityMode mode, double sparsity, int position) => DeviceCost.Of(Plan(), new(mode, sparsity, position));

    private static IlgpuDecoderPlan Plan(string? activation = null, params string[] policies)
    {
        string shape = "Intermediate = 11008" + (activation is null ? "" : ", " + activation);
        ModelSpec spec = Parsed.Model(Declared.Model(
        [
            "[DecoderModel(Hidden = 4096, Layers = 32, Vocabulary = 32000, Context = 4096)]",
            "[Attention(Heads = 32)]",
            $"[FeedForward({shape})]",
            "[Target(\"sm_87\")]",
            .. policies.Length > 0 ? policies : ["[SignBitPredictor]"],
        ])).ShouldNotBeNull();
        return IlgpuDecoderPlan.Of(spec);
    }
}
