namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>Who wrote a word, in 64 bits: launch (24), group (20), count of barriers (10), thread (10). The fields wrap: two
/// writers that look like one are a fault overlooked, never one invented, for as long as 16 million launches.</summary>
internal static class WriteStamp
{
    public static ulong Of(int launch, long group, int epoch, int thread) =>
        ((ulong)(uint)(launch & 0xffffff) << 40)
        | ((ulong)(group & 0xfffff) << 20)
        | ((ulong)(uint)(epoch & 0x3ff) << 10)
        | (uint)(thread & 0x3ff);

    public static int Launch(ulong stamp) => (int)(stamp >> 40);

    public static int Group(ulong stamp) => (int)(stamp >> 20) & 0xfffff;

    public static int Thread(ulong stamp) => (int)stamp & 0x3ff;

    public static bool SameGroup(ulong first, ulong second) => first >> 20 == second >> 20;

    /// <summary>Whether nothing orders the two: one launch, and either two groups, or two threads between the same barriers.</summary>
    public static bool Collide(ulong first, ulong second)
    {
        if (first >> 40 != second >> 40)
            return false;
        return first >> 20 != second >> 20 || (first >> 10 == second >> 10 && first != second);
    }
}
