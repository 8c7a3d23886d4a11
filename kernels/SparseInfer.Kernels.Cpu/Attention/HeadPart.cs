using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Sixteen numbers of a head, whose dimension may be any.</summary>
internal static class HeadPart
{
    private const int Lanes = 16;

    /// <summary>Numbers from <paramref name="from"/> on, zeros from the head's end on; nothing beyond the head is read.</summary>
    public static Vector512<float> Load(ref float head, int from, int headDimension)
    {
        if (from + Lanes <= headDimension)
        {
            return Vector512.LoadUnsafe(ref head, (nuint)from);
        }

        Span<float> part = stackalloc float[Lanes];
        part.Clear();
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref head, from), Math.Max(0, headDimension - from)).CopyTo(part);
        return Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(part));
    }

    /// <summary>Stores those that the head has; nothing beyond it is written.</summary>
    public static void Store(Vector512<float> values, ref float head, int from, int headDimension)
    {
        if (from + Lanes <= headDimension)
        {
            values.StoreUnsafe(ref head, (nuint)from);
            return;
        }

        for (int i = from; i < headDimension; i++)
        {
            Unsafe.Add(ref head, i) = values.GetElement(i - from);
        }
    }
}
