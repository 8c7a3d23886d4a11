using System.Numerics;
using System.Runtime.CompilerServices;

namespace SparseInfer.SoftwareCuda.Execution;

/// <summary>Moves values between lanes' registers and memory whose addresses were checked.</summary>
internal static unsafe class LaneMemory
{
    public static void CopyBlock(byte* register, byte* memory, int bytes, bool store)
    {
        if (store)
        {
            Unsafe.CopyBlockUnaligned(memory, register, (uint)bytes);
        }
        else
        {
            Unsafe.CopyBlockUnaligned(register, memory, (uint)bytes);
        }
    }

    /// <summary>A load by all lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Load(byte* registers, Instruction* i, byte** places, AddressPattern pattern)
    {
        if (pattern == AddressPattern.Uniform)
        {
            for (int v = 0; v < i->Count; v++)
            {
                byte* source = places[0] + (v * i->Width);
                if (i->Width == 8)
                {
                    new Span<ulong>(registers + i->O[1 + v], 32).Fill(*(ulong*)source);
                }
                else
                {
                    new Span<uint>(registers + i->O[1 + v], 32).Fill(Extend(i, LoadNarrow(source, i->Width)));
                }
            }
        }
        else if (i->Width == 4 && i->Count == 4)
        {
            uint* r0 = (uint*)(registers + i->O[1]);
            uint* r1 = (uint*)(registers + i->O[2]);
            uint* r2 = (uint*)(registers + i->O[3]);
            uint* r3 = (uint*)(registers + i->O[4]);
            for (int lane = 0; lane < 32; lane++)
            {
                uint* source = (uint*)places[lane];
                r0[lane] = source[0];
                r1[lane] = source[1];
                r2[lane] = source[2];
                r3[lane] = source[3];
            }
        }
        else if (i->Width == 4)
        {
            for (int v = 0; v < i->Count; v++)
            {
                uint* register = (uint*)(registers + i->O[1 + v]);
                for (int lane = 0; lane < 32; lane++)
                {
                    register[lane] = ((uint*)places[lane])[v];
                }
            }
        }
        else if (i->Width == 2 && !i->SignExtend)
        {
            for (int v = 0; v < i->Count; v++)
            {
                uint* register = (uint*)(registers + i->O[1 + v]);
                for (int lane = 0; lane < 32; lane++)
                {
                    register[lane] = ((ushort*)places[lane])[v];
                }
            }
        }
        else
        {
            Load(registers, i, uint.MaxValue, places);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Load(byte* registers, Instruction* i, uint mask, byte** places)
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(byte* registers, Instruction* i, uint mask, byte** places)
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

    public static void Exchange(Warp warp, Instruction* i, uint mask, byte** places)
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
            {
                ((ulong*)(warp.Registers + i->O[1]))[lane] = old;
            }
            else
            {
                ((uint*)(warp.Registers + i->O[1]))[lane] = (uint)old;
            }
        }
    }

    public static ulong Read(byte* register, int lane, int width) => width == 8 ? ((ulong*)register)[lane] : ((uint*)register)[lane];

    public static uint LoadNarrow(byte* source, int width) => width switch
    {
        1 => *source,
        2 => Unsafe.ReadUnaligned<ushort>(source),
        _ => Unsafe.ReadUnaligned<uint>(source),
    };

    // Loads with sign fill the register; one of 16 bits keeps its upper half clear.
    public static uint Extend(Instruction* i, uint value)
    {
        if (!i->SignExtend || i->Width > 2)
        {
            return value;
        }

        int extended = i->Width == 1 ? (sbyte)value : (short)value;
        return i->Aux == 2 ? (ushort)extended : (uint)extended;
    }
}
