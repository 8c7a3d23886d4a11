using System.Numerics;
using System.Runtime.Intrinsics;
using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Execution.Operations;

namespace SparseInfer.SoftwareCuda.Execution;

// What the lanes of a warp do together.
internal sealed unsafe partial class GroupRunner
{
    /// <summary>
    /// Lanes come to an instruction that needs others. Those whose members are all there go on; the others wait. Parts of a warp with member
    /// masks of their own do not wait for each other.
    /// </summary>
    private uint Join(Warp warp, int place, uint lanes)
    {
        List<Fragment> fragments = warp.Fragments;
        int waiting = fragments.FindIndex(fragment => fragment.Place == place && fragment.State == FragmentState.AtCollective);
        uint all = lanes | (waiting >= 0 ? fragments[waiting].Lanes : 0);
        uint* members = (uint*)(warp.Registers + _program.Code[place].MemberMask);
        uint complete = 0;
        for (uint rest = all; rest != 0;)
        {
            uint part = Part(members, rest);
            uint needed = members[BitOperations.TrailingZeroCount(part)] & warp.Alive;
            if ((part & needed) == needed)
            {
                complete |= part;
            }

            rest &= ~part;
        }

        if (waiting >= 0)
        {
            fragments.RemoveAt(waiting);
        }

        if (complete != all)
        {
            Add(fragments, place, all & ~complete, FragmentState.AtCollective);
        }

        return complete;
    }

    /// <summary>Executes what lanes do together, for each part of the warp that has a member mask of its own.</summary>
    private void Together(Warp warp, int place, uint lanes)
    {
        Instruction* i = _program.Code + place;
        uint* members = (uint*)(warp.Registers + i->MemberMask);
        for (uint rest = lanes; rest != 0;)
        {
            uint part = Part(members, rest);
            uint named = members[BitOperations.TrailingZeroCount(part)];
            if ((part & named) != uint.MaxValue)
            {
                CheckPart(warp, place, part, named);
            }

            i->Handler(warp.Registers, i, part);
            rest &= ~part;
        }
    }

    /// <summary>Of some lanes the first, and those with the same member mask.</summary>
    private static uint Part(uint* members, uint lanes)
    {
        Vector256<uint> mask = Vector256.Create(members[BitOperations.TrailingZeroCount(lanes)]);
        uint same = 0;
        for (int lane = 0; lane < 32; lane += 8)
        {
            same |= Vector256.Equals(Vector256.Load(members + lane), mask).ExtractMostSignificantBits() << lane;
        }

        return same & lanes;
    }

    /// <summary>What a part of a warp does together: no lane reads one that is not there, nor does without a bit of its own.</summary>
    private void CheckPart(Warp warp, int place, uint part, uint members)
    {
        Instruction* i = _program.Code + place;
        if ((part & ~members) != 0)
        {
            throw Fault(KernelFaultKind.DivergentShuffle, warp, place, part & ~members, $"the lane is not in its own mask of members, {members:x8}");
        }

        if (i->Class == InstructionClass.Matrix)
        {
            throw Fault(KernelFaultKind.DivergentShuffle, warp, place, part, $"lanes {part:x8} came here, and all 32 are needed");
        }

        if (!i->ReadsLanes)
        {
            return;
        }

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
}
