using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>
/// The generated kernel with sizes, words of signs, threshold and activation known at run time only: statement by statement what the
/// generator writes, over the same primitives. A library that compiles one kernel for all models would have this one.
/// </summary>
/// <typeparam name="T">The weights' type.</typeparam>
/// <typeparam name="TRows">Who dots rows with the input.</typeparam>
/// <param name="layer">The layer.</param>
/// <param name="blockNeurons">Neurons of a block: the generator's tuning, no property of a model.</param>
/// <param name="groupsAhead">Groups of rows between the one that is computed and the one that is fetched: tuning as well.</param>
internal sealed class RunTimeSizeProgram<T, TRows>(LoadedLayer layer, int blockNeurons = 8192, int groupsAhead = 1) : LayerProgram(layer)
    where T : IWeightArithmetic
    where TRows : struct, IRowProduct
{
    private readonly Sizes _sizes = new(
        layer.Shape.Hidden,
        (layer.Shape.Hidden + 31) / 32 * 32,
        layer.Shape.Activation is Activation.Relu or Activation.FatRelu or Activation.SquaredRelu
            ? layer.Shape.Activation
            : throw new ArgumentException($"{layer.Shape.Activation} is not written.", nameof(layer)),
        layer.Shape.Threshold,
        blockNeurons,
        4 * groupsAhead);

    protected override void Activate(SparsityMode mode, FeedForwardSlot slot)
    {
        switch (mode)
        {
            case SparsityMode.Dense:
                Dense(Layer, in _sizes, slot, 0, Layer.Shape.Intermediate);
                break;
            case SparsityMode.Exact:
                Exact(Layer, in _sizes, slot, 0, Layer.Shape.Intermediate);
                break;
            default:
                SignBit(Layer, in _sizes, slot, 0, Layer.Shape.Intermediate, Layer.SignThreshold);
                break;
        }
    }

    protected override void Down(ref float y)
    {
        Down(Layer, Layer.Scratch, worker: 0);
        Sum(Layer.Scratch, ref y, 0, _sizes.PaddedHidden);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Down(LoadedLayer w, FeedForwardScratch scratch, int worker) =>
        OrderedDown.AccumulateSlices<T>(in w.Down, scratch, worker);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum(FeedForwardScratch scratch, ref float y, int fromColumn, int toColumn) =>
        OrderedDown.SumSlices(scratch, ref y, fromColumn, toColumn);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Dense(LoadedLayer w, in Sizes sizes, FeedForwardSlot slot, int from, int to)
    {
        ref float x = ref slot.Input;
        ref float prepared = ref slot.PreparedInput;
        float undo = T.PrepareInput(ref x, ref prepared, sizes.PaddedHidden);
        ref int active = ref slot.Active;
        ref float value = ref slot.Values;
        int count = 0;

        for (int i0 = from; i0 < to; i0 += 4)
        {
            int i1 = Math.Min(i0 + 1, to - 1), i2 = Math.Min(i0 + 2, to - 1), i3 = Math.Min(i0 + 3, to - 1);
            Vector128<float> gate = undo * TRows.Four(
                ref prepared, w.Gate.Four(i0, i1, i2, i3), next: w.Up.Four(i0, i1, i2, i3), sizes.PaddedHidden);
            Vector128<float> up = undo * TRows.Four(
                ref prepared, w.Up.Four(i0, i1, i2, i3), next: w.Gate.Four(i0 + sizes.Ahead), sizes.PaddedHidden);

            Unsafe.Add(ref active, count) = i0;
            Unsafe.Add(ref value, count) = Neuron(in sizes, gate.GetElement(0), up.GetElement(0));
            Unsafe.Add(ref active, count + 1) = i1;
            Unsafe.Add(ref value, count + 1) = Neuron(in sizes, gate.GetElement(1), up.GetElement(1));
            Unsafe.Add(ref active, count + 2) = i2;
            Unsafe.Add(ref value, count + 2) = Neuron(in sizes, gate.GetElement(2), up.GetElement(2));
            Unsafe.Add(ref active, count + 3) = i3;
            Unsafe.Add(ref value, count + 3) = Neuron(in sizes, gate.GetElement(3), up.GetElement(3));
            count += 4;
        }

        slot.Count = to - from;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Exact(LoadedLayer w, in Sizes sizes, FeedForwardSlot slot, int from, int to)
    {
        ref float x = ref slot.Input;
        ref int active = ref slot.Active;
        ref float value = ref slot.Values;
        int count = 0;
        ref float prepared = ref slot.PreparedInput;
        float undo = T.PrepareInput(ref x, ref prepared, sizes.PaddedHidden);

        for (int block = from; block < to; block += sizes.BlockNeurons)
        {
            int end = Math.Min(block + sizes.BlockNeurons, to);
            int first = count;

            for (int i0 = block; i0 < end; i0 += 4)
            {
                int i1 = Math.Min(i0 + 1, end - 1), i2 = Math.Min(i0 + 2, end - 1), i3 = Math.Min(i0 + 3, end - 1);
                Vector128<float> gate = undo * TRows.Four(
                    ref prepared, w.Gate.Four(i0, i1, i2, i3), next: w.Gate.Four(i0 + sizes.Ahead), sizes.PaddedHidden);
                float a0 = Activate(in sizes, gate.GetElement(0));
                Unsafe.Add(ref active, count) = i0;
                Unsafe.Add(ref value, count) = a0;
                count += a0 > 0f ? 1 : 0;
                float a1 = Activate(in sizes, gate.GetElement(1));
                Unsafe.Add(ref active, count) = i1;
                Unsafe.Add(ref value, count) = a1;
                count += a1 > 0f && i0 + 1 < end ? 1 : 0;
                float a2 = Activate(in sizes, gate.GetElement(2));
                Unsafe.Add(ref active, count) = i2;
                Unsafe.Add(ref value, count) = a2;
                count += a2 > 0f && i0 + 2 < end ? 1 : 0;
                float a3 = Activate(in sizes, gate.GetElement(3));
                Unsafe.Add(ref active, count) = i3;
                Unsafe.Add(ref value, count) = a3;
                count += a3 > 0f && i0 + 3 < end ? 1 : 0;
            }

            Up(w, in sizes, ref prepared, undo, ref active, ref value, first, count);
        }

        slot.Count = count;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SignBit(LoadedLayer w, in Sizes sizes, FeedForwardSlot slot, int from, int to, int threshold)
    {
        ref float x = ref slot.Input;
        ref int active = ref slot.Active;
        ref float value = ref slot.Values;
        int count = 0;
        ref int candidate = ref slot.Candidates;
        ref ulong signs = ref slot.Side;
        Signs.Pack(ref x, ref signs, sizes.Hidden);
        ref float prepared = ref slot.PreparedInput;
        float undo = T.PrepareInput(ref x, ref prepared, sizes.PaddedHidden);

        for (int block = from; block < to; block += sizes.BlockNeurons)
        {
            int end = Math.Min(block + sizes.BlockNeurons, to);
            int first = count;
            int candidates = w.GateSigns.Agreeing(ref signs, block, end, threshold, ref candidate);

            FeedForwardSlot.Pad(ref candidate, candidates);

            for (int n = 0; n < candidates; n += 4)
            {
                int i0 = Unsafe.Add(ref candidate, n), i1 = Unsafe.Add(ref candidate, n + 1);
                int i2 = Unsafe.Add(ref candidate, n + 2), i3 = Unsafe.Add(ref candidate, n + 3);
                Vector128<float> gate = undo * TRows.Four(
                    ref prepared, w.Gate.Four(ref candidate, n), next: w.Gate.Four(ref candidate, n + sizes.Ahead), sizes.PaddedHidden);
                float a0 = Activate(in sizes, gate.GetElement(0));
                Unsafe.Add(ref active, count) = i0;
                Unsafe.Add(ref value, count) = a0;
                count += a0 > 0f ? 1 : 0;
                float a1 = Activate(in sizes, gate.GetElement(1));
                Unsafe.Add(ref active, count) = i1;
                Unsafe.Add(ref value, count) = a1;
                count += a1 > 0f && n + 1 < candidates ? 1 : 0;
                float a2 = Activate(in sizes, gate.GetElement(2));
                Unsafe.Add(ref active, count) = i2;
                Unsafe.Add(ref value, count) = a2;
                count += a2 > 0f && n + 2 < candidates ? 1 : 0;
                float a3 = Activate(in sizes, gate.GetElement(3));
                Unsafe.Add(ref active, count) = i3;
                Unsafe.Add(ref value, count) = a3;
                count += a3 > 0f && n + 3 < candidates ? 1 : 0;
            }

            Up(w, in sizes, ref prepared, undo, ref active, ref value, first, count);
        }

        slot.Count = count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Up(
        LoadedLayer w, in Sizes sizes, ref float prepared, float undo, ref int active, ref float value, int first, int count)
    {
        FeedForwardSlot.Pad(ref active, count);
        for (int n = first; n < count; n += 4)
        {
            Vector128<float> up = undo * TRows.Four(
                ref prepared, w.Up.Four(ref active, n), next: w.Up.Four(ref active, n + sizes.Ahead), sizes.PaddedHidden);
            Vector128<float> a = Vector128.LoadUnsafe(ref value, (nuint)n);
            (a * up).StoreUnsafe(ref value, (nuint)n);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Activate(in Sizes sizes, float x) => sizes.Activation switch
    {
        Activation.Relu => x > 0f ? x : 0f,
        Activation.FatRelu => x > sizes.ActivationThreshold ? x : 0f,
        _ => x > 0f ? x * x : 0f,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Neuron(in Sizes sizes, float gate, float up)
    {
        float a = Activate(in sizes, gate);
        return a == 0f ? 0f : a * up;
    }

    /// <summary>What the generator writes into its kernels as constants. The neurons' number comes as a range, there too.</summary>
    private readonly struct Sizes(int hidden, int paddedHidden, Activation activation, float activationThreshold, int blockNeurons, int ahead)
    {
        public readonly int Hidden = hidden;
        public readonly int PaddedHidden = paddedHidden;
        public readonly Activation Activation = activation;
        public readonly float ActivationThreshold = activationThreshold;
        public readonly int BlockNeurons = blockNeurons;
        public readonly int Ahead = ahead;
    }
}
