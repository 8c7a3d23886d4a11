using SparseInfer.Generators.Cpu;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Policies.SignBit;
using SparseInfer.Generators.Program;

namespace SparseInfer.Generators.Tests.Generation;

/// <summary>What is shared by all kernels knows no predictor in particular.</summary>
public sealed class PredictorTests
{
    [Fact]
    public void Another_predictor_is_described_in_its_own_words_and_metered_whatever_the_activation()
    {
        string text = Emit(Activation.Silu, new Guess());

        text.ShouldContain("32 columns a step, fetched one group ahead; guesses at once; blocks of");
        text.ShouldContain("tally.Bytes += neurons * 3L; // guesses\n");
        text.ShouldContain("int CountActive(");
        text.ShouldContain("count += Activate(gate.GetElement(0)) != 0f ? 1 : 0;");
        text.ShouldNotContain("sign", Case.Insensitive);
    }

    [Theory]
    [InlineData(64, "input signs in 1 register; ")]
    [InlineData(512, "input signs in 8 registers; ")]
    [InlineData(544, "signs of 9 words by vectors; ")]
    public void Signs_are_kept_in_registers_where_they_fit(int hidden, string plan) =>
        Emit(Activation.Relu, new SignBitCpuKernel(), hidden).ShouldContain($"columns a step, fetched one group ahead; {plan}blocks of");

    private static string Emit(Activation activation, CpuKernelEmitter kernel, int hidden = 64)
    {
        var shape = new KernelShape(new FeedForwardSpec(hidden, 96, activation, "0", true, false), WeightType.F32);
        return new FeedForwardClass(FeedForwardPlan.Of(shape, [shape.Weights]), CpuKernelEmitter.Set.For(shape, [kernel]), batches: false).Emit();
    }

    private sealed class Guess() : SkippingKernelEmitter("Guess")
    {
        public override bool Predicts => true;

        public override string PredictorData => "guesses";

        public override string PlanText(FeedForwardPlan plan) => "guesses at once";

        public override long PredictorBytes(FeedForwardPlan plan) => 3;

        public override string Summary(FeedForwardPlan plan) => "Guesses.";

        public override string Keep(string activation) => $"{activation} != 0f";
    }
}
