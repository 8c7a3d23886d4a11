using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>Projections that leave channels of their input out, beside those that read every row: matrices as wide as Llama-2-7B's attention, from memory.</summary>
internal static class ChannelComparisons
{
    private const int Width = RowMatrix<F32>.Columns;

    private const int Slices = 24;

    /// <summary>Shares of channels that are kept: all, as TEAL leaves them at 40%, and fewer.</summary>
    private static readonly double[] Kept = [1, 0.58, 0.3, 0.1];

    /// <summary>A row for each output, and a row for each channel.</summary>
    public static Comparison OfType<T>()
        where T : IWeightArithmetic
    {
        var comparison = new Comparison();
        var random = new Random(3);
        RowMatrix<T> rows = comparison.Own(new RowMatrix<T>(RowComparisons.InMemory));
        comparison.Variants.Add(new Variant("", "a row for each output", rows.Bytes, rows.Multiply));

        // Contents do not matter, but that they are there does: pages that nobody wrote are one page of zeros.
        long bytes = DownMatrix.ByteCount<T>(Width, Width);
        NativeBuffer memory = comparison.Own(NativeBuffer.Allocate(RowComparisons.InMemory / bytes * bytes));
        memory.AsSpan<byte>().Fill(0x2A);
        DownMatrix[] matrices = [.. Enumerable.Range(0, (int)(RowComparisons.InMemory / bytes)).Select(i => DownMatrix.FromMemory<T>(memory.Address + (nint)(i * bytes), Width, Width))];
        ChannelScratch scratch = comparison.Own(new ChannelScratch(1, new NeuronSlices(Width, Slices), Width));
        float[] y = new float[Width];
        foreach (double kept in Kept)
        {
            float[][] inputs = [.. matrices.Select(_ => Enumerable.Range(0, Width).Select(_ => random.NextSingle()).ToArray())];
            comparison.Variants.Add(new Variant("", FormattableString.Invariant($"a row for each channel, {kept:p0} kept"), matrices.Length * bytes * kept, () =>
            {
                for (int i = 0; i < matrices.Length; i++)
                {
                    scratch.Select(0, ref inputs[i][0], kept == 1 ? ChannelScratch.EveryChannel : 1 - (float)kept);
                    OrderedDown.AccumulateChannels<T>(in matrices[i], scratch, 0, 0);
                    OrderedDown.SumChannels(scratch, 0, ref y[0], 0, Width);
                }
            }));
        }

        return comparison;
    }
}
