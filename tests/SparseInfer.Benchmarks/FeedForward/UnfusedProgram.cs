using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>
/// The layer as a sequence of operators over whole vectors, as a framework runs them: predict into a mask; gate, for those the mask lets
/// through; activation; up; their product; down. The row kernels are those of the fused layer, fetching ahead included; what is missing
/// is that
/// a block of neurons goes through all of it while its lists and values are at hand.
/// </summary>
internal sealed class UnfusedProgram<T>(LoadedLayer layer) : LayerProgram(layer)
    where T : IWeightArithmetic
{
    private readonly byte[] _mask = new byte[layer.Shape.Intermediate];
    private readonly int[] _list = new int[layer.Shape.Intermediate + FeedForwardSlot.ListPadding];
    private readonly float[] _gate = new float[layer.Shape.Intermediate];
    private readonly float[] _up = new float[layer.Shape.Intermediate];

    protected override void Activate(SparsityMode mode, FeedForwardSlot slot)
    {
        if (mode == SparsityMode.Predicted)
        {
            Predict(slot);
        }
        else
        {
            _mask.AsSpan().Fill(1);
        }

        float undo = T.PrepareInput(ref slot.Input, ref slot.PreparedInput, Layer.Gate.PaddedColumns);
        Multiply(in Layer.Gate, ref slot.PreparedInput, undo, _gate);
        Relu(_gate);
        if (mode != SparsityMode.Dense)
        {
            MaskZeros();
        }

        Multiply(in Layer.Up, ref slot.PreparedInput, undo, _up);
        MultiplyElements();
        slot.Count = Collect(ref slot.Active);
        ref float values = ref slot.Values;
        for (int n = 0; n < slot.Count; n++)
        {
            Unsafe.Add(ref values, n) = _up[Unsafe.Add(ref slot.Active, n)];
        }
    }

    protected override void Down(ref float y)
    {
        OrderedDown.AccumulateSlices<T>(in Layer.Down, Layer.Scratch, worker: 0);
        OrderedDown.SumSlices(Layer.Scratch, ref y, 0, Layer.Shape.Hidden);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Predict(FeedForwardSlot slot)
    {
        ref ulong signs = ref slot.Side;
        Signs.Pack(ref slot.Input, ref signs, Layer.Shape.Hidden);
        int count = Layer.GateSigns.Agreeing(ref signs, 0, _mask.Length, Layer.SignThreshold, ref _list[0]);
        Array.Clear(_mask);
        for (int n = 0; n < count; n++)
        {
            _mask[_list[n]] = 1;
        }
    }

    /// <summary>The rows that the mask lets through; the other elements become zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Multiply(in WeightMatrix matrix, ref float x, float undo, float[] y)
    {
        Array.Clear(y);
        int count = Collect(ref _list[0]);
        FeedForwardSlot.Pad(ref _list[0], count);
        for (int n = 0; n < count; n += 4)
        {
            Vector128<float> dots = undo * RowDot.Four<T>(
                ref x, matrix.Four(ref _list[0], n), next: matrix.Four(ref _list[0], n + 4), matrix.PaddedColumns);
            y[_list[n]] = dots.GetElement(0);
            y[_list[n + 1]] = dots.GetElement(1);
            y[_list[n + 2]] = dots.GetElement(2);
            y[_list[n + 3]] = dots.GetElement(3);
        }
    }

    /// <summary>Each operator walks the mask for itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Collect(ref int list)
    {
        int count = 0;
        for (int i = 0; i < _mask.Length; i++)
        {
            Unsafe.Add(ref list, count) = i;
            count += _mask[i];
        }

        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Relu(float[] values)
    {
        for (int i = 0; i < values.Length; i += Vector<float>.Count)
        {
            Vector.Max(new Vector<float>(values, i), Vector<float>.Zero).CopyTo(values, i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MaskZeros()
    {
        for (int i = 0; i < _mask.Length; i++)
        {
            _mask[i] = _gate[i] > 0 ? (byte)1 : (byte)0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MultiplyElements()
    {
        for (int i = 0; i < _up.Length; i += Vector<float>.Count)
        {
            (new Vector<float>(_gate, i) * new Vector<float>(_up, i)).CopyTo(_up, i);
        }
    }
}
