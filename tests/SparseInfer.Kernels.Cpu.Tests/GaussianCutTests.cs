using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>Mean plus some standard deviations, measured by slices.</summary>
public sealed class GaussianCutTests
{
    private const int Neurons = 70;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_cut_is_mean_and_deviations_of_all_gates(int workers)
    {
        float[] gates = Reference.RandomVector(Neurons, seed: 5, scale: 3);
        double mean = gates.Average(gate => (double)gate);
        double deviation = Math.Sqrt(gates.Average(gate => (gate - mean) * (gate - mean)));

        Cut(gates, workers).ShouldBe((float)(mean + (1.5 * deviation)), 1e-6f);
    }

    /// <summary>Neurons then are infinite in every mode, as they would be with any cut; none is silently zero.</summary>
    [Theory]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.NaN)]
    public void Gates_beyond_all_numbers_leave_no_cut_to_hide_behind(float gate)
    {
        float[] gates = Reference.RandomVector(Neurons, seed: 5);
        gates[41] = gate;

        Cut(gates, workers: 2).ShouldBe(float.NegativeInfinity);
    }

    /// <summary>Whoever measures, and however tokens lie: one cut, bit for bit.</summary>
    [Fact]
    public void A_token_of_several_or_of_a_batch_has_the_cut_that_it_has_alone()
    {
        const int Tokens = 3;
        const int Stride = 96;
        float[] batch = Reference.RandomVector(Tokens * Stride, seed: 9, scale: 2);
        float[] cuts = new float[Tokens];
        var slices = new NeuronSlices(Neurons, 4);
        GaussianCut.OfBatch(ref batch[0], Stride, 0, 1, slices, 1.5f, ref cuts[0]);
        GaussianCut.OfBatch(ref batch[0], Stride, 1, Tokens, slices, 1.5f, ref cuts[0]);

        using var scratch = new FeedForwardScratch(workers: 2, paddedHidden: 32, slices, sideWords: 0, Tokens);
        for (int worker = 0; worker < scratch.Workers; worker++)
        {
            (int from, int to) = scratch.Neurons(worker);
            for (int token = 0; token < Tokens; token++)
            {
                batch.AsSpan((token * Stride) + from, to - from).CopyTo(MemoryMarshal.CreateSpan(ref scratch[worker, token].Gates, to - from));
            }

            GaussianCut.Measure(scratch, worker, Tokens);
        }

        for (int token = 0; token < Tokens; token++)
        {
            GaussianCut.Of(scratch, 1.5f, token).ShouldBe(cuts[token]);
            Cut(batch[(token * Stride)..((token * Stride) + Neurons)], workers: 1).ShouldBe(cuts[token]);
        }
    }

    private static float Cut(float[] gates, int workers)
    {
        using var scratch = new FeedForwardScratch(workers, paddedHidden: 32, new NeuronSlices(Neurons, 4), sideWords: 0);
        for (int worker = 0; worker < workers; worker++)
        {
            (int from, int to) = scratch.Neurons(worker);
            for (int i = from; i < to; i++)
            {
                Unsafe.Add(ref scratch[worker].Gates, i - from) = gates[i];
            }

            GaussianCut.Measure(scratch, worker);
        }

        return GaussianCut.Of(scratch, deviations: 1.5f);
    }
}
