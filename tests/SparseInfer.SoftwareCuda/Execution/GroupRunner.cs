using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Memory;
using SparseInfer.SoftwareCuda.Ptx;

namespace SparseInfer.SoftwareCuda.Execution;

/// <summary>
/// Executes groups of one launch, one after the other. A warp runs until a barrier or its end; of its fragments the one at the smallest
/// place runs, so that lanes meet again where branches join.
/// </summary>
internal sealed unsafe partial class GroupRunner : IDisposable
{
    private readonly LaunchState _state;
    private readonly DecodedProgram _program;
    private readonly Launch _launch;
    private readonly Warp[] _warps;
    private readonly byte* _parameters;
    private readonly bool _checks;
    private readonly GroupCounter? _counter;
    private readonly long _instructionLimit;

    // By instruction: the allocation that it found last, and whether the launch may store to that.
    private readonly Allocation?[] _found;
    private readonly bool[] _foundStored;
    private byte* _shared;
    private ulong* _sharedWritten;
    private readonly int _sharedBytes;
    private (int X, int Y, int Z) _group;
    private uint _groupNumber;
    private int _epoch;

    public GroupRunner(LaunchState state, GroupCounter? counter)
    {
        _state = state;
        _launch = state.Launch;
        _program = _launch.Function.Program;
        _checks = state.Options.CheckRaces;
        _counter = counter;
        _instructionLimit = state.Options.InstructionLimit;
        _found = new Allocation?[_program.Count];
        _foundStored = new bool[_program.Count];
        _sharedBytes = _program.SharedBytes + _launch.DynamicSharedBytes;
        _shared = (byte*)NativeMemory.AlignedAlloc((nuint)_sharedBytes + 256, 256);
        _sharedWritten = (ulong*)NativeMemory.AllocZeroed((nuint)(_sharedBytes / 64) + 1, sizeof(ulong));
        if (_checks)
            _sharedShadow = new AccessShadow<LaneRecord>((_sharedBytes >> _program.SharedShift) + 1);
        _parameters = (byte*)NativeMemory.AllocZeroed((nuint)Math.Max(_launch.Parameters.Length, _launch.Function.ParameterBytes) + 16);
        _launch.Parameters.CopyTo(new Span<byte>(_parameters, _launch.Parameters.Length));
        int threads = (int)_launch.Group.Count;
        _warps = new Warp[(threads + 31) / 32];
        for (int w = 0; w < _warps.Length; w++)
        {
            int lanes = Math.Min(32, threads - (w * 32));
            _warps[w] = new Warp(w, uint.MaxValue >> (32 - lanes), _program.RegisterBytes, _program.LocalBytes, _program.Registers.Count);
            foreach (ConstantSlot constant in _program.Constants)
            {
                if (constant.Wide)
                    new Span<ulong>(_warps[w].Registers + constant.Offset, 32).Fill(constant.Value);
                else
                    new Span<uint>(_warps[w].Registers + constant.Offset, 32).Fill((uint)constant.Value);
            }

            SpecialRegisters.Fill(_program, _launch, _warps[w].Registers, w, (0, 0, 0));
        }
    }

    /// <summary>Executes one group to its end.</summary>
    /// <param name="number">Its number in the grid, x fastest.</param>
    public void Run(long number)
    {
        Size3 grid = _launch.Grid;
        _group = ((int)(number % grid.X), (int)(number / grid.X % grid.Y), (int)(number / grid.X / grid.Y));
        _groupNumber = (uint)number;
        new Span<ulong>(_sharedWritten, (_sharedBytes / 64) + 1).Clear();
        NextInterval();
        foreach (Warp warp in _warps)
        {
            SpecialRegisters.FillGroup(_program, warp.Registers, _group);
            warp.Alive = warp.AllLanes;
            warp.Executed = 0;
            warp.Fragments.Clear();
            warp.Fragments.Add(new Fragment { Lanes = warp.AllLanes });
            Array.Clear(warp.Written);
        }

        _counter?.Group(_warps.Length);
        while (true)
        {
            foreach (Warp warp in _warps)
            {
                if (warp.Alive != 0)
                    Run(warp);
            }

            Warp? first = null;
            Warp? ended = null;
            foreach (Warp warp in _warps)
            {
                if (warp.Alive != warp.AllLanes)
                    ended ??= warp;
                if (warp.Alive == 0)
                    continue;
                first ??= warp;
                if (warp.Fragments[0].Place != first.Fragments[0].Place)
                {
                    throw Fault(
                        KernelFaultKind.DivergentBarrier,
                        warp,
                        warp.Fragments[0].Place,
                        warp.Fragments[0].Lanes,
                        $"threads of the group wait at different barriers: warp {first.Index} at {Site(first.Fragments[0].Place)}, warp {warp.Index} here");
                }
            }

            if (first is null)
                return;
            if (ended is not null)
                throw Missed(first, ended);
            Release(first.Fragments[0].Place);
        }
    }

    public void Dispose()
    {
        foreach (Warp warp in _warps)
            warp.Dispose();
        NativeMemory.AlignedFree(_shared);
        NativeMemory.Free(_sharedWritten);
        NativeMemory.Free(_parameters);
        _shared = null;
        _sharedWritten = null;
        _sharedShadow?.Dispose();
        DisposeShadows();
    }

    private void Release(int place)
    {
        Instruction* i = _program.Code + place;
        NextInterval();
        _counter?.Barrier();
        int count = 0;
        int threads = 0;
        if (i->Kind == InstructionKind.BarrierReduce)
        {
            foreach (Warp warp in _warps)
            {
                uint predicate = *(uint*)(warp.Registers + i->O[1]);
                count += BitOperations.PopCount((i->Count != 0 ? ~predicate : predicate) & warp.Alive);
                threads += BitOperations.PopCount(warp.Alive);
            }
        }

        foreach (Warp warp in _warps)
        {
            if (warp.Alive == 0)
                continue;
            if (i->Kind == InstructionKind.BarrierReduce)
            {
                uint* d = (uint*)(warp.Registers + i->O[0]);
                bool result = i->Aux == 1 ? count == threads : count != 0;
                if (i->Aux == 0)
                {
                    for (int lane = 0; lane < 32; lane++)
                        d[lane] = (warp.Alive >> lane & 1) != 0 ? (uint)count : d[lane];
                }
                else
                {
                    *d = (*d & ~warp.Alive) | (result ? warp.Alive : 0);
                }

                if (i->Watched)
                    NoteWritten(warp, place, warp.Alive);
            }

            warp.Fragments.Clear();
            warp.Fragments.Add(new Fragment { Place = place + 1, Lanes = warp.Alive });
        }
    }

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
                return;
            int place = current.Place;
            uint lanes = current.Lanes;
            while (true)
            {
                Instruction* i = code + place;
                uint mask = lanes;
                if (++warp.Executed > _instructionLimit)
                    throw NoProgress(warp, place, lanes);
                if (i->Predicate >= 0)
                {
                    if (i->Watched)
                        CheckPredicate(warp, place, lanes);
                    uint predicate = *(uint*)(registers + i->Predicate);
                    mask &= i->PredicateNegated ? ~predicate : predicate;
                }

                if (i->Watched)
                    CheckReads(warp, place, mask);
                _counter?.Instruction(i->Class, i->Kind == InstructionKind.Branch ? lanes : mask);
                switch (i->Kind)
                {
                    case InstructionKind.Lanes:
                        if (mask != 0)
                            i->Handler(registers, i, mask);
                        break;
                    case InstructionKind.Load:
                    case InstructionKind.Store:
                    case InstructionKind.Atomic:
                        if (mask != 0)
                            Access(warp, place, mask);
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
                            Add(fragments, place + 1, lanes, FragmentState.Ready);
                        goto next;
                    case InstructionKind.Exit:
                        warp.Alive &= ~mask;
                        lanes &= ~mask;
                        if (lanes == 0)
                            goto next;
                        break;
                    case InstructionKind.Barrier:
                    case InstructionKind.BarrierReduce:
                        if (mask == 0)
                            break;
                        if (mask != lanes)
                            Add(fragments, place + 1, lanes & ~mask, FragmentState.Ready);
                        Add(fragments, place, mask, FragmentState.AtBarrier);
                        goto next;
                    case InstructionKind.Collective:
                        if (mask == 0)
                            break;
                        if (mask != lanes)
                        {
                            Add(fragments, place + 1, lanes & ~mask, FragmentState.Ready);
                            limit = code[place + 1].Rank;
                        }

                        lanes = Join(warp, place, mask);
                        if (lanes == 0)
                            goto next;
                        Together(warp, place, lanes);
                        warp.Epoch++;
                        if (i->Watched)
                            NoteWritten(warp, place, lanes);
                        _counter?.Collective(i->Class);
                        place++;
                        goto moved;
                    case InstructionKind.ActiveMask:
                        for (uint rest = mask; rest != 0; rest &= rest - 1)
                            ((uint*)(registers + i->O[0]))[BitOperations.TrailingZeroCount(rest)] = mask;
                        break;
                    case InstructionKind.Clock:
                        Clock(warp, i, mask);
                        break;
                    case InstructionKind.Trap:
                        throw Fault(KernelFaultKind.Trap, warp, place, mask, "the kernel stopped itself");
                }

                if (i->Watched)
                    NoteWritten(warp, place, mask);
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
                continue;
            if (best < 0 || _program.Code[fragments[f].Place].Rank < _program.Code[fragments[best].Place].Rank)
                best = f;
        }

        if (best < 0)
        {
            if (warp.Alive == 0)
                return limit;
            if (fragments.Count == 1 && fragments[0].State == FragmentState.AtBarrier)
                return limit;
            // Lanes have ended meanwhile: perhaps nobody is missing any more.
            for (int f = 0; f < fragments.Count; f++)
            {
                if (fragments[f].State != FragmentState.AtCollective)
                    continue;
                int place = fragments[f].Place;
                uint all = Join(warp, place, 0);
                if (all == 0)
                    continue;
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
                limit = Math.Min(limit, _program.Code[other.Place].Rank);
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
                complete |= part;
            rest &= ~part;
        }

        if (waiting >= 0)
            fragments.RemoveAt(waiting);
        if (complete != all)
            Add(fragments, place, all & ~complete, FragmentState.AtCollective);
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
                CheckPart(warp, place, part, named);
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
            same |= Vector256.Equals(Vector256.Load(members + lane), mask).ExtractMostSignificantBits() << lane;
        return same & lanes;
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
                throw Fault(KernelFaultKind.OutOfBounds, warp, place, 1u << lane, $"the branch's index is {index[lane]}, and it has {targets.Length} targets");
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
                    ((ulong*)(registers + i->O[1 + v]))[BitOperations.TrailingZeroCount(rest)] = value;
            }
            else
            {
                uint value = Extend(i, LoadNarrow(source, i->Width));
                for (uint rest = mask; rest != 0; rest &= rest - 1)
                    ((uint*)(registers + i->O[1 + v]))[BitOperations.TrailingZeroCount(rest)] = value;
            }
        }
    }

    private static void Clock(Warp warp, Instruction* i, uint mask)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            if (i->Width == 8)
                ((ulong*)(warp.Registers + i->O[0]))[lane] = (ulong)warp.Executed;
            else
                ((uint*)(warp.Registers + i->O[0]))[lane] = (uint)warp.Executed;
        }
    }
}
