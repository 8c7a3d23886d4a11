using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// RMSNorm over a layer's neurons, between their activation and down (BitNet's <c>ffn_sub_norm</c>). Squares are added within every slice by
/// ascending neuron, then over the slices in their order: a neuron that is left out adds what zero adds, so the sum is the same for any number of
/// workers, and with zeros skipped or not.
/// </summary>
public static class NeuronNorm
{
    /// <summary>The squares of a worker's active neurons: a sum for each of its slices.</summary>
    /// <param name="scratch">All workers' neurons.</param>
    /// <param name="worker">Which worker.</param>
    /// <param name="token">Which of the tokens.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SumSquares(FeedForwardScratch scratch, int worker, int token = 0)
    {
        FeedForwardSlot slot = scratch[worker, token];
        (int from, int to) = scratch.Slices.OfWorker(scratch.Workers, worker);
        int n = 0;
        for (int slice = from; slice < to; slice++)
        {
            int end = scratch.Slices.First(slice + 1);
            float sum = 0;
            for (; n < slot.Count && Unsafe.Add(ref slot.Active, n) < end; n++)
            {
                float value = Unsafe.Add(ref slot.Values, n);
                sum += value * value;
            }

            scratch.Squares(slice, token) = sum;
        }
    }

    /// <summary>Normalises a worker's active neurons. Every worker has been through <see cref="SumSquares"/>.</summary>
    /// <param name="scratch">All workers' neurons.</param>
    /// <param name="worker">Which worker.</param>
    /// <param name="weight">A factor for each neuron.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="token">Which of the tokens.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply(FeedForwardScratch scratch, int worker, ref readonly float weight, float epsilon, int token = 0)
    {
        float sum = 0;
        for (int slice = 0; slice < scratch.Slices.Count; slice++)
        {
            sum += scratch.Squares(slice, token);
        }

        ref float factors = ref Unsafe.AsRef(in weight);
        float scale = Scale(sum, scratch.Slices.Neurons, epsilon);
        FeedForwardSlot slot = scratch[worker, token];
        for (int n = 0; n < slot.Count; n++)
        {
            Unsafe.Add(ref slot.Values, n) = Unsafe.Add(ref slot.Values, n) * scale * Unsafe.Add(ref factors, Unsafe.Add(ref slot.Active, n));
        }
    }

    /// <summary>Normalises the neurons of some tokens of a batch: the bits of <see cref="Apply"/>, token by token.</summary>
    /// <param name="h">Token 0's first neuron.</param>
    /// <param name="stride">Elements between two tokens.</param>
    /// <param name="fromToken">The first token.</param>
    /// <param name="toToken">The end.</param>
    /// <param name="slices">How neurons are divided.</param>
    /// <param name="weight">A factor for each neuron.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ApplyBatch(
        ref float h, int stride, int fromToken, int toToken, NeuronSlices slices, ref readonly float weight, float epsilon)
    {
        ref float factors = ref Unsafe.AsRef(in weight);
        for (int token = fromToken; token < toToken; token++)
        {
            ref float row = ref Unsafe.Add(ref h, token * (nint)stride);
            float total = 0;
            for (int slice = 0; slice < slices.Count; slice++)
            {
                float sum = 0;
                for (int i = slices.First(slice); i < slices.First(slice + 1); i++)
                {
                    sum += Unsafe.Add(ref row, i) * Unsafe.Add(ref row, i);
                }

                total += sum;
            }

            float scale = Scale(total, slices.Neurons, epsilon);
            for (int i = 0; i < slices.Neurons; i++)
            {
                Unsafe.Add(ref row, i) = Unsafe.Add(ref row, i) * scale * Unsafe.Add(ref factors, i);
            }
        }
    }

    private static float Scale(float squares, int neurons, float epsilon) => 1 / MathF.Sqrt((squares / neurons) + epsilon);
}
