namespace SparseInfer.SoftwareCuda;

/// <summary>What a driver does on request, so that the host's answer can be seen.</summary>
public sealed class DriverFaults
{
    private const int PieceBytes = 4096;
    private const int OverwrittenPieces = 4096;

    private int _failLaunch;
    private int _failAllocation;

    /// <summary>The n-th launch from now on fails, 1 the next; 0: none does. As after a kernel's fault, everything fails from then on.</summary>
    public int FailLaunch
    {
        get => _failLaunch;
        set => _failLaunch = Checked(value);
    }

    /// <summary>PTX is refused from now on, as by a driver that is too old for it.</summary>
    public bool RefusePtx { get; set; }

    /// <summary>The n-th allocation of device memory from now on finds no room, 1 the next; 0: none does.</summary>
    public int FailAllocation
    {
        get => _failAllocation;
        set => _failAllocation = Checked(value);
    }

    /// <summary>Bytes that this opened device may have at a time from now on: what goes beyond finds no room, each time. Null: as many as there are.</summary>
    public long? MemoryLimit { get; set; }

    /// <summary>The device is gone from now on: every call fails, whatever this is set to later.</summary>
    public bool Lost { get; set; }

    /// <summary>
    /// Work is done when somebody waits for it, and not before, so that a missing wait shows: launches, fills, and copies that a GPU does beside
    /// the program. Copies from pageable memory take their bytes at once, and copies to it wait, as CUDA's do.
    /// </summary>
    public bool DeferWork { get; set; }

    /// <summary>
    /// At each call the garbage collector moves objects of the program, as it may do at any time: what the program gave the address of, and
    /// did not pin, is elsewhere when the driver comes to read or write it. Much slower.
    /// </summary>
    public bool MoveObjects { get; set; }

    /// <summary>Does what <see cref="MoveObjects"/> says, if it is set.</summary>
    internal void Move()
    {
        if (!MoveObjects)
        {
            return;
        }

        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        // New objects where the moved ones were: what is read there is not what it was.
        for (int piece = 0; piece < OverwrittenPieces; piece++)
        {
            Array.Fill(new byte[PieceBytes], (byte)0xA5);
        }
    }

    /// <summary>Whether this launch is the one to fail.</summary>
    internal bool TakeLaunch() => Take(ref _failLaunch);

    /// <summary>Whether this allocation is the one to fail.</summary>
    internal bool TakeAllocation() => Take(ref _failAllocation);

    private static bool Take(ref int countdown) => countdown > 0 && --countdown == 0;

    private static int Checked(int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        return value;
    }
}
