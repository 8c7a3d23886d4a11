using System.Numerics;

namespace SparseInfer.SoftwareCuda.Execution.Operations;

/// <summary>What the lanes of a warp do together. The mask has the lanes that take part.</summary>
internal static unsafe class Collectives
{
    public const int Up = 0;
    public const int Down = 1;
    public const int Butterfly = 2;
    public const int Index = 3;

    /// <summary><c>shfl.sync</c>: destinations d and p, sources a, b (lane or distance) and c (clamp and segment).</summary>
    public static void Shuffle(byte* r, Instruction* i, uint mask)
    {
        uint* d = (uint*)(r + i->O[0]);
        uint* p = (uint*)(r + i->O[1]);
        uint* source = stackalloc uint[32];
        new ReadOnlySpan<uint>(r + i->O[2], 32).CopyTo(new Span<uint>(source, 32));
        uint inside = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            d[lane] = source[Source(r, i, lane, out bool valid)];
            if (valid)
            {
                inside |= 1u << lane;
            }
        }

        *p = (*p & ~mask) | inside;
    }

    /// <summary>The lane that a lane of a shuffle reads: itself, where the one it asks for lies beyond its segment.</summary>
    public static int Source(byte* r, Instruction* i, int lane, out bool valid)
    {
        int distance = (int)((uint*)(r + i->O[3]))[lane] & 31;
        uint clamp = ((uint*)(r + i->O[4]))[lane];
        int segment = (int)(clamp >> 8) & 31;
        int last = (lane & segment) | ((int)clamp & 31 & ~segment);
        int other = i->Aux switch
        {
            Up => lane - distance,
            Down => lane + distance,
            Butterfly => lane ^ distance,
            _ => (lane & segment) | (distance & ~segment),
        };
        valid = i->Aux == Up ? other >= last : other <= last;
        return valid ? other : lane;
    }

    /// <summary><c>vote.sync</c>: destination, predicate. Aux: 0 all, 1 any, 2 uni, 3 ballot; 4 is added for a negated predicate.</summary>
    public static void Vote(byte* r, Instruction* i, uint mask)
    {
        uint votes = *(uint*)(r + i->O[1]);
        if ((i->Aux & 4) != 0)
        {
            votes = ~votes;
        }

        votes &= mask;
        uint* d = (uint*)(r + i->O[0]);
        if ((i->Aux & 3) == 3)
        {
            Spread(d, mask, votes);
            return;
        }

        bool result = (i->Aux & 3) switch { 0 => votes == mask, 1 => votes != 0, _ => votes == mask || votes == 0 };
        *d = (*d & ~mask) | (result ? mask : 0);
    }

    /// <summary><c>match.any.sync</c>: the lanes that hold the same.</summary>
    public static void MatchAny<T>(byte* r, Instruction* i, uint mask)
        where T : unmanaged, IEquatable<T>
    {
        T* a = (T*)(r + i->O[1]);
        uint* d = (uint*)(r + i->O[0]);
        uint* results = stackalloc uint[32];
        for (int lane = 0; lane < 32; lane++)
        {
            uint same = 0;
            for (int other = 0; other < 32; other++)
            {
                same |= a[lane].Equals(a[other]) ? 1u << other : 0;
            }

            results[lane] = same & mask;
        }

        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            d[lane] = results[lane];
        }
    }

    /// <summary><c>redux.sync</c>. Aux: 0 add, 1 min, 2 max, 3 and, 4 or, 5 xor; 8 is added for numbers with sign.</summary>
    public static void Reduce(byte* r, Instruction* i, uint mask)
    {
        uint* a = (uint*)(r + i->O[1]);
        uint result = 0;
        bool first = true;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            uint value = a[BitOperations.TrailingZeroCount(rest)];
            result = first ? value : i->Aux switch
            {
                0 or 8 => result + value,
                1 => Math.Min(result, value),
                2 => Math.Max(result, value),
                9 => (uint)Math.Min((int)result, (int)value),
                10 => (uint)Math.Max((int)result, (int)value),
                3 => result & value,
                4 => result | value,
                _ => result ^ value,
            };
            first = false;
        }

        Spread((uint*)(r + i->O[0]), mask, result);
    }

    public static void WarpBarrier(byte* r, Instruction* i, uint mask)
    {
    }

    private static void Spread(uint* d, uint mask, uint value)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            d[BitOperations.TrailingZeroCount(rest)] = value;
        }
    }
}
