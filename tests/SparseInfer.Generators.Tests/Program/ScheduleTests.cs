using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Program;
using SparseInfer.Generators.Tests.Fixture;

namespace SparseInfer.Generators.Tests.Program;

/// <summary>Where barriers stand: it follows from what operations read and write, and from how workers share them.</summary>
public sealed class ScheduleTests
{
    private static readonly ModelProgram Biased = ModelProgram.Of(Parsed.Model("""
        using SparseInfer;
        [DecoderModel(Hidden = 64, Layers = 2, Vocabulary = 100, Context = 16)]
        [Attention(Heads = 4, KeyValueHeads = 2, QueryKeyValueBiases = true, OutputBias = true)]
        [FeedForward(Intermediate = 96, Activation = Activation.Relu, Gated = true, Biases = true)]
        [LayerNorm(Epsilon = 1e-5f)]
        [Weights(WeightType.F32)]
        public sealed partial class Model;
        """, "Model")!);

    [Fact]
    public void A_worker_waits_where_it_reads_what_others_wrote() => Text(Schedule.Phases(Biased.Layer, Own)).ShouldBe(
    [
        "Norm Project AddBias Rotate Project AddBias Rotate Project AddBias",
        "Attend",
        "Project AddBias AddResidual",
        "Norm Neurons Down",
        "SumSlices AddResidual",
    ]);

    [Fact]
    public void A_norm_that_is_shared_is_waited_for() => Text(Schedule.Phases(Biased.Layer, operation => new Split(operation.Unit)))
        .ShouldBe(
        [
            "Norm",
            "Project AddBias Rotate Project AddBias Rotate Project AddBias",
            "Attend",
            "Project AddBias AddResidual",
            "Norm",
            "Neurons Down",
            "SumSlices AddResidual",
        ]);

    [Fact]
    public void A_layer_alone_waits_once_for_the_slices_sums() => Text(Schedule.Once(
        ModelProgram.Of(new FeedForwardSpec(64, 96, Activation.Relu, "0", Gated: true, Biases: true)), Own)).ShouldBe(["Neurons Down", "SumSlices"]);

    [Fact]
    public void Nothing_is_written_that_others_may_still_read()
    {
        // The norm reads all of the residual stream, which the sum's columns are added to.
        Norm norm = Biased.Layer.OfType<Norm>().First();
        AddResidual add = Biased.Layer.OfType<AddResidual>().First();
        Text(Schedule.Phases([norm, add], Own)).ShouldBe(["Norm", "AddResidual"]);
    }

    [Fact]
    public void Nothing_is_written_twice_by_workers_who_share_it_differently()
    {
        Project project = Biased.Layer.OfType<Project>().Last();
        var other = project with { Unit = WorkUnit.Neuron, Stage = Stage.FeedForward };
        Text(Schedule.Phases([project, other, Biased.Layer.OfType<Norm>().First()], operation => new Split(operation.Unit)))
            .ShouldBe(["Project", "Project Norm"]);
    }

    /// <summary>As one token goes through: everybody normalises for himself.</summary>
    private static Split Own(Operation operation) => new(operation.Unit, IsPrivate: operation is Norm);

    private static IEnumerable<string> Text(IEnumerable<Phase> phases) =>
        phases.Select(phase => string.Join(" ", phase.Operations.Select(operation => operation.GetType().Name)));
}
