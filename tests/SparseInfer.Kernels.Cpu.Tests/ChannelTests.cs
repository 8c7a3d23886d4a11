using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu.Tests;

/// <summary>Channels that projections leave out of their input: which they are, and what the others add up to.</summary>
public sealed class ChannelTests
{
    private static readonly float[] Adversarial =
    [
        0f, -0f, 0.25f, -0.25f, MathF.BitIncrement(0.25f), -MathF.BitIncrement(0.25f), MathF.BitDecrement(0.25f), float.Epsilon, -float.Epsilon,
        float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, 1f, -1f,
    ];

    public static TheoryData<float> Thresholds { get; } = [ChannelScratch.EveryChannel, 0f, float.Epsilon, 0.25f, 1f, float.MaxValue];

    /// <summary>A channel is kept iff its magnitude is larger than the threshold; what is not a number is no smaller.</summary>
    [Theory]
    [MemberData(nameof(Thresholds))]
    public void Kept_are_those_that_are_larger_in_double_precision(float threshold)
    {
        var random = new Random(5);
        float[] x = [.. Adversarial.Concat(Enumerable.Range(0, 190).Select(i => i % 7 == 0 ? 0.25f : (random.NextSingle() * 2) - 1)).Concat(Adversarial)];
        int[] expected = [.. Enumerable.Range(0, x.Length).Where(i => threshold < 0 || !(Math.Abs((double)x[i]) <= threshold))];
        foreach (int workers in new[] { 1, 2, 3, 7 })
        {
            using var scratch = new ChannelScratch(workers, new NeuronSlices(x.Length, 4), 32);
            var kept = new List<int>();
            for (int worker = 0; worker < workers; worker++)
            {
                scratch.Select(worker, ref x[0], threshold).ShouldBe(scratch.Kept(worker).Length);
                kept.AddRange(scratch.Kept(worker).ToArray());
                scratch.Kept(worker).ToArray().Select(channel => BitConverter.SingleToInt32Bits(x[channel])).ShouldBe(
                    scratch.Values(worker).ToArray().Select(BitConverter.SingleToInt32Bits));
            }

            kept.ShouldBe(expected);
            Enumerable.Range(0, workers).Sum(scratch.Channels).ShouldBe(x.Length);
        }

        float[] masked = [.. x];
        ChannelScratch.Mask(ref masked[0], masked.Length, threshold).ShouldBe(expected.Length);
        for (int i = 0; i < x.Length; i++)
        {
            float value = expected.Contains(i) ? x[i] : 0f;
            BitConverter.SingleToInt32Bits(masked[i]).ShouldBe(BitConverter.SingleToInt32Bits(value), $"channel {i}");
        }
    }

    /// <summary>Around a centre, times norms: what is compared is what double precision gives, and what is multiplied is the distance.</summary>
    [Theory]
    [InlineData(ChannelScratch.EveryChannel, 0.25f, false)]
    [InlineData(0f, 0.25f, false)]
    [InlineData(0.25f, 0f, true)]
    [InlineData(0.25f, -0.125f, false)]
    [InlineData(0.25f, 0.1f, true)]
    [InlineData(float.MaxValue, 1e-3f, true)]
    public void Kept_are_those_that_are_further_from_a_centre_in_double_precision(float threshold, float centre, bool hasNorms)
    {
        var random = new Random(7);
        float[] near = [centre, -centre, centre + threshold, centre - threshold, MathF.BitIncrement(centre + threshold), MathF.BitDecrement(centre - threshold)];
        float[] x = [.. Adversarial.Concat(near).Concat(Enumerable.Range(0, 190).Select(i => i % 5 == 0 ? centre + 0.25f : (random.NextSingle() * 2) - 1)).Concat(near)];
        float[] norms = hasNorms ? [.. x.Select((_, i) => i % 9 == 0 ? 0f : i % 4 == 0 ? 1f : random.NextSingle() * 3)] : [];
        int[] expected = [.. Enumerable.Range(0, x.Length).Where(i => threshold < 0 || !(Math.Abs((double)x[i] - centre) * (hasNorms ? norms[i] : 1.0) <= threshold))];
        float Distance(int i) => threshold < 0 ? x[i] : x[i] - centre;
        foreach (int workers in new[] { 1, 3 })
        {
            using var scratch = new ChannelScratch(workers, new NeuronSlices(x.Length, 4), 32);
            var kept = new List<int>();
            for (int worker = 0; worker < workers; worker++)
            {
                scratch.Select(worker, ref x[0], threshold, centre, norms).ShouldBe(scratch.Kept(worker).Length);
                kept.AddRange(scratch.Kept(worker).ToArray());
                scratch.Kept(worker).ToArray().Select(channel => BitConverter.SingleToInt32Bits(Distance(channel))).ShouldBe(
                    scratch.Values(worker).ToArray().Select(BitConverter.SingleToInt32Bits));
            }

            kept.ShouldBe(expected);
        }

        float[] masked = [.. x];
        ChannelScratch.Mask(ref masked[0], masked.Length, threshold, centre, norms).ShouldBe(expected.Length);
        masked.Select(BitConverter.SingleToInt32Bits).ShouldBe(
            Enumerable.Range(0, x.Length).Select(i => BitConverter.SingleToInt32Bits(expected.Contains(i) ? Distance(i) : 0f)));

        using var neurons = new FeedForwardScratch(1, 32, new NeuronSlices(x.Length, 1), 0);
        FeedForwardSlot slot = neurons[0];
        for (int i = 0; i < x.Length; i++)
        {
            System.Runtime.CompilerServices.Unsafe.Add(ref slot.Active, i) = i;
            System.Runtime.CompilerServices.Unsafe.Add(ref slot.Values, i) = x[i];
        }

        slot.Count = x.Length;
        slot.KeepLarger(threshold, centre);
        slot.ActiveNeurons.ToArray().ShouldBe(Enumerable.Range(0, x.Length).Where(i => threshold < 0 || !(Math.Abs((double)x[i] - centre) <= threshold)));
        slot.ActiveValues.ToArray().Select(BitConverter.SingleToInt32Bits).ShouldBe(slot.ActiveNeurons.ToArray().Select(i => BitConverter.SingleToInt32Bits(Distance(i))));
    }

    [Fact]
    public void Kept_channels_have_the_sums_of_a_batch_whose_others_are_zero_in_every_type()
    {
        Sums<F32>();
        Sums<F16>();
        Sums<BF16>();
        Sums<Q8_0>();
        Sums<Q4_0>();
        Sums<Q5_0>();
        Sums<Q5_1>();
        Sums<Q4_K>();
        Sums<Q5_K>();
        Sums<Q6_K>();
    }

    private static void Sums<T>()
        where T : IWeightArithmetic
    {
        const int Channels = 512, Outputs = 160, First = 32;
        var random = new Random(11);
        float[] x = [.. Enumerable.Range(0, Channels).Select(_ => (random.NextSingle() * 2) - 1)];
        float[] weights = [.. Enumerable.Range(0, Channels * Outputs).Select(_ => (random.NextSingle() * 2) - 1)];
        byte[] source = new byte[(int)WeightPacking.SourceRowBytes<T>(Channels) * Outputs];
        T.Encode(weights, source);
        using NativeBuffer file = NativeBuffer.Allocate(source.Length);
        source.CopyTo(file.AsSpan<byte>());
        DownMatrix matrix = WeightPacking.PackDown<T>(file.Address, Outputs, Channels, 1, out NativeBuffer owner);
        var slices = new NeuronSlices(Channels, 5);
        float[] panel = new float[OrderedDown.PanelLength];
        foreach (float threshold in new[] { ChannelScratch.EveryChannel, 0f, 0.4f, 0.9f, 2f })
        {
            float[] masked = [.. x];
            ChannelScratch.Mask(ref masked[0], Channels, threshold);
            float[] expected = new float[Outputs];
            OrderedDown.Multiply<T>(in matrix, slices, ref masked[0], Channels, 1, ref expected[0], Outputs, 0, Outputs, panel);
            foreach (int workers in new[] { 1, 3, 8 })
            {
                using var scratch = new ChannelScratch(workers, slices, First + Outputs);
                for (int worker = 0; worker < workers; worker++)
                {
                    scratch.Select(worker, ref x[0], threshold);
                    OrderedDown.AccumulateChannels<T>(in matrix, scratch, worker, First);
                }

                float[] y = new float[Outputs];
                OrderedDown.SumChannels(scratch, First, ref y[0], 0, 7);
                OrderedDown.SumChannels(scratch, First, ref y[0], 7, Outputs);
                OrderedDown.SumChannels(scratch, First, ref y[0], 5, 5);
                MemoryMarshal.AsBytes(y.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(expected.AsSpan())).ShouldBeTrue($"{typeof(T).Name}, {threshold}, {workers} workers");
            }

            if (threshold > 1)
            {
                expected.ShouldAllBe(value => value == 0);
            }
        }

        owner.Dispose();
    }
}
