namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>How neurons are divided.</summary>
public sealed class NeuronSlicesTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(31, 2)]
    [InlineData(172, 2)]
    [InlineData(1024, 8)]
    [InlineData(11008, 24)]
    [InlineData(40, 7)]
    public void Slices_cover_every_neuron_once_in_whole_blocks(int neurons, int count)
    {
        var slices = new NeuronSlices(neurons, count);
        (slices.First(0), slices.First(count)).ShouldBe((0, neurons));
        for (int slice = 1; slice < count; slice++)
        {
            int first = slices.First(slice);
            first.ShouldBeInRange(slices.First(slice - 1), neurons);
            (first == neurons || first % DownMatrix.BlockNeurons == 0).ShouldBeTrue();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(30)]
    public void Workers_share_whole_slices_in_order(int workers)
    {
        var slices = new NeuronSlices(11008, 24);
        int next = 0;
        for (int worker = 0; worker < workers; worker++)
        {
            (int from, int to) = slices.OfWorker(workers, worker);
            from.ShouldBe(next);
            next = to;
        }

        next.ShouldBe(24);
    }

    [Fact]
    public void A_division_needs_a_slice()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => new NeuronSlices(64, 0)).ParamName.ShouldBe("count");
        Should.Throw<ArgumentOutOfRangeException>(() => new NeuronSlices(-1, 1)).ParamName.ShouldBe("neurons");
    }
}
