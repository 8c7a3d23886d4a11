using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.SoftwareCuda.Execution.Operations;

internal interface IUnary<T>
    where T : unmanaged
{
    static abstract Vector256<T> Of(Vector256<T> a);
}

internal interface IBinary<T>
    where T : unmanaged
{
    static abstract Vector256<T> Of(Vector256<T> a, Vector256<T> b);
}

internal interface ITernary<T>
    where T : unmanaged
{
    static abstract Vector256<T> Of(Vector256<T> a, Vector256<T> b, Vector256<T> c);
}

internal interface IScalar<TD, TA>
{
    static abstract TD Of(TA a);
}

internal interface IScalar<TD, TA, TB>
{
    static abstract TD Of(TA a, TB b);
}

internal interface IScalar<TD, TA, TB, TC>
{
    static abstract TD Of(TA a, TB b, TC c);
}

internal interface IScalar4<TD, TA, TB, TC, TE>
{
    static abstract TD Of(TA a, TB b, TC c, TE e);
}

/// <summary>
/// An operation for all lanes of a mask. The 32 values of a register lie side by side, of 4 or 8 bytes each; a predicate is a word with a bit
/// for each lane. Operations are structures, so that each loop is compiled for its own.
/// </summary>
internal static unsafe class LaneLoops
{
    public const uint AllLanes = uint.MaxValue;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unary<TOp, T>(byte* r, Instruction* i, uint mask)
        where TOp : struct, IUnary<T>
        where T : unmanaged
    {
        T* d = (T*)(r + i->O[0]);
        T* a = (T*)(r + i->O[1]);
        int step = Vector256<T>.Count;
        if (mask == AllLanes)
        {
            for (int l = 0; l < 32; l += step)
            {
                TOp.Of(Vector256.Load(a + l)).Store(d + l);
            }

            return;
        }

        for (int l = 0; l < 32; l += step)
        {
            Vector256.ConditionalSelect(Lanes<T>(mask >> l), TOp.Of(Vector256.Load(a + l)), Vector256.Load(d + l)).Store(d + l);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Binary<TOp, T>(byte* r, Instruction* i, uint mask)
        where TOp : struct, IBinary<T>
        where T : unmanaged
    {
        T* d = (T*)(r + i->O[0]);
        T* a = (T*)(r + i->O[1]);
        T* b = (T*)(r + i->O[2]);
        int step = Vector256<T>.Count;
        if (mask == AllLanes)
        {
            for (int l = 0; l < 32; l += step)
            {
                TOp.Of(Vector256.Load(a + l), Vector256.Load(b + l)).Store(d + l);
            }

            return;
        }

        for (int l = 0; l < 32; l += step)
        {
            Vector256<T> value = TOp.Of(Vector256.Load(a + l), Vector256.Load(b + l));
            Vector256.ConditionalSelect(Lanes<T>(mask >> l), value, Vector256.Load(d + l)).Store(d + l);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Ternary<TOp, T>(byte* r, Instruction* i, uint mask)
        where TOp : struct, ITernary<T>
        where T : unmanaged
    {
        T* d = (T*)(r + i->O[0]);
        T* a = (T*)(r + i->O[1]);
        T* b = (T*)(r + i->O[2]);
        T* c = (T*)(r + i->O[3]);
        int step = Vector256<T>.Count;
        if (mask == AllLanes)
        {
            for (int l = 0; l < 32; l += step)
            {
                TOp.Of(Vector256.Load(a + l), Vector256.Load(b + l), Vector256.Load(c + l)).Store(d + l);
            }

            return;
        }

        for (int l = 0; l < 32; l += step)
        {
            Vector256<T> value = TOp.Of(Vector256.Load(a + l), Vector256.Load(b + l), Vector256.Load(c + l));
            Vector256.ConditionalSelect(Lanes<T>(mask >> l), value, Vector256.Load(d + l)).Store(d + l);
        }
    }

    /// <summary>A comparison: destinations p and q, sources a, b and, with <see cref="Instruction.Aux"/>, a predicate to combine with.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Compare<TOp, T>(byte* r, Instruction* i, uint mask)
        where TOp : struct, IBinary<T>
        where T : unmanaged
    {
        T* a = (T*)(r + i->O[2]);
        T* b = (T*)(r + i->O[3]);
        uint result = 0;
        for (int l = 0; l < 32; l += Vector256<T>.Count)
        {
            result |= TOp.Of(Vector256.Load(a + l), Vector256.Load(b + l)).ExtractMostSignificantBits() << l;
        }

        SetPredicates(r, i, mask, result);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CompareScalar<TOp, T>(byte* r, Instruction* i, uint mask)
        where TOp : struct, IScalar<bool, T, T>
        where T : unmanaged
    {
        T* a = (T*)(r + i->O[2]);
        T* b = (T*)(r + i->O[3]);
        uint result = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int l = BitOperations.TrailingZeroCount(rest);
            if (TOp.Of(a[l], b[l]))
            {
                result |= 1u << l;
            }
        }

        SetPredicates(r, i, mask, result);
    }

    /// <summary>A test of one value: destination p.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Test<TOp, T>(byte* r, Instruction* i, uint mask)
        where TOp : struct, IScalar<bool, T>
        where T : unmanaged
    {
        T* a = (T*)(r + i->O[1]);
        uint result = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int l = BitOperations.TrailingZeroCount(rest);
            if (TOp.Of(a[l]))
            {
                result |= 1u << l;
            }
        }

        uint* d = (uint*)(r + i->O[0]);
        *d = (*d & ~mask) | result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Select<T>(byte* r, Instruction* i, uint mask)
        where T : unmanaged
    {
        T* d = (T*)(r + i->O[0]);
        T* a = (T*)(r + i->O[1]);
        T* b = (T*)(r + i->O[2]);
        uint chosen = *(uint*)(r + i->O[3]);
        for (int l = 0; l < 32; l += Vector256<T>.Count)
        {
            Vector256<T> value = Vector256.ConditionalSelect(Lanes<T>(chosen >> l), Vector256.Load(a + l), Vector256.Load(b + l));
            if (mask != AllLanes)
            {
                value = Vector256.ConditionalSelect(Lanes<T>(mask >> l), value, Vector256.Load(d + l));
            }

            value.Store(d + l);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scalar1<TOp, TD, TA>(byte* r, Instruction* i, uint mask)
        where TOp : struct, IScalar<TD, TA>
        where TD : unmanaged
        where TA : unmanaged
    {
        TD* d = (TD*)(r + i->O[0]);
        TA* a = (TA*)(r + i->O[1]);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int l = BitOperations.TrailingZeroCount(rest);
            d[l] = TOp.Of(a[l]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scalar2<TOp, TD, TA, TB>(byte* r, Instruction* i, uint mask)
        where TOp : struct, IScalar<TD, TA, TB>
        where TD : unmanaged
        where TA : unmanaged
        where TB : unmanaged
    {
        TD* d = (TD*)(r + i->O[0]);
        TA* a = (TA*)(r + i->O[1]);
        TB* b = (TB*)(r + i->O[2]);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int l = BitOperations.TrailingZeroCount(rest);
            d[l] = TOp.Of(a[l], b[l]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scalar3<TOp, TD, TA, TB, TC>(byte* r, Instruction* i, uint mask)
        where TOp : struct, IScalar<TD, TA, TB, TC>
        where TD : unmanaged
        where TA : unmanaged
        where TB : unmanaged
        where TC : unmanaged
    {
        TD* d = (TD*)(r + i->O[0]);
        TA* a = (TA*)(r + i->O[1]);
        TB* b = (TB*)(r + i->O[2]);
        TC* c = (TC*)(r + i->O[3]);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int l = BitOperations.TrailingZeroCount(rest);
            d[l] = TOp.Of(a[l], b[l], c[l]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scalar4<TOp, TD, TA, TB, TC, TE>(byte* r, Instruction* i, uint mask)
        where TOp : struct, IScalar4<TD, TA, TB, TC, TE>
        where TD : unmanaged
        where TA : unmanaged
        where TB : unmanaged
        where TC : unmanaged
        where TE : unmanaged
    {
        TD* d = (TD*)(r + i->O[0]);
        TA* a = (TA*)(r + i->O[1]);
        TB* b = (TB*)(r + i->O[2]);
        TC* c = (TC*)(r + i->O[3]);
        TE* e = (TE*)(r + i->O[4]);
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int l = BitOperations.TrailingZeroCount(rest);
            d[l] = TOp.Of(a[l], b[l], c[l], e[l]);
        }
    }

    /// <summary>Lanes of a mask's low bits, as elements of all ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Lanes<T>(uint bits)
        where T : unmanaged
    {
        if (sizeof(T) == 8)
        {
            Vector256<ulong> places = Vector256.Create(1UL, 2UL, 4UL, 8UL);
            return Vector256.Equals(Vector256.Create((ulong)bits) & places, places).As<ulong, T>();
        }

        Vector256<uint> lanes = Vector256.Create(1u, 2u, 4u, 8u, 16u, 32u, 64u, 128u);
        return Vector256.Equals(Vector256.Create(bits) & lanes, lanes).As<uint, T>();
    }

    private static void SetPredicates(byte* r, Instruction* i, uint mask, uint result)
    {
        uint other = result;
        if (i->Aux != 0)
        {
            uint c = *(uint*)(r + i->O[4]);
            if ((i->Aux & 8) != 0)
            {
                c = ~c;
            }

            other = ~result;
            (result, other) = (i->Aux & 3) switch
            {
                1 => (result & c, other & c),
                2 => (result | c, other | c),
                _ => (result ^ c, other ^ c),
            };
        }
        else
        {
            other = ~result;
        }

        uint* p = (uint*)(r + i->O[0]);
        uint* q = (uint*)(r + i->O[1]);
        *p = (*p & ~mask) | (result & mask);
        *q = (*q & ~mask) | (other & mask);
    }
}
