using System.Runtime.CompilerServices;
using ILGPU;

namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>Runs the groups of a launch, one after the other, each in lockstep from meeting to meeting.</summary>
internal sealed unsafe class GroupRun
{
    public const int WarpSize = 32;

    private readonly Lane[] _lanes;
    private readonly int[] _waiting;
    private readonly ulong[] _values = new ulong[WarpSize];
    private readonly int[] _reached = new int[WarpSize];
    private readonly (int Offset, int Bytes)[] _allocations;
    private int _used;
    private int _dynamicBytes;
    private int _epoch;

    public GroupRun(LoadedKernel kernel, int size)
    {
        Kernel = kernel;
        Size = size;
        Shared = new SharedState(kernel.SharedLimit, kernel.Program.Granule);
        _allocations = new (int, int)[kernel.Program.Sites.Count];
        _waiting = new int[size / WarpSize];
        _lanes = new Lane[size];
        for (int thread = 0; thread < size; thread++)
        {
            var lane = kernel.Program.CreateLane();
            lane.Group = this;
            lane.Thread = thread;
            lane.Index = thread % WarpSize;
            lane.Warp = thread / WarpSize;
            _lanes[thread] = lane;
        }
    }

    public LoadedKernel Kernel { get; }

    public int Size { get; }

    public SharedState Shared { get; }

    public Index3D GridSize { get; private set; }

    public Index3D GridIndex { get; private set; }

    /// <summary>The write stamp of this group and the time since its last barrier; the thread is to be added.</summary>
    public ulong Stamp { get; private set; }

    public AccessCounter? Counter { get; private set; }

    public int SharedBytes => _used + _dynamicBytes;

    public long Shuffles { get; private set; }

    public long Barriers { get; private set; }

    private long Linear { get; set; }

    private int Launch { get; set; }

    /// <summary>Makes ready for a launch.</summary>
    public void BeginLaunch(int launch, KernelConfig config, KernelArguments arguments, AccessCounter? counter)
    {
        Launch = launch;
        GridSize = config.GridDim;
        Counter = counter;
        Shuffles = 0;
        Barriers = 0;
        _dynamicBytes = config.SharedMemoryConfig.ArraySize;
        foreach (var lane in _lanes)
            lane.SetArguments(arguments);
    }

    public void Visit(ViewVisitor visitor) => _lanes[0].Visit(visitor);

    /// <summary>Runs one group to its end.</summary>
    public void Run(long linear)
    {
        Linear = linear;
        GridIndex = new Index3D(
            (int)(linear % GridSize.X),
            (int)(linear / GridSize.X % GridSize.Y),
            (int)(linear / GridSize.X / GridSize.Y));
        Shared.BeginGroup();
        _epoch = 0;
        Stamp = WriteStamp.Of(Launch, Linear, _epoch, 0);
        foreach (var lane in _lanes)
            lane.State = 0;
        while (true)
        {
            for (int warp = 0; warp < _waiting.Length; warp++)
                _waiting[warp] = RunWarp(warp);
            int first = _waiting[0];
            for (int warp = 1; warp < _waiting.Length; warp++)
            {
                if (_waiting[warp] != first)
                    throw DivergentWarps(warp);
            }

            if (first == Lane.Ended)
                return;
            Barriers++;
            Shared.Barrier();
            Stamp = WriteStamp.Of(Launch, Linear, ++_epoch, 0);
        }
    }

    public ArrayView<T> AllocateShared<T>(int extent, Lane lane, int site)
        where T : unmanaged
    {
        ref var allocation = ref _allocations[site];
        long bytes = (long)extent * sizeof(T);
        if (allocation.Bytes == 0)
        {
            // Every array begins at a multiple of 16 bytes, whatever its type.
            int offset = (_used + 15) & ~15;
            if (extent < 1 || offset + bytes + _dynamicBytes > Kernel.SharedLimit)
            {
                throw Kernel.Fault(
                    KernelFaultKind.SharedMemory,
                    $"{bytes} bytes of shared memory on top of {_used + _dynamicBytes}, a group has {Kernel.SharedLimit}",
                    lane,
                    site);
            }

            allocation = (offset, (int)bytes);
            _used = offset + (int)bytes;
        }
        else if (allocation.Bytes != bytes)
        {
            throw Kernel.Fault(
                KernelFaultKind.Rule,
                $"an array of shared memory has one size: {allocation.Bytes} bytes before, {bytes} now",
                lane,
                site);
        }

        return new ArrayView<T>(Shared.Block, Shared.Block.Address + allocation.Offset, extent);
    }

    /// <summary>Dynamic shared memory lies at the end of what a group may have: the arrays before it are not all known yet.</summary>
    public ArrayView<T> DynamicShared<T>(Lane lane, int site)
        where T : unmanaged
    {
        int offset = (Kernel.SharedLimit - _dynamicBytes) & ~15;
        if (_dynamicBytes == 0 || offset < _used)
        {
            throw Kernel.Fault(
                KernelFaultKind.SharedMemory,
                _dynamicBytes == 0
                    ? "dynamic shared memory is used, and the launch asks for none"
                    : $"{_dynamicBytes} bytes of dynamic shared memory on top of {_used}, a group has {Kernel.SharedLimit}",
                lane,
                site);
        }

        return new ArrayView<T>(Shared.Block, Shared.Block.Address + offset, _dynamicBytes / sizeof(T));
    }

    /// <summary>Runs a warp to its next barrier, or to its end.</summary>
    private int RunWarp(int warp)
    {
        var lanes = _lanes.AsSpan(warp * WarpSize, WarpSize);
        while (true)
        {
            bool together = true;
            int first = Resume(lanes[0]);
            _reached[0] = first;
            for (int index = 1; index < lanes.Length; index++)
            {
                int reached = Resume(lanes[index]);
                _reached[index] = reached;
                together &= reached == first;
            }

            Counter?.EndSegment();
            if (!together)
                throw DivergentLanes(lanes);
            if (first == Lane.Ended || Kernel.Program.Sites[first].Meeting == Meeting.Barrier)
                return first;
            Shuffles++;
            Exchange(lanes, Kernel.Program.Sites[first].Meeting);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Resume(Lane lane)
    {
        try
        {
            return lane.Resume();
        }
        catch (Exception error) when (error is not KernelFaultException)
        {
            throw Kernel.Translate(error, lane);
        }
    }

    private void Exchange(Span<Lane> lanes, Meeting meeting)
    {
        for (int index = 0; index < lanes.Length; index++)
            _values[index] = lanes[index].Value;
        for (int index = 0; index < lanes.Length; index++)
        {
            var lane = lanes[index];
            // As shfl.sync does: an index wraps in the warp, a distance that leaves the warp gives a lane its own value.
            int source = meeting switch
            {
                Meeting.ShuffleXor => index ^ lane.Operand,
                Meeting.ShuffleDown => index + lane.Operand,
                Meeting.ShuffleUp => index - lane.Operand,
                _ => lane.Operand & (WarpSize - 1),
            };
            lane.Value = _values[(uint)source < WarpSize ? source : index];
        }
    }

    private KernelFaultException DivergentLanes(Span<Lane> lanes)
    {
        // The first lane that waits, and the first that does not wait with it.
        int waits = Array.FindIndex(_reached, site => site != Lane.Ended);
        int other = Array.FindIndex(_reached, site => site != _reached[waits]);
        var site = Kernel.Program.Sites[_reached[waits]];
        int count = _reached.Count(reached => reached == _reached[waits]);
        string elsewhere = _reached[other] == Lane.Ended ? "has ended" : $"is at {Kernel.Program.Sites[_reached[other]]}";
        bool barrier = site.Meeting == Meeting.Barrier;
        return Kernel.Fault(
            barrier ? KernelFaultKind.DivergentBarrier : KernelFaultKind.DivergentShuffle,
            $"{count} of 32 lanes reached a {(barrier ? "barrier" : "shuffle")}, lane {other} {elsewhere}",
            lanes[waits],
            site.Id);
    }

    private KernelFaultException DivergentWarps(int warp)
    {
        (int waits, int other) = _waiting[warp] == Lane.Ended ? (0, warp) : (warp, 0);
        string elsewhere = _waiting[other] == Lane.Ended ? "has ended" : $"is at {Kernel.Program.Sites[_waiting[other]]}";
        return Kernel.Fault(
            KernelFaultKind.DivergentBarrier,
            $"warp {waits} reached a barrier, warp {other} {elsewhere}",
            _lanes[waits * WarpSize],
            _waiting[waits]);
    }
}
