using System.Numerics;
using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Execution.Operations;

namespace SparseInfer.SoftwareCuda.Execution;

internal sealed unsafe partial class GroupRunner
{
    private void CheckPredicate(Warp warp, int place, uint lanes)
    {
        int offset = _program.Code[place].Predicate;
        foreach (int register in _program.Reads[place])
        {
            if (_program.Registers[register].Offset == offset)
                CheckRead(warp, place, register, lanes);
        }
    }

    private void CheckReads(Warp warp, int place, uint mask)
    {
        int predicate = _program.Code[place].Predicate;
        foreach (int register in _program.Reads[place])
        {
            if (_program.Registers[register].Offset != predicate)
                CheckRead(warp, place, register, mask);
        }
    }

    private void CheckRead(Warp warp, int place, int register, uint mask)
    {
        uint missing = mask & ~warp.Written[register];
        if (missing != 0 && _checks && _program.Doubtful.Contains(register))
            throw Fault(KernelFaultKind.UninitializedRegister, warp, place, missing, $"register {_program.Registers[register].Name} is read, and nothing wrote it");
    }

    private void NoteWritten(Warp warp, int place, uint mask)
    {
        foreach (int register in _program.Writes[place])
            warp.Written[register] |= mask;
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

    /// <summary>What a part of a warp does together: no lane reads one that is not there, nor does without a bit of its own.</summary>
    private void CheckPart(Warp warp, int place, uint part, uint members)
    {
        Instruction* i = _program.Code + place;
        if ((part & ~members) != 0)
            throw Fault(KernelFaultKind.DivergentShuffle, warp, place, part & ~members, $"the lane is not in its own mask of members, {members:x8}");
        if (i->Class == InstructionClass.Matrix)
            throw Fault(KernelFaultKind.DivergentShuffle, warp, place, part, $"lanes {part:x8} came here, and all 32 are needed");
        if (!i->ReadsLanes)
            return;
        for (uint rest = part; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            int source = Collectives.Source(warp.Registers, i, lane, out _);
            if ((part >> source & 1) == 0)
            {
                string why = (warp.AllLanes >> source & 1) == 0 ? "has no thread" : (warp.Alive >> source & 1) == 0 ? "has ended" : "takes no part";
                throw Fault(KernelFaultKind.DivergentShuffle, warp, place, 1u << lane, $"the lane reads lane {source}, which {why}");
            }
        }
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
        return $"line {line} `{_program.Texts[place]}`{source}";
    }

    private KernelFaultException Fault(KernelFaultKind kind, Warp warp, int place, uint lanes, string message, ulong address = 0) =>
        _state.Fault(kind, _group, warp.Index, BitOperations.TrailingZeroCount(lanes), place, message, address);
}
