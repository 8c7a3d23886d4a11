using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>The router of experts, and a prompt's tokens in the order of their experts.</summary>
public sealed class ExpertTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_largest_logits_are_chosen_and_the_weights_are_their_shares(bool sigmoid)
    {
        using ExpertChoices choices = Choose([0.5f, -2f, 3f, 1f, -7f, 2.5f], active: 3, sigmoid);

        choices.Experts(1).ToArray().ShouldBe([2, 3, 5]);
        double[] powers = [.. new[] { 3.0, 1.0, 2.5 }.Select(logit => sigmoid ? 1 / (1 + Math.Exp(-logit)) : Math.Exp(logit))];
        float[] weights = choices.Weights(1).ToArray();
        for (int i = 0; i < powers.Length; i++)
        {
            weights[i].ShouldBe((float)(powers[i] / powers.Sum()), 1e-6f);
        }
    }

    [Fact]
    public void Of_equal_logits_the_lower_numbers_are_chosen()
    {
        using ExpertChoices choices = Choose([1f, 2f, 1f, 2f, 1f], active: 3, sigmoid: false);
        choices.Experts(1).ToArray().ShouldBe([0, 1, 3]);
    }

    /// <summary>An input that overflowed gives logits that are no numbers: the choice means nothing then, but is one.</summary>
    [Fact]
    public void Whatever_the_logits_are_different_experts_are_chosen()
    {
        using ExpertChoices choices = Choose([float.NaN, float.NegativeInfinity, float.NaN, 1f], active: 4, sigmoid: true);
        choices.Experts(1).ToArray().ShouldBe([0, 1, 2, 3]);
    }

    [Fact]
    public void Sigmoids_that_are_all_but_zero_are_divided_by_no_less_than_the_smallest_half()
    {
        using ExpertChoices choices = Choose([-40f, -200f], active: 2, sigmoid: true);
        choices.Weights(1).ToArray().ShouldAllBe(weight => weight >= 0f && weight < 1e-10f);
    }

    [Fact]
    public void Logits_of_any_size_have_a_softmax()
    {
        using ExpertChoices choices = Choose([3e38f, -3e38f, 1f], active: 2, sigmoid: false);
        choices.Weights(1).ToArray().ShouldBe([1f, 0f]);
    }

    [Fact]
    public void Tokens_lie_in_the_order_of_their_experts_and_then_in_their_own()
    {
        int[][] experts = [[1, 4], [0, 4], [1, 3], [3, 4]];
        using var choices = new ExpertChoices(experts.Length, count: 6, active: 2);
        for (int token = 0; token < experts.Length; token++)
        {
            experts[token].CopyTo(choices.Experts(token));
        }

        var groups = new ExpertGroups(experts.Length, count: 6, active: 2);
        groups.Sort(choices, experts.Length);
        groups.Sort(choices, experts.Length); // what was there is forgotten

        Enumerable.Range(0, 6).Select(groups.RowsOf).ShouldBe([(0, 1), (1, 3), (3, 3), (3, 5), (5, 8), (8, 8)]);
        Enumerable.Range(0, 4).SelectMany(token => new[] { groups.Row(token, 0), groups.Row(token, 1) }).ShouldBe([1, 5, 0, 6, 2, 3, 4, 7]);
    }

    [Fact]
    public void A_multiple_is_added_with_one_rounding()
    {
        var random = new Random(3);
        float[] x = [.. Enumerable.Range(0, 45).Select(_ => random.NextSingle() - 0.5f)];
        float[] y = [.. Enumerable.Range(0, 45).Select(_ => random.NextSingle() - 0.5f)];
        float[] sum = [.. x];
        Elementwise.AddScaled(ref sum[0], in y[0], 0.7f, 2, 41);
        sum.ShouldBe(x.Select((value, i) => i is >= 2 and < 41 ? MathF.FusedMultiplyAdd(y[i], 0.7f, value) : value));
    }

    [Fact]
    public void More_experts_than_there_are_cannot_be_chosen() =>
        Should.Throw<ArgumentOutOfRangeException>(() => new ExpertChoices(1, count: 2, active: 3));

    /// <summary>Row 1 of the choices, by a router whose rows give these logits for an input of 1.</summary>
    private static ExpertChoices Choose(float[] logits, int active, bool sigmoid)
    {
        const int Columns = 32;
        using NativeBuffer memory = NativeBuffer.Allocate(logits.Length * Columns * sizeof(float));
        for (int expert = 0; expert < logits.Length; expert++)
        {
            memory.AsSpan<float>()[expert * Columns] = logits[expert];
        }

        WeightMatrix router = WeightMatrix.FromMemory(memory.Address, logits.Length, 1, Columns * sizeof(float));
        float[] x = new float[Columns];
        float[] prepared = new float[Columns];
        x[0] = 1f;
        var choices = new ExpertChoices(2, logits.Length, active);
        if (sigmoid)
        {
            ExpertRouter.Sigmoid<F32>(in router, in x[0], ref MemoryMarshal.GetArrayDataReference(prepared), Columns, choices, 1);
        }
        else
        {
            ExpertRouter.Softmax<F32>(in router, in x[0], ref MemoryMarshal.GetArrayDataReference(prepared), Columns, choices, 1);
        }

        return choices;
    }
}
