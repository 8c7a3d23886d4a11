using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>Neurons that any of several tokens needs.</summary>
public sealed class NeuronUnionTests
{
    [Fact]
    public void Each_neuron_that_any_token_needs_is_counted_once()
    {
        var random = new Random(5);
        for (int tokens = 1; tokens <= 16; tokens++)
        {
            using var scratch = new FeedForwardScratch(2, paddedHidden: 32, new NeuronSlices(192, 3), sideWords: 0, tokens);
            (int from, int to) = scratch.Neurons(1);
            var needed = new HashSet<int>();
            foreach (FeedForwardSlot slot in scratch.Slots(1, tokens))
            {
                int every = random.Next(1, 12);
                for (int neuron = from; neuron < to; neuron++)
                {
                    if (random.Next(every) == 1)
                    {
                        Unsafe.Add(ref slot.Active, slot.Count++) = neuron;
                        needed.Add(neuron);
                    }
                }
            }

            NeuronUnion.Count(scratch.Slots(1, tokens)).ShouldBe(needed.Count);
        }
    }

    [Fact]
    public void Tokens_that_need_nothing_need_nothing_together()
    {
        using var scratch = new FeedForwardScratch(1, paddedHidden: 32, new NeuronSlices(64, 1), sideWords: 0, tokens: 3);
        NeuronUnion.Count(scratch.Slots(0, 3)).ShouldBe(0);
        NeuronUnion.Count(scratch.Slots(0, 0)).ShouldBe(0);
    }
}
