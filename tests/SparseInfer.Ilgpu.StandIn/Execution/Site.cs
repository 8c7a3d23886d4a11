namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>How lanes exchange values at a shuffle; or that a site is a barrier, or no meeting at all.</summary>
internal enum Meeting
{
    None,
    Barrier,
    ShuffleXor,
    ShuffleDown,
    ShuffleUp,
    Shuffle,
    Broadcast,
}

/// <summary>A place in a kernel, or in a device function that it calls.</summary>
internal sealed record Site(int Id, string Method, int Offset, string Member, Meeting Meeting)
{
    public override string ToString() => $"{Method}, IL_{Offset:x4}, {Member}";
}
