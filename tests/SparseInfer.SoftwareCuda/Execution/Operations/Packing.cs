using System.Numerics;

namespace SparseInfer.SoftwareCuda.Execution.Operations;

/// <summary>Moves between a register and the smaller ones that it is made of, lowest first. Width is a piece's bytes, Count how many.</summary>
internal static unsafe class Packing
{
    public static void Pack(byte* r, Instruction* i, uint mask)
    {
        bool wide = i->Width * i->Count == 8;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            ulong value = 0;
            for (int piece = 0; piece < i->Count; piece++)
            {
                ulong part = ((uint*)(r + i->O[1 + piece]))[lane] & (uint.MaxValue >> (32 - (8 * i->Width)));
                value |= part << (8 * i->Width * piece);
            }

            if (wide)
            {
                ((ulong*)(r + i->O[0]))[lane] = value;
            }
            else
            {
                ((uint*)(r + i->O[0]))[lane] = (uint)value;
            }
        }
    }

    public static void Unpack(byte* r, Instruction* i, uint mask)
    {
        bool wide = i->Width * i->Count == 8;
        byte* source = r + i->O[i->Count];
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            ulong value = wide ? ((ulong*)source)[lane] : ((uint*)source)[lane];
            for (int piece = 0; piece < i->Count; piece++)
            {
                ((uint*)(r + i->O[piece]))[lane] = (uint)(value >> (8 * i->Width * piece)) & (uint.MaxValue >> (32 - (8 * i->Width)));
            }
        }
    }
}
