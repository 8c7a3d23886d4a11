using System.Numerics;
using System.Runtime.InteropServices;
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
        {
            _sharedShadow = new AccessShadow<LaneRecord>((_sharedBytes >> _program.SharedShift) + 1);
        }

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
                {
                    new Span<ulong>(_warps[w].Registers + constant.Offset, 32).Fill(constant.Value);
                }
                else
                {
                    new Span<uint>(_warps[w].Registers + constant.Offset, 32).Fill((uint)constant.Value);
                }
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
                {
                    Run(warp);
                }
            }

            Warp? first = null;
            Warp? ended = null;
            foreach (Warp warp in _warps)
            {
                if (warp.Alive != warp.AllLanes)
                {
                    ended ??= warp;
                }

                if (warp.Alive == 0)
                {
                    continue;
                }

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
            {
                return;
            }

            if (ended is not null)
            {
                throw Missed(first, ended);
            }

            Release(first.Fragments[0].Place);
        }
    }

    public void Dispose()
    {
        foreach (Warp warp in _warps)
        {
            warp.Dispose();
        }

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
            {
                continue;
            }

            if (i->Kind == InstructionKind.BarrierReduce)
            {
                uint* d = (uint*)(warp.Registers + i->O[0]);
                bool result = i->Aux == 1 ? count == threads : count != 0;
                if (i->Aux == 0)
                {
                    for (int lane = 0; lane < 32; lane++)
                    {
                        d[lane] = (warp.Alive >> lane & 1) != 0 ? (uint)count : d[lane];
                    }
                }
                else
                {
                    *d = (*d & ~warp.Alive) | (result ? warp.Alive : 0);
                }

                if (i->Watched)
                {
                    NoteWritten(warp, place, warp.Alive);
                }
            }

            warp.Fragments.Clear();
            warp.Fragments.Add(new Fragment { Place = place + 1, Lanes = warp.Alive });
        }
    }
}
