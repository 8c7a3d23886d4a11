using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>
/// Predicted sparsity as one writes it first: neuron by neuron a test, and for those that pass it the row of gate, the row of up and the
/// row of
/// down, each widened to floats and given to the base library. No lists, nothing fetched ahead. Every mode is this.
/// </summary>
internal sealed class NaiveSparseProgram<T>(LoadedLayer layer) : LayerProgram(layer)
    where T : IWeightFormat
{
    private readonly float[] _row = new float[layer.Shape.Hidden];
    private readonly float[] _sum = new float[layer.Shape.Hidden];

    protected override void Activate(SparsityMode mode, FeedForwardSlot slot)
    {
        int hidden = Layer.Shape.Hidden;
        ReadOnlySpan<float> x = MemoryMarshal.CreateReadOnlySpan(ref slot.Input, hidden);
        int words = Signs.WordsPerRow(hidden);
        Signs.Pack(ref slot.Input, ref slot.Side, hidden);
        ReadOnlySpan<ulong> signs = MemoryMarshal.CreateReadOnlySpan(ref slot.Side, words);

        Array.Clear(_sum);
        for (int i = 0; i < Layer.Shape.Intermediate; i++)
        {
            if (Disagreeing(signs, MemoryMarshal.CreateReadOnlySpan(ref Layer.GateSigns.Row(i), words)) > Layer.SignThreshold)
            {
                continue;
            }

            float gate = Dot(in Layer.Gate, i, x);
            if (gate <= 0)
            {
                continue;
            }

            float h = gate * Dot(in Layer.Up, i, x);
            WeightConversion.DecodeDown<T>(in Layer.Down, i, _row);
            TensorPrimitives.MultiplyAdd(_row, h, _sum, _sum);
        }
    }

    protected override void Down(ref float y) => _sum.CopyTo(MemoryMarshal.CreateSpan(ref y, _sum.Length));

    private static int Disagreeing(ReadOnlySpan<ulong> a, ReadOnlySpan<ulong> b)
    {
        int count = 0;
        for (int k = 0; k < a.Length; k++)
        {
            count += BitOperations.PopCount(a[k] ^ b[k]);
        }

        return count;
    }

    private float Dot(in WeightMatrix matrix, int row, ReadOnlySpan<float> x)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.CreateReadOnlySpan(ref matrix.Row(row), (int)matrix.Stride);
        return TensorPrimitives.Dot(WidenedRow.Of<T>(bytes, _row), x);
    }
}
