using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// One worker's input of a token, as it is and as dot products want it, and its list of active neurons, in ascending order. Lists have room for
/// <see cref="ListPadding"/> more entries than neurons, because rows are read in groups of four and a group's last neuron is repeated to fill
/// it.
/// </summary>
public sealed class FeedForwardSlot : IDisposable
{
    /// <summary>Entries behind the end of a list that may be read and written: the rest of one group and the whole next one.</summary>
    public const int ListPadding = 8;

    private readonly NativeBuffer _input;
    private readonly NativeBuffer _preparedInput;
    private readonly NativeBuffer _side;
    private readonly NativeBuffer _candidates;
    private readonly NativeBuffer _active;
    private readonly NativeBuffer _values;

    // The input, what is derived from it and candidates may be another's, where the worker uses one slot after the other.
    internal FeedForwardSlot(int paddedHidden, int neurons, int sideWords, FeedForwardSlot? inputOf)
    {
        _input = inputOf?._input ?? NativeBuffer.Allocate(paddedHidden * (long)sizeof(float));
        _preparedInput = inputOf?._preparedInput ?? NativeBuffer.Allocate(paddedHidden * (long)sizeof(float));
        _side = inputOf?._side ?? NativeBuffer.Allocate(Math.Max(1, sideWords) * (long)sizeof(ulong));
        _candidates = inputOf?._candidates ?? NativeBuffer.Allocate((neurons + ListPadding) * (long)sizeof(int));
        _active = NativeBuffer.Allocate((neurons + ListPadding) * (long)sizeof(int));
        _values = NativeBuffer.Allocate((neurons + ListPadding) * (long)sizeof(float));
    }

    /// <summary>The layer's input after the norm, padded with zeros. Kernels leave it as it is.</summary>
    public ref float Input => ref _input.Ref<float>();

    /// <summary>Room for <see cref="Input"/> in the form that the weight type's dot products want.</summary>
    public ref float PreparedInput => ref _preparedInput.Ref<float>();

    /// <summary>What dot products with <see cref="PreparedInput"/> are multiplied by.</summary>
    public float Undo { get; set; }

    /// <summary>What a policy derives from the input.</summary>
    public ref ulong Side => ref _side.Ref<ulong>();

    /// <summary>
    /// What a policy has chosen for the token's sequence, a bit for each of the worker's neurons, 32 a word. The room is that of <see cref="Side"/>: such a policy
    /// derives nothing from the input.
    /// </summary>
    public ref uint Chosen => ref _side.Ref<uint>();

    /// <summary>Brings <see cref="Chosen"/> here.</summary>
    /// <param name="words">Where the sequence has the bit of its neuron 0.</param>
    /// <param name="from">The worker's first neuron, a multiple of 32.</param>
    /// <param name="to">The end.</param>
    public void Choose(ref readonly uint words, int from, int to)
    {
        ref uint first = ref Unsafe.Add(ref Unsafe.AsRef(in words), from / 32);
        int count = (to - from + 31) / 32;
        MemoryMarshal.CreateSpan(ref first, count).CopyTo(MemoryMarshal.CreateSpan(ref Chosen, count));
    }

    /// <summary>Writes the values of a worker's neurons, listed or not, where a batch's token has its own.</summary>
    /// <param name="h">Neuron 0's.</param>
    /// <param name="from">The worker's first neuron.</param>
    /// <param name="to">The end.</param>
    public void Spread(ref float h, int from, int to)
    {
        MemoryMarshal.CreateSpan(ref Unsafe.Add(ref h, from), to - from).Clear();
        for (int n = 0; n < Count; n++)
        {
            Unsafe.Add(ref h, Unsafe.Add(ref Active, n)) = Unsafe.Add(ref Values, n);
        }
    }

    /// <summary>Neurons of the current block that a predictor lets through.</summary>
    public ref int Candidates => ref _candidates.Ref<int>();

    /// <summary>
    /// Of each of the worker's neurons what its activation is applied to, where all of that is there before any is activated. The room is that of
    /// <see cref="Candidates"/>: such a layer has no predictor.
    /// </summary>
    public ref float Gates => ref _candidates.Ref<float>();

    /// <summary>What is cut off <see cref="Gates"/> before they are activated.</summary>
    public float Cut { get; set; }

    /// <summary>Neurons that contribute to the output.</summary>
    public ref int Active => ref _active.Ref<int>();

    /// <summary>What each active neuron's row of down is multiplied by.</summary>
    public ref float Values => ref _values.Ref<float>();

    /// <summary>Number of active neurons.</summary>
    public int Count { get; set; }

    /// <summary>The active neurons.</summary>
    public ReadOnlySpan<int> ActiveNeurons => MemoryMarshal.CreateReadOnlySpan(ref Active, Count);

    /// <summary>Their values.</summary>
    public ReadOnlySpan<float> ActiveValues => MemoryMarshal.CreateReadOnlySpan(ref Values, Count);

    /// <summary>Takes neurons off the list whose value is small: those that down leaves out of its input.</summary>
    /// <param name="threshold">What a value's magnitude has to be larger than; negative: all are kept.</param>
    /// <returns>How many are left.</returns>
    public int KeepLarger(float threshold) => KeepLarger(threshold, centre: 0);

    /// <summary>Takes neurons off the list whose value is near a centre; the others' values become their distance from it.</summary>
    /// <param name="threshold">What the distance has to be larger than; negative: all are kept, as they are.</param>
    /// <param name="centre">The centre.</param>
    /// <returns>How many are left.</returns>
    public int KeepLarger(float threshold, float centre)
    {
        if (threshold < 0)
        {
            return Count;
        }

        int kept = 0;
        for (int n = 0; n < Count; n++)
        {
            float value = Unsafe.Add(ref Values, n);
            Unsafe.Add(ref Active, kept) = Unsafe.Add(ref Active, n);
            Unsafe.Add(ref Values, kept) = value - centre;
            kept += Math.Abs((double)value - centre) <= threshold ? 0 : 1;
        }

        return Count = kept;
    }

    /// <summary>Repeats a list's last entry behind its end, so that groups of four can be read without a test.</summary>
    /// <param name="list">The list's first entry.</param>
    /// <param name="count">Its length; an empty list is left alone.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pad(ref int list, int count)
    {
        if (count > 0)
        {
            MemoryMarshal.CreateSpan(ref Unsafe.Add(ref list, count), ListPadding).Fill(Unsafe.Add(ref list, count - 1));
        }
    }

    /// <summary>Frees the buffers.</summary>
    public void Dispose()
    {
        _input.Dispose();
        _preparedInput.Dispose();
        _side.Dispose();
        _candidates.Dispose();
        _active.Dispose();
        _values.Dispose();
    }
}
