using System.Numerics;

namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>A group's shared memory, and for each of its words who wrote and who read it last.</summary>
internal sealed class SharedState
{
    // A stamp is the count of barriers (20 bits), the thread (10) and, for readers, whether there were several.
    private const int EpochShift = 11;
    private const uint Several = 1;
    private const uint LastEpoch = (1u << (32 - EpochShift)) - 1024;

    private readonly int _shift;
    private readonly uint[] _writers;
    private readonly uint[] _readers;
    private uint _epoch;
    private uint _groupStart;

    public SharedState(int bytes, int granule)
    {
        _shift = BitOperations.Log2((uint)granule);
        _writers = new uint[(bytes >> _shift) + 1];
        _readers = new uint[_writers.Length];
        Block = MemoryBlock.AllocateShared(bytes);
    }

    public MemoryBlock Block { get; }

    /// <summary>A new group: nothing is written.</summary>
    public void BeginGroup()
    {
        if (_epoch >= LastEpoch)
        {
            _epoch = 0;
            Array.Clear(_writers);
            Array.Clear(_readers);
        }

        _groupStart = ++_epoch;
    }

    /// <summary>All threads have met: what was written before is in order with what comes.</summary>
    public void Barrier() => _epoch++;

    public void Read(Lane lane, int offset, int bytes, long index, long length, int site)
    {
        uint stamp = (_epoch << EpochShift) | ((uint)lane.Thread << 1);
        int last = (offset + bytes - 1) >> _shift;
        for (int granule = offset >> _shift; granule <= last; granule++)
        {
            uint writer = _writers[granule];
            if (writer != stamp)
            {
                if (writer >> EpochShift < _groupStart)
                {
                    throw lane.Group.Kernel.Fault(
                        KernelFaultKind.UnwrittenRead,
                        $"a read of shared memory that nobody wrote, element {index} of {length}",
                        lane,
                        site,
                        index,
                        length);
                }

                if (writer >> EpochShift == _epoch)
                    throw Race(lane, "reads shared memory that", "writes", writer, index, length, site);
            }

            ref uint reader = ref _readers[granule];
            if (reader >> EpochShift != _epoch)
                reader = stamp;
            else if (reader != stamp)
                reader |= Several;
        }
    }

    public void Write(Lane lane, int offset, int bytes, int site)
    {
        uint stamp = (_epoch << EpochShift) | ((uint)lane.Thread << 1);
        int last = (offset + bytes - 1) >> _shift;
        for (int granule = offset >> _shift; granule <= last; granule++)
        {
            uint writer = _writers[granule];
            if (writer >> EpochShift == _epoch && writer != stamp)
                throw Race(lane, "writes shared memory that", "writes too", writer, offset / bytes, -1, site);
            uint reader = _readers[granule];
            if (reader >> EpochShift == _epoch && reader != stamp)
                throw Race(lane, "writes shared memory that", "reads", reader, offset / bytes, -1, site);
            _writers[granule] = stamp;
        }
    }

    private static KernelFaultException Race(Lane lane, string does, string other, uint stamp, long index, long length, int site)
    {
        string who = (stamp & Several) != 0 ? "several threads" : $"thread {(stamp >> 1) & 0x3ff}";
        return lane.Group.Kernel.Fault(
            KernelFaultKind.Race,
            $"{does} {who} {((stamp & Several) != 0 ? other.TrimEnd('s') : other)} between the same barriers",
            lane,
            site,
            index,
            length);
    }
}
