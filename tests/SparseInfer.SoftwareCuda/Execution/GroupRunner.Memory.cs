using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SparseInfer.SoftwareCuda.Memory;

namespace SparseInfer.SoftwareCuda.Execution;

internal sealed unsafe partial class GroupRunner
{
    /// <summary>One access by the lanes of a mask, in whatever space.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Access(Warp warp, int place, uint mask)
    {
        Instruction* i = _program.Code + place;
        ulong* addresses = stackalloc ulong[32];
        byte* operand = warp.Registers + i->O[0];
        if (i->Address32)
        {
            for (int lane = 0; lane < 32; lane++)
            {
                addresses[lane] = ((uint*)operand)[lane] + (ulong)i->Offset;
            }
        }
        else
        {
            Vector256<ulong> offset = Vector256.Create((ulong)i->Offset);
            for (int lane = 0; lane < 32; lane += 4)
            {
                (Vector256.Load((ulong*)operand + lane) + offset).Store(addresses + lane);
            }
        }

        if (i->Space != StateSpace.Generic)
        {
            Access(warp, place, mask, addresses, i->Space);
            return;
        }

        uint shared = 0;
        uint local = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            if (addresses[lane] - AddressWindows.Shared < AddressWindows.Size)
            {
                addresses[lane] -= AddressWindows.Shared;
                shared |= 1u << lane;
            }
            else if (addresses[lane] - AddressWindows.Local < AddressWindows.Size)
            {
                addresses[lane] -= AddressWindows.Local;
                local |= 1u << lane;
            }
        }

        if (shared != 0)
        {
            Access(warp, place, shared, addresses, StateSpace.Shared);
        }

        if (local != 0)
        {
            Access(warp, place, local, addresses, StateSpace.Local);
        }

        if ((mask & ~shared & ~local) != 0)
        {
            Access(warp, place, mask & ~shared & ~local, addresses, StateSpace.Global);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Access(Warp warp, int place, uint mask, ulong* addresses, StateSpace space)
    {
        Instruction* i = _program.Code + place;
        int bytes = i->Width * i->Count;
        AddressShape shape = AddressShape.Of(addresses, mask, bytes);
        ulong misaligned = 0;
        if (shape.Pattern == AddressPattern.Scattered)
        {
            for (uint rest = mask; rest != 0; rest &= rest - 1)
            {
                misaligned |= addresses[BitOperations.TrailingZeroCount(rest)];
            }
        }
        else
        {
            misaligned = addresses[shape.First];
        }

        if ((misaligned & (ulong)(bytes - 1)) != 0)
        {
            throw Misaligned(warp, place, mask, addresses, bytes);
        }

        // The host's addresses, which are the device's for global memory.
        ulong* places = stackalloc ulong[32];
        bool atomic = i->Kind == InstructionKind.Atomic;
        bool store = i->Kind == InstructionKind.Store;
        switch (space)
        {
            case StateSpace.Shared:
                CheckBounds(warp, place, mask, addresses, bytes, "shared", _sharedBytes);
                Move(addresses, places, (ulong)_shared);
                _counter?.Shared(addresses, mask, bytes, shape.Pattern);
                if (_checks)
                {
                    CheckShared(warp, place, mask, addresses, (byte**)places, bytes, shape);
                }

                break;
            case StateSpace.Local:
                CheckBounds(warp, place, mask, addresses, bytes, "local", _program.LocalBytes);
                for (int lane = 0; lane < 32; lane++)
                {
                    places[lane] = (ulong)warp.Local + (ulong)(lane * _program.LocalBytes) + addresses[lane];
                }

                shape = default;
                break;
            default:
                FindAllocation(warp, place, mask, addresses, bytes, shape);
                _counter?.Global(addresses, mask, bytes, store || atomic, shape);
                if (_checks)
                {
                    CheckGlobal(warp, place, mask, addresses, bytes, shape);
                }

                places = addresses;
                break;
        }

        if (atomic)
        {
            LaneMemory.Exchange(warp, i, mask, (byte**)places);
        }
        else if (shape.Pattern == AddressPattern.Contiguous && i->Count == 1 && i->Width >= 4)
        {
            LaneMemory.CopyBlock(warp.Registers + i->O[1] + (shape.First * i->Width), (byte*)places[shape.First], i->Width * shape.Lanes, store);
        }
        else if (store)
        {
            LaneMemory.Store(warp.Registers, i, mask, (byte**)places);
        }
        else if (mask == uint.MaxValue)
        {
            LaneMemory.Load(warp.Registers, i, (byte**)places, shape.Pattern);
        }
        else
        {
            LaneMemory.Load(warp.Registers, i, mask, (byte**)places);
        }
    }

    private static void Move(ulong* from, ulong* to, ulong distance)
    {
        Vector256<ulong> step = Vector256.Create(distance);
        for (int lane = 0; lane < 32; lane += 4)
        {
            (Vector256.Load(from + lane) + step).Store(to + lane);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CheckBounds(Warp warp, int place, uint mask, ulong* addresses, int bytes, string space, int size)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            if (addresses[lane] > (ulong)size || addresses[lane] + (ulong)bytes > (ulong)size)
            {
                throw Outside(warp, place, lane, addresses[lane], bytes, space, size);
            }
        }
    }

    /// <summary>Checks that each lane's bytes lie in an allocation, and keeps the last one found for the next time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FindAllocation(Warp warp, int place, uint mask, ulong* addresses, int bytes, AddressShape shape)
    {
        Allocation? allocation = _found[place];
        if (shape.Pattern != AddressPattern.Scattered && allocation is { Freed: false })
        {
            ulong start = addresses[shape.First];
            ulong end = start + (ulong)(shape.Pattern == AddressPattern.Uniform ? bytes : bytes * shape.Lanes);
            if (start >= (ulong)allocation.Start && end <= allocation.End && end > start)
            {
                return;
            }
        }

        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            ulong address = addresses[lane];
            if (allocation is null || address < (ulong)allocation.Start || address + (ulong)bytes > allocation.End || allocation.Freed)
            {
                allocation = _state.Find(address);
                if (allocation is null || address + (ulong)bytes > allocation.End || allocation.Freed)
                {
                    throw OutsideGlobal(warp, place, lane, address, bytes, allocation);
                }

                _found[place] = allocation;
                _foundStored[place] = _state.IsStored(allocation);
            }
        }
    }
}
