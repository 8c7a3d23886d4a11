using System.Numerics;
using SparseInfer.SoftwareCuda.Memory;

namespace SparseInfer.SoftwareCuda.Execution;

internal sealed unsafe partial class GroupRunner
{
    private void CheckPredicate(Warp warp, int place, uint lanes)
    {
        int offset = _program.Code[place].Predicate;
        foreach (int register in _program.Reads[place])
        {
            if (_program.Registers[register].Offset == offset)
            {
                CheckRead(warp, place, register, lanes);
            }
        }
    }

    private void CheckReads(Warp warp, int place, uint mask)
    {
        int predicate = _program.Code[place].Predicate;
        foreach (int register in _program.Reads[place])
        {
            if (_program.Registers[register].Offset != predicate)
            {
                CheckRead(warp, place, register, mask);
            }
        }
    }

    private void CheckRead(Warp warp, int place, int register, uint mask)
    {
        uint missing = mask & ~warp.Written[register];
        if (missing != 0 && _checks && _program.Doubtful.Contains(register))
        {
            throw Fault(KernelFaultKind.UninitializedRegister, warp, place, missing, $"register {_program.Registers[register].Name} is read, and nothing wrote it");
        }
    }

    private void NoteWritten(Warp warp, int place, uint mask)
    {
        foreach (int register in _program.Writes[place])
        {
            warp.Written[register] |= mask;
        }
    }

    private KernelFaultException Divergence(Warp warp)
    {
        Fragment shuffle = warp.Fragments.Find(fragment => fragment.State == FragmentState.AtCollective);
        if (shuffle.Lanes == 0)
        {
            Fragment first = warp.Fragments[0];
            Fragment second = warp.Fragments[1];
            return Fault(
                KernelFaultKind.DivergentBarrier,
                warp,
                second.Place,
                second.Lanes,
                $"lanes of a warp wait at different barriers: {first.Lanes:x8} at {Site(first.Place)}, {second.Lanes:x8} here");
        }

        uint members = ((uint*)(warp.Registers + _program.Code[shuffle.Place].MemberMask))[BitOperations.TrailingZeroCount(shuffle.Lanes)] & warp.Alive;
        Fragment other = warp.Fragments.Find(fragment => fragment.Place != shuffle.Place || fragment.State != shuffle.State);
        string where = other.Lanes == 0 ? "and none of them comes" : $"and lanes {other.Lanes:x8} wait at {Site(other.Place)}";
        return Fault(
            KernelFaultKind.DivergentShuffle,
            warp,
            shuffle.Place,
            shuffle.Lanes,
            $"lanes {shuffle.Lanes:x8} came here, {members:x8} are needed, {where}");
    }

    /// <summary>A barrier that threads cannot come to any more.</summary>
    private KernelFaultException Missed(Warp first, Warp ended)
    {
        Warp at = ended.Alive == 0 ? first : ended;
        uint gone = ended.AllLanes & ~ended.Alive;
        string who = ended.Alive == 0 ? $"warp {ended.Index} has ended" : $"lanes {gone:x8} of warp {ended.Index} have ended";
        return Fault(KernelFaultKind.DivergentBarrier, at, at.Fragments[0].Place, at.Alive, $"threads of the group wait here, and {who}");
    }

    private KernelFaultException NoProgress(Warp warp, int place, uint lanes) => Fault(
        KernelFaultKind.NoProgress,
        warp,
        place,
        lanes,
        $"a warp executed {_state.Options.InstructionLimit:N0} instructions and did not end: it waits for what never comes, or loops without end");

    private string Site(int place)
    {
        int line = _program.Code[place].Line;
        string source = _program.Sources[place] is string at ? $" ({at})" : "";
        return $"line {line} `{_program.Text(place)}`{source}";
    }

    private KernelFaultException Fault(KernelFaultKind kind, Warp warp, int place, uint lanes, string message, ulong address = 0) =>
        _state.Fault(kind, _group, warp.Index, BitOperations.TrailingZeroCount(lanes), place, message, address);

    private KernelFaultException Misaligned(Warp warp, int place, uint mask, ulong* addresses, int bytes)
    {
        uint wrong = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            wrong |= (addresses[lane] & (ulong)(bytes - 1)) != 0 ? 1u << lane : 0;
        }

        ulong address = addresses[BitOperations.TrailingZeroCount(wrong)];
        return Fault(KernelFaultKind.Misaligned, warp, place, wrong, $"the address 0x{address:x} is no multiple of the access's {bytes} bytes", address);
    }

    private KernelFaultException Outside(Warp warp, int place, int lane, ulong address, int bytes, string space, int size) => Fault(
        KernelFaultKind.OutOfBounds,
        warp,
        place,
        1u << lane,
        $"{bytes} bytes at {(long)address} of {space} memory, which has {size}",
        address);

    private KernelFaultException OutsideGlobal(Warp warp, int place, int lane, ulong address, int bytes, Allocation? allocation)
    {
        if (allocation is { Freed: true })
        {
            long into = (long)(address - (ulong)allocation.Start);
            return Fault(
                KernelFaultKind.FreedMemory,
                warp,
                place,
                1u << lane,
                $"{bytes} bytes at 0x{address:x}, {into} bytes into an allocation of {allocation.Bytes} bytes that was freed",
                address);
        }

        Allocation? below = _state.Memory.Nearest(address);
        Allocation? above = _state.Memory.Behind(address);
        string near = "there is no allocation";
        long behind = below is null ? long.MaxValue : (long)(address + (ulong)bytes - below.End);
        long before = above is null ? long.MaxValue : (long)((ulong)above.Start - address);
        if (below is not null && behind <= before)
        {
            near = $"they end {behind} bytes behind {(below.Freed ? "a freed" : "an")} allocation of {below.Bytes} bytes at 0x{below.Start:x}";
        }
        else if (above is not null)
        {
            near = $"they begin {before} bytes before an allocation of {above.Bytes} bytes at 0x{above.Start:x}";
        }

        return Fault(KernelFaultKind.OutOfBounds, warp, place, 1u << lane, $"{bytes} bytes at 0x{address:x} are in no allocation; {near}", address);
    }
}
