using System.Numerics;

namespace SparseInfer.SoftwareCuda.Execution.Operations;

internal struct Shl64 : IScalar<ulong, ulong, uint>
{
    public static ulong Of(ulong a, uint b) => b > 63 ? 0 : a << (int)b;
}

internal struct ShrU64 : IScalar<ulong, ulong, uint>
{
    public static ulong Of(ulong a, uint b) => b > 63 ? 0 : a >> (int)b;
}

internal struct ShrS64 : IScalar<ulong, ulong, uint>
{
    public static ulong Of(ulong a, uint b) => (ulong)((long)a >> (int)Math.Min(b, 63));
}

internal struct ShfLeftWrap : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => (uint)(((((ulong)b << 32) | a) << (int)(c & 31)) >> 32);
}

internal struct ShfLeftClamp : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => (uint)(((((ulong)b << 32) | a) << (int)Math.Min(c, 32)) >> 32);
}

internal struct ShfRightWrap : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => (uint)((((ulong)b << 32) | a) >> (int)(c & 31));
}

internal struct ShfRightClamp : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => (uint)((((ulong)b << 32) | a) >> (int)Math.Min(c, 32));
}

internal struct Popc32 : IScalar<uint, uint>
{
    public static uint Of(uint a) => (uint)BitOperations.PopCount(a);
}

internal struct Popc64 : IScalar<uint, ulong>
{
    public static uint Of(ulong a) => (uint)BitOperations.PopCount(a);
}

internal struct Clz32 : IScalar<uint, uint>
{
    public static uint Of(uint a) => (uint)BitOperations.LeadingZeroCount(a);
}

internal struct Clz64 : IScalar<uint, ulong>
{
    public static uint Of(ulong a) => (uint)BitOperations.LeadingZeroCount(a);
}

internal struct Brev32 : IScalar<uint, uint>
{
    public static uint Of(uint a)
    {
        a = ((a >> 1) & 0x55555555) | ((a & 0x55555555) << 1);
        a = ((a >> 2) & 0x33333333) | ((a & 0x33333333) << 2);
        a = ((a >> 4) & 0x0F0F0F0F) | ((a & 0x0F0F0F0F) << 4);
        return System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(a);
    }
}

internal struct Brev64 : IScalar<ulong, ulong>
{
    public static ulong Of(ulong a) => ((ulong)Brev32.Of((uint)a) << 32) | Brev32.Of((uint)(a >> 32));
}

internal struct BfindU32 : IScalar<uint, uint>
{
    public static uint Of(uint a) => a == 0 ? uint.MaxValue : (uint)BitOperations.Log2(a);
}

internal struct BfindS32 : IScalar<uint, uint>
{
    public static uint Of(uint a) => BfindU32.Of((int)a < 0 ? ~a : a);
}

internal struct BfindU64 : IScalar<uint, ulong>
{
    public static uint Of(ulong a) => a == 0 ? uint.MaxValue : (uint)BitOperations.Log2(a);
}

internal struct BfindS64 : IScalar<uint, ulong>
{
    public static uint Of(ulong a) => BfindU64.Of((long)a < 0 ? ~a : a);
}

/// <summary>Where the highest bit lies, as a distance to shift it to the top.</summary>
internal struct BfindShift32<TOp> : IScalar<uint, uint>
    where TOp : struct, IScalar<uint, uint>
{
    public static uint Of(uint a) => TOp.Of(a) is uint.MaxValue ? uint.MaxValue : 31 - TOp.Of(a);
}

internal struct BfindShift64<TOp> : IScalar<uint, ulong>
    where TOp : struct, IScalar<uint, ulong>
{
    public static uint Of(ulong a) => TOp.Of(a) is uint.MaxValue ? uint.MaxValue : 63 - TOp.Of(a);
}

/// <summary><c>slct</c>: the first where the third is not negative, nor NaN.</summary>
internal struct SelectByInteger<T> : IScalar<T, T, T, int>
{
    public static T Of(T a, T b, int c) => c >= 0 ? a : b;
}

internal struct SelectByFloat<T> : IScalar<T, T, T, float>
{
    public static T Of(T a, T b, float c) => c >= 0 ? a : b;
}

internal struct BfeU32 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint position, uint length) => (uint)BfeU64.Bits(a, position, length);
}

internal struct BfeS32 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint position, uint length) => (uint)BfeS64.Bits((int)a, position, length, 31);
}

internal struct BfeU64 : IScalar<ulong, ulong, uint, uint>
{
    public static ulong Of(ulong a, uint position, uint length) => Bits(a, position, length);

    public static ulong Bits(ulong a, uint position, uint length)
    {
        position &= 0xFF;
        length &= 0xFF;
        ulong shifted = position > 63 ? 0 : a >> (int)position;
        return length > 63 ? shifted : shifted & ((1UL << (int)length) - 1);
    }
}

internal struct BfeS64 : IScalar<ulong, ulong, uint, uint>
{
    public static ulong Of(ulong a, uint position, uint length) => Bits((long)a, position, length, 63);

    /// <summary>The field's highest bit, or the number's where the field reaches beyond it, is the result's sign.</summary>
    public static ulong Bits(long a, uint position, uint length, int top)
    {
        position &= 0xFF;
        length &= 0xFF;
        if (length == 0)
        {
            return 0;
        }

        long shifted = a >> (int)Math.Min(position, 63);
        int unused = 63 - (int)Math.Min(position + length - 1, (uint)top) + (int)Math.Min(position, (uint)top);
        return (ulong)((shifted << unused) >> unused);
    }
}

internal struct Bfi32 : IScalar4<uint, uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint position, uint length)
    {
        ulong mask = Bfi64.Mask(position, length);
        return (uint)((b & ~mask) | (((position & 0xFF) > 31 ? 0 : (ulong)a << (int)(position & 0xFF)) & mask));
    }
}

internal struct Bfi64 : IScalar4<ulong, ulong, ulong, uint, uint>
{
    public static ulong Of(ulong a, ulong b, uint position, uint length)
    {
        ulong mask = Mask(position, length);
        return (b & ~mask) | (((position & 0xFF) > 63 ? 0 : a << (int)(position & 0xFF)) & mask);
    }

    public static ulong Mask(uint position, uint length)
    {
        position &= 0xFF;
        length &= 0xFF;
        if (position > 63)
        {
            return 0;
        }

        ulong field = length > 63 ? ulong.MaxValue : (1UL << (int)length) - 1;
        return field << (int)position;
    }
}

internal struct Bmsk : IScalar<uint, uint, uint>
{
    public static uint Of(uint position, uint length) => (uint)Bfi64.Mask(position, length);
}

internal struct Fns : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint mask, uint start, uint offset)
    {
        int count = (int)offset;
        int step = count < 0 ? -1 : 1;
        int found = 0;
        if (count == 0)
        {
            return ((mask >> (int)start) & 1) != 0 ? start : uint.MaxValue;
        }

        for (int bit = (int)start; bit is >= 0 and < 32; bit += step)
        {
            if (((mask >> bit) & 1) != 0 && ++found == Math.Abs(count))
            {
                return (uint)bit;
            }
        }

        return uint.MaxValue;
    }
}

internal struct Prmt : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint selector)
    {
        ulong bytes = ((ulong)b << 32) | a;
        uint result = 0;
        for (int place = 0; place < 4; place++)
        {
            int choice = (int)(selector >> (4 * place)) & 15;
            byte value = (byte)(bytes >> (8 * (choice & 7)));
            // The choice's highest bit asks for the byte's sign, eight times.
            if ((choice & 8) != 0)
            {
                value = (sbyte)value < 0 ? (byte)0xFF : (byte)0;
            }

            result |= (uint)value << (8 * place);
        }

        return result;
    }
}

internal struct Lop3 : IScalar4<uint, uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c, uint table)
    {
        uint result = 0;
        for (int row = 0; row < 8; row++)
        {
            if (((table >> row) & 1) != 0)
            {
                result |= ((row & 4) != 0 ? a : ~a) & ((row & 2) != 0 ? b : ~b) & ((row & 1) != 0 ? c : ~c);
            }
        }

        return result;
    }
}

internal interface ISign
{
    static abstract int Extend(byte value);

    static abstract int Extend(ushort value);
}
