using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SparseInfer.SoftwareCuda.Execution;

// How the lanes of a warp go on: together as long as they can, and apart where branches part them.
internal sealed unsafe partial class GroupRunner
{
    /// <summary>Until all living lanes are at one barrier, or none lives.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Run(Warp warp)
    {
        Instruction* code = _program.Code;
        byte* registers = warp.Registers;
        List<Fragment> fragments = warp.Fragments;
        while (true)
        {
            int limit = TakeNext(warp, out Fragment current);
            if (current.Lanes == 0)
            {
                return;
            }

            int place = current.Place;
            uint lanes = current.Lanes;
            while (true)
            {
                Instruction* i = code + place;
                uint mask = lanes;
                if (++warp.Executed > _instructionLimit)
                {
                    throw NoProgress(warp, place, lanes);
                }

                if (i->Predicate >= 0)
                {
                    if (i->Watched)
                    {
                        CheckPredicate(warp, place, lanes);
                    }

                    uint predicate = *(uint*)(registers + i->Predicate);
                    mask &= i->PredicateNegated ? ~predicate : predicate;
                }

                if (i->Watched)
                {
                    CheckReads(warp, place, mask);
                }

                _counter?.Instruction(i->Class, i->Kind == InstructionKind.Branch ? lanes : mask);
                switch (i->Kind)
                {
                    case InstructionKind.Lanes:
                        if (mask != 0)
                        {
                            i->Handler(registers, i, mask);
                        }

                        break;
                    case InstructionKind.Load:
                    case InstructionKind.Store:
                    case InstructionKind.Atomic:
                        if (mask != 0)
                        {
                            Access(warp, place, mask);
                        }

                        break;
                    case InstructionKind.LoadParameter:
                        LoadParameter(registers, i, mask);
                        break;
                    case InstructionKind.Branch:
                        if (mask == lanes)
                        {
                            place = i->Target;
                            goto moved;
                        }

                        if (mask != 0)
                        {
                            Add(fragments, i->Target, mask, FragmentState.Ready);
                            lanes &= ~mask;
                            limit = Math.Min(limit, code[i->Target].Rank);
                        }

                        break;
                    case InstructionKind.BranchIndexed:
                        BranchIndexed(warp, place, mask);
                        lanes &= ~mask;
                        if (lanes != 0)
                        {
                            Add(fragments, place + 1, lanes, FragmentState.Ready);
                        }

                        goto next;
                    case InstructionKind.Exit:
                        warp.Alive &= ~mask;
                        lanes &= ~mask;
                        if (lanes == 0)
                        {
                            goto next;
                        }

                        break;
                    case InstructionKind.Barrier:
                    case InstructionKind.BarrierReduce:
                        if (mask == 0)
                        {
                            break;
                        }

                        if (mask != lanes)
                        {
                            Add(fragments, place + 1, lanes & ~mask, FragmentState.Ready);
                        }

                        Add(fragments, place, mask, FragmentState.AtBarrier);
                        goto next;
                    case InstructionKind.Collective:
                        if (mask == 0)
                        {
                            break;
                        }

                        if (mask != lanes)
                        {
                            Add(fragments, place + 1, lanes & ~mask, FragmentState.Ready);
                            limit = code[place + 1].Rank;
                        }

                        lanes = Join(warp, place, mask);
                        if (lanes == 0)
                        {
                            goto next;
                        }

                        Together(warp, place, lanes);
                        warp.Epoch++;
                        if (i->Watched)
                        {
                            NoteWritten(warp, place, lanes);
                        }

                        _counter?.Collective(i->Class);
                        place++;
                        goto moved;
                    case InstructionKind.ActiveMask:
                        for (uint rest = mask; rest != 0; rest &= rest - 1)
                        {
                            ((uint*)(registers + i->O[0]))[BitOperations.TrailingZeroCount(rest)] = mask;
                        }

                        break;
                    case InstructionKind.Clock:
                        Clock(warp, i, mask);
                        break;
                    case InstructionKind.Trap:
                        throw Fault(KernelFaultKind.Trap, warp, place, mask, "the kernel stopped itself");
                }

                if (i->Watched)
                {
                    NoteWritten(warp, place, mask);
                }

                place++;
            moved:
                if (code[place].Rank >= limit)
                {
                    Add(fragments, place, lanes, FragmentState.Ready);
                    break;
                }
            }

        next:;
        }
    }

    /// <summary>The ready fragment that is first in the order of execution; none if all are at a barrier or gone.</summary>
    /// <returns>The rank of the next one.</returns>
    private int TakeNext(Warp warp, out Fragment next)
    {
        List<Fragment> fragments = warp.Fragments;
        next = default;
        int best = -1;
        int limit = int.MaxValue;
        for (int f = 0; f < fragments.Count; f++)
        {
            if (fragments[f].State != FragmentState.Ready)
            {
                continue;
            }

            if (best < 0 || _program.Code[fragments[f].Place].Rank < _program.Code[fragments[best].Place].Rank)
            {
                best = f;
            }
        }

        if (best < 0)
        {
            if (warp.Alive == 0)
            {
                return limit;
            }

            if (fragments.Count == 1 && fragments[0].State == FragmentState.AtBarrier)
            {
                return limit;
            }

            // Lanes have ended meanwhile: perhaps nobody is missing any more.
            for (int f = 0; f < fragments.Count; f++)
            {
                if (fragments[f].State != FragmentState.AtCollective)
                {
                    continue;
                }

                int place = fragments[f].Place;
                uint all = Join(warp, place, 0);
                if (all == 0)
                {
                    continue;
                }

                next = new Fragment { Place = place, Lanes = all };
                return limit;
            }

            throw Divergence(warp);
        }

        next = fragments[best];
        fragments.RemoveAt(best);
        foreach (Fragment other in fragments)
        {
            if (other.State == FragmentState.Ready)
            {
                limit = Math.Min(limit, _program.Code[other.Place].Rank);
            }
        }

        return limit;
    }

    private static void Add(List<Fragment> fragments, int place, uint lanes, FragmentState state)
    {
        Span<Fragment> all = CollectionsMarshal.AsSpan(fragments);
        for (int f = 0; f < all.Length; f++)
        {
            if (all[f].Place == place && all[f].State == state)
            {
                all[f].Lanes |= lanes;
                return;
            }
        }

        fragments.Add(new Fragment { Place = place, Lanes = lanes, State = state });
    }

    private void BranchIndexed(Warp warp, int place, uint mask)
    {
        Instruction* i = _program.Code + place;
        int[] targets = _program.IndexedTargets[i->Aux];
        uint* index = (uint*)(warp.Registers + i->O[0]);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            if (index[lane] >= (uint)targets.Length)
            {
                throw Fault(KernelFaultKind.OutOfBounds, warp, place, 1u << lane, $"the branch's index is {index[lane]}, and it has {targets.Length} targets");
            }

            Add(warp.Fragments, targets[index[lane]], 1u << lane, FragmentState.Ready);
        }
    }

    private void LoadParameter(byte* registers, Instruction* i, uint mask)
    {
        for (int v = 0; v < i->Count; v++)
        {
            byte* source = _parameters + i->Offset + (v * i->Width);
            if (i->Width == 8)
            {
                ulong value = Unsafe.ReadUnaligned<ulong>(source);
                for (uint rest = mask; rest != 0; rest &= rest - 1)
                {
                    ((ulong*)(registers + i->O[1 + v]))[BitOperations.TrailingZeroCount(rest)] = value;
                }
            }
            else
            {
                uint value = LaneMemory.Extend(i, LaneMemory.LoadNarrow(source, i->Width));
                for (uint rest = mask; rest != 0; rest &= rest - 1)
                {
                    ((uint*)(registers + i->O[1 + v]))[BitOperations.TrailingZeroCount(rest)] = value;
                }
            }
        }
    }

    private static void Clock(Warp warp, Instruction* i, uint mask)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            if (i->Width == 8)
            {
                ((ulong*)(warp.Registers + i->O[0]))[lane] = (ulong)warp.Executed;
            }
            else
            {
                ((uint*)(warp.Registers + i->O[0]))[lane] = (uint)warp.Executed;
            }
        }
    }
}
