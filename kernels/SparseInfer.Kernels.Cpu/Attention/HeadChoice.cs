using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Which heads a token attends with, where a policy leaves some out (arXiv 2310.17157, 2505.14884). Heads that share keys and values are chosen together: a mark for each
/// key-value head, 0 where it is kept and -1 where not, as a selection of the largest scores makes them.
/// </summary>
public static class HeadChoice
{
    private const int Lanes = 16;

    /// <summary>The squares of each key-value head's queries, in one order whatever vectors a processor has.</summary>
    /// <param name="queries">The queries of all heads; those that share a key-value head follow one another.</param>
    /// <param name="groups">Number of key-value heads.</param>
    /// <param name="width">Elements of the queries that share one.</param>
    /// <param name="scores">Where the first sum goes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Score(ref readonly float queries, int groups, int width, ref float scores)
    {
        ref float query = ref Unsafe.AsRef(in queries);
        for (int group = 0; group < groups; group++)
        {
            Vector512<float> sum = Vector512<float>.Zero;
            for (int i = 0; i < width; i += Lanes)
            {
                Vector512<float> part = HeadPart.Load(ref query, i, width);
                sum = Vector512.FusedMultiplyAdd(part, part, sum);
            }

            Unsafe.Add(ref scores, group) = Reduction.Sum(sum);
            query = ref Unsafe.Add(ref query, width);
        }
    }

    /// <summary>Lists the heads that are kept, ascending.</summary>
    /// <param name="marks">The mark of the first key-value head.</param>
    /// <param name="groups">Number of key-value heads.</param>
    /// <param name="sharing">Heads that share one.</param>
    /// <param name="heads">Where they go; as long as there are heads.</param>
    /// <returns>How many are kept.</returns>
    public static int List(ref readonly float marks, int groups, int sharing, Span<int> heads)
    {
        int count = 0;
        for (int head = 0; head < groups * sharing; head++)
        {
            if (IsKept(in marks, head / sharing))
            {
                heads[count++] = head;
            }
        }

        return count;
    }

    /// <summary>Whether a key-value head is kept.</summary>
    /// <param name="marks">The mark of the first.</param>
    /// <param name="group">Which one.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsKept(ref readonly float marks, int group) => Unsafe.Add(ref Unsafe.AsRef(in marks), group) >= 0;

    /// <summary>Zeros for the outputs of heads that are left out, of some.</summary>
    /// <param name="marks">The mark of the first key-value head.</param>
    /// <param name="sharing">Heads that share one.</param>
    /// <param name="from">The first head that is looked at.</param>
    /// <param name="to">The end of these.</param>
    /// <param name="headDimension">Length of a head's output.</param>
    /// <param name="attended">The outputs of all heads.</param>
    public static void Clear(ref readonly float marks, int sharing, int from, int to, int headDimension, ref float attended)
    {
        for (int head = from; head < to; head++)
        {
            if (!IsKept(in marks, head / sharing))
            {
                MemoryMarshal.CreateSpan(ref Unsafe.Add(ref attended, head * (nint)headDimension), headDimension).Clear();
            }
        }
    }
}
