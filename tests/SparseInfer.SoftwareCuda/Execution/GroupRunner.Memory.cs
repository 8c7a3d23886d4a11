using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SparseInfer.SoftwareCuda.Memory;

namespace SparseInfer.SoftwareCuda.Execution;

internal sealed unsafe partial class GroupRunner
{
    /// <summary>One access by the lanes of a mask, in whatever space.</summary>
    private void Access(Warp warp, int place, uint mask)
    {
        Instruction* i = _program.Code + place;
        ulong* addresses = stackalloc ulong[32];
        byte* operand = warp.Registers + i->O[0];
        if (i->Address32)
        {
            for (int lane = 0; lane < 32; lane++)
                addresses[lane] = ((uint*)operand)[lane] + (ulong)i->Offset;
        }
        else
        {
            Vector256<ulong> offset = Vector256.Create((ulong)i->Offset);
            for (int lane = 0; lane < 32; lane += 4)
                (Vector256.Load((ulong*)operand + lane) + offset).Store(addresses + lane);
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
            Access(warp, place, shared, addresses, StateSpace.Shared);
        if (local != 0)
            Access(warp, place, local, addresses, StateSpace.Local);
        if ((mask & ~shared & ~local) != 0)
            Access(warp, place, mask & ~shared & ~local, addresses, StateSpace.Global);
    }

    private void Access(Warp warp, int place, uint mask, ulong* addresses, StateSpace space)
    {
        Instruction* i = _program.Code + place;
        int bytes = i->Width * i->Count;
        bool contiguous = IsContiguous(addresses, mask, bytes);
        ulong misaligned = 0;
        for (uint rest = contiguous ? mask & (0 - mask) : mask; rest != 0; rest &= rest - 1)
            misaligned |= addresses[BitOperations.TrailingZeroCount(rest)];
        if ((misaligned & (ulong)(bytes - 1)) != 0)
            throw Misaligned(warp, place, mask, addresses, bytes);
        byte** places = stackalloc byte*[32];
        bool atomic = i->Kind == InstructionKind.Atomic;
        bool store = i->Kind == InstructionKind.Store;
        switch (space)
        {
            case StateSpace.Shared:
                PlaceShared(warp, place, mask, addresses, places, bytes);
                _counter?.Shared(addresses, mask, bytes);
                if (_checks)
                    CheckShared(warp, place, mask, addresses, places, bytes, contiguous);
                break;
            case StateSpace.Local:
                for (uint rest = mask; rest != 0; rest &= rest - 1)
                {
                    int lane = BitOperations.TrailingZeroCount(rest);
                    if (addresses[lane] > (ulong)_program.LocalBytes || addresses[lane] + (ulong)bytes > (ulong)_program.LocalBytes)
                        throw Outside(warp, place, lane, addresses[lane], bytes, "local", _program.LocalBytes);
                    places[lane] = warp.Local + (lane * _program.LocalBytes) + addresses[lane];
                }

                contiguous = false;
                break;
            default:
                PlaceGlobal(warp, place, mask, addresses, bytes);
                _counter?.Global(addresses, mask, bytes, store || atomic);
                for (int lane = 0; lane < 32; lane++)
                    places[lane] = (byte*)addresses[lane];
                if (_checks)
                    CheckGlobal(warp, place, mask, addresses, bytes, contiguous);
                break;
        }

        if (atomic)
            Exchange(warp, i, mask, places);
        else if (contiguous && i->Count == 1 && i->Width >= 4 && mask == uint.MaxValue)
            CopyBlock(warp.Registers + i->O[1], places[0], i->Width * 32, store);
        else if (store)
            StoreLanes(warp.Registers, i, mask, places);
        else
            LoadLanes(warp.Registers, i, mask, places);
    }

    private static bool IsContiguous(ulong* addresses, uint mask, int bytes)
    {
        if (mask != uint.MaxValue)
            return false;
        Vector256<ulong> expected = Vector256.Create(addresses[0]) + (Vector256.Create(0UL, 1, 2, 3) * (ulong)bytes);
        Vector256<ulong> step = Vector256.Create((ulong)bytes * 4);
        Vector256<ulong> different = default;
        for (int lane = 0; lane < 32; lane += 4)
        {
            different |= Vector256.Load(addresses + lane) ^ expected;
            expected += step;
        }

        return different == default;
    }

    private void PlaceShared(Warp warp, int place, uint mask, ulong* addresses, byte** places, int bytes)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            if (addresses[lane] > (ulong)_sharedBytes || addresses[lane] + (ulong)bytes > (ulong)_sharedBytes)
                throw Outside(warp, place, lane, addresses[lane], bytes, "shared", _sharedBytes);
            places[lane] = _shared + addresses[lane];
        }
    }

    private void PlaceGlobal(Warp warp, int place, uint mask, ulong* addresses, int bytes)
    {
        Allocation? allocation = _found[place];
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            ulong address = addresses[lane];
            if (allocation is null || address < (ulong)allocation.Start || address + (ulong)bytes > allocation.End || allocation.Freed)
            {
                allocation = _state.Find(address);
                if (allocation is null || address + (ulong)bytes > allocation.End || allocation.Freed)
                    throw OutsideGlobal(warp, place, lane, address, bytes, allocation);
                _found[place] = allocation;
            }
        }
    }

    private static void CopyBlock(byte* register, byte* memory, int bytes, bool store)
    {
        if (store)
            Unsafe.CopyBlockUnaligned(memory, register, (uint)bytes);
        else
            Unsafe.CopyBlockUnaligned(register, memory, (uint)bytes);
    }

    private static void LoadLanes(byte* registers, Instruction* i, uint mask, byte** places)
    {
        for (int v = 0; v < i->Count; v++)
        {
            byte* register = registers + i->O[1 + v];
            int offset = v * i->Width;
            switch (i->Width)
            {
                case 4:
                    for (uint rest = mask; rest != 0; rest &= rest - 1)
                    {
                        int lane = BitOperations.TrailingZeroCount(rest);
                        ((uint*)register)[lane] = *(uint*)(places[lane] + offset);
                    }

                    break;
                case 8:
                    for (uint rest = mask; rest != 0; rest &= rest - 1)
                    {
                        int lane = BitOperations.TrailingZeroCount(rest);
                        ((ulong*)register)[lane] = *(ulong*)(places[lane] + offset);
                    }

                    break;
                default:
                    for (uint rest = mask; rest != 0; rest &= rest - 1)
                    {
                        int lane = BitOperations.TrailingZeroCount(rest);
                        ((uint*)register)[lane] = Extend(i, LoadNarrow(places[lane] + offset, i->Width));
                    }

                    break;
            }
        }
    }

    private static void StoreLanes(byte* registers, Instruction* i, uint mask, byte** places)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            for (int v = 0; v < i->Count; v++)
            {
                byte* register = registers + i->O[1 + v];
                byte* target = places[lane] + (v * i->Width);
                switch (i->Width)
                {
                    case 1:
                        *target = (byte)((uint*)register)[lane];
                        break;
                    case 2:
                        *(ushort*)target = (ushort)((uint*)register)[lane];
                        break;
                    case 4:
                        *(uint*)target = ((uint*)register)[lane];
                        break;
                    default:
                        *(ulong*)target = ((ulong*)register)[lane];
                        break;
                }
            }
        }
    }

    private static void Exchange(Warp warp, Instruction* i, uint mask, byte** places)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            byte* target = places[lane];
            ulong old = i->Width == 8 ? *(ulong*)target : LoadNarrow(target, i->Width);
            ulong operand = Read(warp.Registers + i->O[2], lane, i->Width);
            ulong other = Read(warp.Registers + i->O[3], lane, i->Width);
            ulong now = AtomicOperations.Apply(i->Aux, old, operand, other);
            Unsafe.CopyBlockUnaligned(target, &now, i->Width);
            if (i->Width == 8)
                ((ulong*)(warp.Registers + i->O[1]))[lane] = old;
            else
                ((uint*)(warp.Registers + i->O[1]))[lane] = (uint)old;
        }
    }

    private static ulong Read(byte* register, int lane, int width) => width == 8 ? ((ulong*)register)[lane] : ((uint*)register)[lane];

    private static uint LoadNarrow(byte* source, int width) => width switch
    {
        1 => *source,
        2 => Unsafe.ReadUnaligned<ushort>(source),
        _ => Unsafe.ReadUnaligned<uint>(source),
    };

    // Loads with sign fill the register; one of 16 bits keeps its upper half clear.
    private static uint Extend(Instruction* i, uint value)
    {
        if (!i->SignExtend || i->Width > 2)
            return value;
        int extended = i->Width == 1 ? (sbyte)value : (short)value;
        return i->Aux == 2 ? (ushort)extended : (uint)extended;
    }

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
            near = $"they end {behind} bytes behind {(below.Freed ? "a freed" : "an")} allocation of {below.Bytes} bytes at 0x{below.Start:x}";
        else if (above is not null)
            near = $"they begin {before} bytes before an allocation of {above.Bytes} bytes at 0x{above.Start:x}";
        return Fault(KernelFaultKind.OutOfBounds, warp, place, 1u << lane, $"{bytes} bytes at 0x{address:x} are in no allocation; {near}", address);
    }
}
