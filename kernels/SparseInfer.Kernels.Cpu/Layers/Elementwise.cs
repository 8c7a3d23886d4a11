using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Sums and multiples of vectors, element by element.</summary>
public static class Elementwise
{
    /// <summary><c>x[i] += y[i]</c> for a range: the residual connection, a bias.</summary>
    /// <param name="x">What is added to, element 0 first.</param>
    /// <param name="y">What is added, element 0 first.</param>
    /// <param name="from">First element.</param>
    /// <param name="to">End of the range.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(ref float x, ref readonly float y, int from, int to)
    {
        ref float terms = ref Unsafe.AsRef(in y);
        int i = from;
        for (; i <= to - 16; i += 16)
        {
            (Vector512.LoadUnsafe(ref x, (nuint)i) + Vector512.LoadUnsafe(ref terms, (nuint)i)).StoreUnsafe(ref x, (nuint)i);
        }

        for (; i < to; i++)
        {
            Unsafe.Add(ref x, i) += Unsafe.Add(ref terms, i);
        }
    }

    /// <summary><c>x[i] += factor * y[i]</c> for a range, with one rounding: a chosen expert's output.</summary>
    /// <param name="x">What is added to, element 0 first.</param>
    /// <param name="y">What is added, element 0 first.</param>
    /// <param name="factor">What it is multiplied by.</param>
    /// <param name="from">First element.</param>
    /// <param name="to">End of the range.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(ref float x, ref readonly float y, float factor, int from, int to)
    {
        ref float terms = ref Unsafe.AsRef(in y);
        var factors = Vector512.Create(factor);
        int i = from;
        for (; i <= to - 16; i += 16)
        {
            Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref terms, (nuint)i), factors, Vector512.LoadUnsafe(ref x, (nuint)i))
                .StoreUnsafe(ref x, (nuint)i);
        }

        for (; i < to; i++)
        {
            Unsafe.Add(ref x, i) = MathF.FusedMultiplyAdd(Unsafe.Add(ref terms, i), factor, Unsafe.Add(ref x, i));
        }
    }

    /// <summary><c>y[i] = x[i]</c> for a range.</summary>
    /// <param name="x">What is copied, element 0 first.</param>
    /// <param name="y">Where to, element 0 first.</param>
    /// <param name="from">First element.</param>
    /// <param name="to">End of the range.</param>
    public static void Copy(ref readonly float x, ref float y, int from, int to) =>
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref Unsafe.AsRef(in x), from), to - from)
            .CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.Add(ref y, from), to - from));

    /// <summary><c>x[i] = max(0, x[i])</c> for a range.</summary>
    /// <param name="x">What is rectified, element 0 first.</param>
    /// <param name="from">First element.</param>
    /// <param name="to">End of the range.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Rectify(ref float x, int from, int to)
    {
        int i = from;
        for (; i <= to - 16; i += 16)
        {
            Vector512.Max(Vector512.LoadUnsafe(ref x, (nuint)i), Vector512<float>.Zero).StoreUnsafe(ref x, (nuint)i);
        }

        for (; i < to; i++)
        {
            Unsafe.Add(ref x, i) = MathF.Max(Unsafe.Add(ref x, i), 0f);
        }
    }

    /// <summary><c>x[i] *= factor</c> for a range.</summary>
    /// <param name="x">What is multiplied, element 0 first.</param>
    /// <param name="factor">The factor.</param>
    /// <param name="from">First element.</param>
    /// <param name="to">End of the range.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale(ref float x, float factor, int from, int to)
    {
        int i = from;
        for (; i <= to - 16; i += 16)
        {
            (Vector512.LoadUnsafe(ref x, (nuint)i) * factor).StoreUnsafe(ref x, (nuint)i);
        }

        for (; i < to; i++)
        {
            Unsafe.Add(ref x, i) *= factor;
        }
    }
}
