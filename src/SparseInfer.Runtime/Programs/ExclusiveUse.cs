namespace SparseInfer;

/// <summary>What came of asking for an object: see <see cref="ExclusiveUse.TryEnter"/>.</summary>
internal enum Entry
{
    /// <summary>The caller has it, until it leaves.</summary>
    Entered,

    /// <summary>Another call has it.</summary>
    Busy,

    /// <summary>No call may have it any more.</summary>
    Disposed,
}

/// <summary>
/// An object that one call at a time may have, without anybody waiting. Where it is disposed of during a call, it is freed when that leaves.
/// </summary>
internal struct ExclusiveUse
{
    private const int Busy = 1;
    private const int Disposed = 2;

    /// <summary><see cref="Busy"/> while a call has it; <see cref="Disposed"/> once no further call may have it.</summary>
    private int _use;

    /// <summary>Whether it was disposed of, though a call may still have it.</summary>
    public bool IsDisposed => (Volatile.Read(ref _use) & Disposed) != 0;

    /// <summary>Takes it, if nobody has it.</summary>
    public Entry TryEnter()
    {
        int before = Interlocked.CompareExchange(ref _use, Busy, 0);
        return before == 0 ? Entry.Entered : (before & Disposed) != 0 ? Entry.Disposed : Entry.Busy;
    }

    /// <summary>Gives it back.</summary>
    /// <returns>Whether the caller must free it.</returns>
    public bool Leave() => (Interlocked.And(ref _use, ~Busy) & Disposed) != 0;

    /// <summary>Lets no further call have it.</summary>
    /// <returns>Whether the caller must free it: else that was done before, or falls to the call that has it.</returns>
    public bool Dispose() => Interlocked.Or(ref _use, Disposed) == 0;
}
