using System.Numerics;

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

        uint members = *(uint*)(warp.Registers + _program.Code[shuffle.Place].MemberMask) & warp.Alive;
        Fragment other = warp.Fragments.Find(fragment => fragment.Place != shuffle.Place || fragment.State != shuffle.State);
        string where = other.Lanes == 0 ? "and none of them comes" : $"and lanes {other.Lanes:x8} wait at {Site(other.Place)}";
        return Fault(
            KernelFaultKind.DivergentShuffle,
            warp,
            shuffle.Place,
            shuffle.Lanes,
            $"lanes {shuffle.Lanes:x8} came here, {members:x8} are needed, {where}");
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
