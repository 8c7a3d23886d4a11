using System.Numerics;
using System.Runtime.CompilerServices;
using SparseInfer.SoftwareCuda.Memory;

namespace SparseInfer.SoftwareCuda.Execution;

// Two accesses by two threads of a group are ordered if a barrier lies between, or, in one warp, a shuffle or warp barrier. Those of two groups
// never are. Within a group, writes of what is there already are no race; between groups they are, for what is there depends on which came first.
// Atomics are not looked at.
internal sealed unsafe partial class GroupRunner
{
    private const int SeveralLanes = 255;
    private const int LastEpoch = ushort.MaxValue;

    private readonly Dictionary<Allocation, AccessShadow<LaneRecord>> _globalShadows = new(ReferenceEqualityComparer.Instance);
    private readonly AccessShadow<LaneRecord>? _sharedShadow;

    private void NextInterval()
    {
        foreach (Warp warp in _warps)
        {
            warp.Epoch = 0;
        }

        if (++_epoch < LastEpoch)
        {
            return;
        }

        // Whatever was before is ordered: forget it, and count from the beginning.
        _epoch = 1;
        _sharedShadow?.Dispose();
        DisposeShadows();
    }

    private void DisposeShadows()
    {
        foreach (AccessShadow<LaneRecord> shadow in _globalShadows.Values)
        {
            shadow.Dispose();
        }

        _globalShadows.Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CheckShared(Warp warp, int place, uint mask, ulong* addresses, byte** places, int bytes, AddressShape shape)
    {
        Instruction* i = _program.Code + place;
        bool store = i->Kind == InstructionKind.Store;
        // One address is looked at by two lanes: one of them is another than whoever was there before.
        uint looked = !store && i->Kind != InstructionKind.Atomic && shape.Pattern == AddressPattern.Uniform ? FirstTwo(mask) : mask;
        for (uint rest = looked; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            ulong address = addresses[lane];
            ulong bits = (bytes == 64 ? ulong.MaxValue : (1UL << bytes) - 1) << (int)(address & 63);
            ulong* written = _sharedWritten + (address >> 6);
            if (i->Kind != InstructionKind.Store && (*written & bits) != bits)
            {
                throw Fault(KernelFaultKind.UnwrittenShared, warp, place, 1u << lane, $"{bytes} bytes at {address} of shared memory are read, and nobody wrote them", address);
            }

            if (i->Kind != InstructionKind.Load)
            {
                *written |= bits;
            }
        }

        if (i->Kind == InstructionKind.Atomic)
        {
            return;
        }

        int shift = _program.SharedShift;
        ulong entry = Entry(warp, 0, place);
        for (uint rest = looked; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            ulong mine = entry | ((ulong)(uint)lane << 16);
            for (int piece = 0; piece < bytes >> shift; piece++)
            {
                LaneRecord* record = _sharedShadow!.At((long)(addresses[lane] >> shift) + piece);
                ulong other = store ? Write(record, warp, lane, mine) : Read(record, warp, lane, mine);
                if (other != 0 && !(store && (IsSame(warp, i, lane, places[lane]) || IsSameStore(warp, place, lane, other))))
                {
                    throw Race(KernelFaultKind.SharedRace, warp, place, lane, other, $"{(long)addresses[lane]} of shared memory", addresses[lane]);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CheckGlobal(Warp warp, int place, uint mask, ulong* addresses, int bytes, AddressShape shape)
    {
        Instruction* i = _program.Code + place;
        Allocation? allocation = _found[place];
        ulong start = addresses[shape.First];
        int count = shape.Pattern == AddressPattern.Uniform ? bytes : bytes * shape.Lanes;
        if (shape.Pattern != AddressPattern.Scattered && allocation is not null && start >= (ulong)allocation.Start
            && start + (ulong)count <= allocation.End)
        {
            CheckWritten(warp, place, shape.First, allocation, start, count, bytes);
            if (!_foundStored[place])
            {
                return;
            }
        }
        else
        {
            ulong last = ulong.MaxValue;
            bool stored = false;
            for (uint rest = mask; rest != 0; rest &= rest - 1)
            {
                int lane = BitOperations.TrailingZeroCount(rest);
                if (addresses[lane] == last)
                {
                    continue;
                }

                last = addresses[lane];
                if (allocation is null || last < (ulong)allocation.Start || last >= allocation.End)
                {
                    allocation = _state.Find(last)!;
                    stored |= _state.IsStored(allocation);
                }

                CheckWritten(warp, place, lane, allocation, last, bytes, bytes);
            }

            if (!stored && !_foundStored[place])
            {
                return;
            }
        }

        if (i->Kind == InstructionKind.Atomic)
        {
            return;
        }

        bool store = i->Kind == InstructionKind.Store;
        bool oneGroup = _launch.Grid.Count == 1;
        int shift = _program.GlobalShift;
        ulong entry = Entry(warp, 0, place);
        Allocation? known = null;
        AccessShadow<LaneRecord>? lanes = null;
        AccessShadow<GroupRecord>? groups = null;
        uint looked = !store && shape.Pattern == AddressPattern.Uniform ? FirstTwo(mask) : mask;
        for (uint rest = looked; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            if (known is null || addresses[lane] < (ulong)known.Start || addresses[lane] >= known.End)
            {
                known = allocation is not null && addresses[lane] >= (ulong)allocation.Start && addresses[lane] < allocation.End
                    ? allocation
                    : _state.Find(addresses[lane])!;
                lanes = null;
                if (!_state.IsStored(known))
                {
                    continue;
                }

                if (!_globalShadows.TryGetValue(known, out lanes))
                {
                    _globalShadows.Add(known, lanes = new AccessShadow<LaneRecord>((known.Bytes >> shift) + 1));
                }

                groups = oneGroup ? null : _state.Shadow(known);
            }

            if (lanes is null)
            {
                continue;
            }

            ulong mine = entry | ((ulong)(uint)lane << 16);
            long first = (long)(addresses[lane] - (ulong)known.Start) >> shift;
            for (long piece = first; piece < first + (bytes >> shift); piece++)
            {
                ulong other = store ? Write(lanes.At(piece), warp, lane, mine) : Read(lanes.At(piece), warp, lane, mine);
                if (other != 0 && !(store && (IsSame(warp, i, lane, (byte*)addresses[lane]) || IsSameStore(warp, place, lane, other))))
                {
                    throw Race(KernelFaultKind.GlobalRace, warp, place, lane, other, $"0x{addresses[lane]:x}", addresses[lane]);
                }

                if (groups is not null)
                {
                    Between(groups.At(piece), warp, place, lane, store, addresses[lane]);
                }
            }
        }
    }

    private static uint FirstTwo(uint mask)
    {
        uint first = mask & (0 - mask);
        uint others = mask ^ first;
        return first | (others & (0 - others));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CheckWritten(Warp warp, int place, int lane, Allocation allocation, ulong address, int bytes, int each)
    {
        InstructionKind kind = _program.Code[place].Kind;
        long offset = (long)(address - (ulong)allocation.Start);
        if (kind != InstructionKind.Store)
        {
            long missing = allocation.FirstUnwritten(offset, bytes);
            if (missing >= 0)
            {
                lane += (int)((missing - offset) / each);
                ulong at = address + ((ulong)(missing - offset) / (ulong)each * (ulong)each);
                throw Fault(
                    KernelFaultKind.UnwrittenGlobal,
                    warp,
                    place,
                    1u << lane,
                    $"byte {missing} of an allocation of {allocation.Bytes} bytes at 0x{allocation.Start:x} is read, and nobody wrote it",
                    at);
            }
        }

        if (kind != InstructionKind.Load)
        {
            allocation.MarkWritten(offset, bytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Entry(Warp warp, int lane, int place) =>
        ((ulong)(uint)_epoch << 48) | ((ulong)(uint)Math.Min(warp.Epoch, LastEpoch) << 32) | ((ulong)(uint)warp.Index << 24) | ((ulong)(uint)lane << 16)
        | (uint)Math.Min(place, ushort.MaxValue);

    /// <summary>Whether an access that was noted is another thread's, with nothing between it and now.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Conflicts(ulong entry, Warp warp, int lane)
    {
        if (entry >> 48 != (ulong)(uint)_epoch)
        {
            return false;
        }

        if ((int)(entry >> 24 & 255) != warp.Index)
        {
            return true;
        }

        int epoch = (int)(entry >> 32 & LastEpoch);
        return (int)(entry >> 16 & 255) != lane && epoch == warp.Epoch && epoch != LastEpoch;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Read(LaneRecord* record, Warp warp, int lane, ulong entry)
    {
        ulong reader = record->Reader;
        if (reader >> 24 == entry >> 24)
        {
            // The same warp in the same interval.
            if ((reader >> 16 & 255) != (ulong)lane)
            {
                record->Reader = (reader & ~(0xFFUL << 16)) | ((ulong)SeveralLanes << 16);
            }
        }
        else
        {
            if (reader >> 48 == (ulong)(uint)_epoch && (int)(reader >> 24 & 255) != warp.Index)
            {
                record->OtherReader = reader;
            }

            record->Reader = entry;
        }

        return Conflicts(record->Writer, warp, lane) ? record->Writer : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Write(LaneRecord* record, Warp warp, int lane, ulong entry)
    {
        ulong other = 0;
        if (Conflicts(record->Writer, warp, lane))
        {
            other = record->Writer;
        }
        else if (Conflicts(record->Reader, warp, lane))
        {
            other = record->Reader;
        }
        else if (Conflicts(record->OtherReader, warp, lane))
        {
            other = record->OtherReader;
        }

        record->Writer = entry;
        return other;
    }

    /// <summary>Whether memory holds already what a lane is about to store.</summary>
    private static bool IsSame(Warp warp, Instruction* i, int lane, byte* target)
    {
        for (int v = 0; v < i->Count; v++)
        {
            ulong value = LaneMemory.Read(warp.Registers + i->O[1 + v], lane, i->Width);
            if (!new ReadOnlySpan<byte>(&value, i->Width).SequenceEqual(new ReadOnlySpan<byte>(target + (v * i->Width), i->Width)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether the other access is the same store by another lane of the warp, with the same values.</summary>
    private bool IsSameStore(Warp warp, int place, int lane, ulong other)
    {
        Instruction* i = _program.Code + place;
        int otherLane = (int)(other >> 16 & 255);
        if ((int)(other & 0xFFFF) != place || (int)(other >> 24 & 255) != warp.Index || otherLane > 31)
        {
            return false;
        }

        for (int v = 0; v < i->Count; v++)
        {
            byte* register = warp.Registers + i->O[1 + v];
            ulong bits = i->Width >= 4 ? ulong.MaxValue : (1UL << (8 * i->Width)) - 1;
            if (((LaneMemory.Read(register, lane, i->Width) ^ LaneMemory.Read(register, otherLane, i->Width)) & bits) != 0)
            {
                return false;
            }
        }

        return true;
    }

    private KernelFaultException Race(KernelFaultKind kind, Warp warp, int place, int lane, ulong other, string where, ulong address)
    {
        int lanes = (int)(other >> 16 & 255);
        string who = $"warp {other >> 24 & 255}, {(lanes == SeveralLanes ? "several lanes" : $"lane {lanes}")}, at {Site((int)(other & 0xFFFF))}";
        return Fault(kind, warp, place, 1u << lane, $"{where} was accessed by {who}, and no barrier or shuffle lies between", address);
    }
}
