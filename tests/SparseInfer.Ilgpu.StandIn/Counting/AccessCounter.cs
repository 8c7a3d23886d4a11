using System.Numerics;
using SparseInfer.Ilgpu.StandIn.Execution;

namespace SparseInfer.Ilgpu.StandIn;

/// <summary>Puts the accesses of a warp's lanes together as a GPU would: the n-th time that each lane comes to a place
/// between two meetings is one access of the warp.</summary>
internal sealed unsafe class AccessCounter(LaunchCounters counters, LaunchViews views, int sites)
{
    private const int SectorBytes = 32;
    private const int Banks = 32;

    private readonly int[] _occurrences = new int[sites * GroupRun.WarpSize];
    private readonly Dictionary<(int Site, int Occurrence, bool Store), WarpAccess> _accesses = [];
    private readonly Stack<WarpAccess> _spare = new();
    private readonly HashSet<ulong> _seen = [];
    private readonly int[] _bankWords = new int[Banks];

    public void Record(Lane lane, int site, byte* address, int bytes, bool store, bool shared)
    {
        // An element that is read and written at one site counts its occurrence at the read.
        ref int occurrence = ref _occurrences[(site * GroupRun.WarpSize) + lane.Index];
        var key = (site, occurrence, store);
        if (_accesses.TryGetValue(key, out var access) && access.Holds(lane.Index))
        {
            key = (site, ++occurrence, store);
            _accesses.TryGetValue(key, out access);
        }

        if (access is null)
        {
            if (!_spare.TryPop(out access))
                access = new WarpAccess();
            _accesses.Add(key, access);
        }

        access.Add(lane.Index, (ulong)address, bytes, shared);
    }

    /// <summary>The warp's lanes have met, or ended.</summary>
    public void EndSegment()
    {
        if (_accesses.Count == 0)
            return;
        foreach (var ((_, _, store), access) in _accesses)
        {
            if (access.Shared)
                CountShared(access);
            else
                CountGlobal(access, store);
            access.Clear();
            _spare.Push(access);
        }

        _accesses.Clear();
        Array.Clear(_occurrences);
    }

    private void CountGlobal(WarpAccess access, bool store)
    {
        // Lanes may reach different buffers at one place; each buffer has its own share.
        string label = views.Label((byte*)access.Addresses[BitOperations.TrailingZeroCount(access.Lanes)]);
        var part = counters.For(label);
        _seen.Clear();
        long bytes = 0;
        for (int lane = 0; lane < GroupRun.WarpSize; lane++)
        {
            if (!access.Holds(lane))
                continue;
            ulong last = (access.Addresses[lane] + (ulong)access.Bytes - 1) / SectorBytes;
            for (ulong sector = access.Addresses[lane] / SectorBytes; sector <= last; sector++)
                _seen.Add(sector);
            bytes += access.Bytes;
        }

        if (store)
        {
            part.Stores++;
            part.StoredBytes += bytes;
            part.StoredSectors += _seen.Count;
        }
        else
        {
            part.Loads++;
            part.LoadedBytes += bytes;
            part.LoadedSectors += _seen.Count;
            part.IdleLoadLanes += GroupRun.WarpSize - BitOperations.PopCount(access.Lanes);
        }
    }

    private void CountShared(WarpAccess access)
    {
        counters.SharedAccesses++;
        // An access of 4 bytes serves the whole warp at once, 8 bytes half a warp, 16 bytes a quarter; what is wider goes
        // in pieces of 16.
        int piece = Math.Min(access.Bytes, 16);
        int together = piece <= 4 ? 32 : piece <= 8 ? 16 : 8;
        for (int offset = 0; offset < access.Bytes; offset += piece)
        {
            for (int first = 0; first < GroupRun.WarpSize; first += together)
                CountPasses(access, first, together, offset, Math.Min(piece, access.Bytes - offset));
        }
    }

    private void CountPasses(WarpAccess access, int first, int together, int offset, int bytes)
    {
        _seen.Clear();
        Array.Clear(_bankWords);
        int passes = 0;
        for (int lane = first; lane < first + together; lane++)
        {
            if (!access.Holds(lane))
                continue;
            ulong start = access.Addresses[lane] + (ulong)offset;
            for (ulong word = start / 4; word <= (start + (ulong)bytes - 1) / 4; word++)
            {
                if (_seen.Add(word))
                    passes = Math.Max(passes, ++_bankWords[word % Banks]);
            }
        }

        counters.BankConflicts += Math.Max(passes - 1, 0);
    }

    private sealed class WarpAccess
    {
        public ulong[] Addresses { get; } = new ulong[GroupRun.WarpSize];

        public uint Lanes { get; private set; }

        public int Bytes { get; private set; }

        public bool Shared { get; private set; }

        public bool Holds(int lane) => ((Lanes >> lane) & 1) != 0;

        public void Add(int lane, ulong address, int bytes, bool shared)
        {
            Lanes |= 1u << lane;
            Addresses[lane] = address;
            Bytes = bytes;
            Shared = shared;
        }

        public void Clear() => Lanes = 0;
    }
}
