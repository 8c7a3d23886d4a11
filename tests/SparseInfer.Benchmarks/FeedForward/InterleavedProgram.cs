using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>
/// The layer with each neuron's rows of gate and up side by side, both read together: dense weights are then one stream instead of two, and a predicted
/// neuron is one place instead of two. What Exact does without up is not here: every other row it can read with the generated kernel.
/// </summary>
internal sealed class InterleavedProgram<T>(LoadedLayer layer) : LayerProgram(layer)
    where T : IWeightArithmetic
{
    private const int BlockNeurons = 8192;

    protected override void Activate(SparsityMode mode, FeedForwardSlot slot)
    {
        float undo = T.PrepareInput(ref slot.Input, ref slot.PreparedInput, Layer.Both.PaddedColumns);
        switch (mode)
        {
            case SparsityMode.Dense:
                Dense(Layer, slot, undo, Layer.Shape.Intermediate);
                break;
            case SparsityMode.Predicted:
                SignBit(Layer, slot, undo, Layer.Shape.Intermediate);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(mode), $"{mode} is not written.");
        }
    }

    protected override void Down(ref float y)
    {
        OrderedDown.AccumulateSlices<T>(in Layer.Down, Layer.Scratch, worker: 0);
        OrderedDown.SumSlices(Layer.Scratch, ref y, 0, Layer.Shape.Hidden);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Dense(LoadedLayer w, FeedForwardSlot slot, float undo, int neurons)
    {
        ref float x = ref slot.PreparedInput;
        ref int active = ref slot.Active;
        ref float value = ref slot.Values;
        for (int i = 0; i < neurons; i += 2)
        {
            Vector128<float> dots = undo * RowDot.Four<T>(ref x, w.Both.Four(2 * i), next: w.Both.Four((2 * i) + 4), w.Both.PaddedColumns);
            Unsafe.Add(ref active, i) = i;
            Unsafe.Add(ref value, i) = Neuron(dots.GetElement(0), dots.GetElement(1));
            Unsafe.Add(ref active, i + 1) = i + 1;
            Unsafe.Add(ref value, i + 1) = Neuron(dots.GetElement(2), dots.GetElement(3));
        }

        slot.Count = neurons;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SignBit(LoadedLayer w, FeedForwardSlot slot, float undo, int neurons)
    {
        ref float x = ref slot.PreparedInput;
        ref int active = ref slot.Active;
        ref float value = ref slot.Values;
        ref int candidate = ref slot.Candidates;
        int count = 0;
        Signs.Pack(ref slot.Input, ref slot.Side, w.Shape.Hidden);
        for (int block = 0; block < neurons; block += BlockNeurons)
        {
            int end = Math.Min(block + BlockNeurons, neurons);
            int candidates = w.GateSigns.Agreeing(ref slot.Side, block, end, w.SignThreshold, ref candidate);
            FeedForwardSlot.Pad(ref candidate, candidates);
            for (int n = 0; n < candidates; n += 2)
            {
                ref int two = ref Unsafe.Add(ref candidate, n);
                Vector128<float> dots = undo * RowDot.Four<T>(ref x, Two(w, ref two), next: Two(w, ref Unsafe.Add(ref two, 2)), w.Both.PaddedColumns);
                float gate = dots.GetElement(0);
                Unsafe.Add(ref active, count) = two;
                Unsafe.Add(ref value, count) = gate * dots.GetElement(1);
                count += gate > 0f ? 1 : 0;
                gate = dots.GetElement(2);
                Unsafe.Add(ref active, count) = Unsafe.Add(ref two, 1);
                Unsafe.Add(ref value, count) = gate * dots.GetElement(3);
                count += gate > 0f && n + 1 < candidates ? 1 : 0;
            }
        }

        FeedForwardSlot.Pad(ref active, count);
        slot.Count = count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static FourRows Two(LoadedLayer w, ref int neurons)
    {
        int first = 2 * neurons, second = 2 * Unsafe.Add(ref neurons, 1);
        return w.Both.Four(first, first + 1, second, second + 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Neuron(float gate, float up) => gate > 0f ? gate * up : 0f;
}
