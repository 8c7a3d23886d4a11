using System.Numerics;

namespace SparseInfer.SoftwareCuda.Execution.Operations;

// Values of 16 bits lie zero-extended in words of 32.
internal struct Add16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)(a + b);
}

internal struct Sub16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)(a - b);
}

internal struct Mul16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)(a * b);
}

internal struct Mad16 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => (ushort)((a * b) + c);
}

internal struct MulHiS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)(((short)a * (short)b) >> 16);
}

internal struct MulHiU16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => ((uint)(ushort)a * (ushort)b) >> 16;
}

internal struct MulWideS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)((short)a * (short)b);
}

internal struct MulWideU16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)(ushort)a * (ushort)b;
}

internal struct MadWideS16 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => (uint)((short)a * (short)b) + c;
}

internal struct MadWideU16 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => ((uint)(ushort)a * (ushort)b) + c;
}

internal struct MinS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)Math.Min((short)a, (short)b);
}

internal struct MaxS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)Math.Max((short)a, (short)b);
}

internal struct Neg16 : IScalar<uint, uint>
{
    public static uint Of(uint a) => (ushort)(0 - a);
}

internal struct Abs16 : IScalar<uint, uint>
{
    public static uint Of(uint a) => (short)a < 0 ? (ushort)(0 - a) : (ushort)a;
}

internal struct Not16 : IScalar<uint, uint>
{
    public static uint Of(uint a) => (ushort)~a;
}

internal struct Shl16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b > 15 ? 0u : (ushort)(a << (int)b);
}

internal struct ShrU16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b > 15 ? 0 : a >> (int)b;
}

internal struct ShrS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (ushort)((short)a >> (int)Math.Min(b, 15));
}

internal struct DivS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (short)b == 0 ? 0xFFFFu : (ushort)((short)a / (short)b);
}

internal struct RemS16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (short)b == 0 ? a : (ushort)((short)a % (short)b);
}

internal struct DivU16 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b == 0 ? 0xFFFFu : a / b;
}

/// <summary>A comparison of 16-bit numbers with sign, by the one of 32 bits.</summary>
internal struct Signed16<TOp> : IBinary<int>
    where TOp : struct, IBinary<int>
{
    public static System.Runtime.Intrinsics.Vector256<int> Of(
        System.Runtime.Intrinsics.Vector256<int> a,
        System.Runtime.Intrinsics.Vector256<int> b) => TOp.Of((a << 16) >> 16, (b << 16) >> 16);
}

// Division by zero is undefined in PTX; the quotient of all ones and the dividend as the remainder are what hardware gives.
internal struct DivS32 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b == 0 ? uint.MaxValue : (uint)((long)(int)a / (int)b);
}

internal struct RemS32 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b == 0 ? a : (uint)((long)(int)a % (int)b);
}

internal struct DivU32 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b == 0 ? uint.MaxValue : a / b;
}

internal struct RemU32 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => b == 0 ? a : a % b;
}

internal struct DivS64 : IScalar<ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b) => b == 0 ? ulong.MaxValue : b == ulong.MaxValue ? 0 - a : (ulong)((long)a / (long)b);
}

internal struct RemS64 : IScalar<ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b) => b == 0 ? a : b == ulong.MaxValue ? 0 : (ulong)((long)a % (long)b);
}

internal struct DivU64 : IScalar<ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b) => b == 0 ? ulong.MaxValue : a / b;
}

internal struct RemU64 : IScalar<ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b) => b == 0 ? a : a % b;
}

internal struct MulHiS32 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)(((long)(int)a * (int)b) >> 32);
}

internal struct MulHiU32 : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)(((ulong)a * b) >> 32);
}

internal struct MadHiS32 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => MulHiS32.Of(a, b) + c;
}

internal struct MadHiU32 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => MulHiU32.Of(a, b) + c;
}

internal struct MulHiS64 : IScalar<ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b) => (ulong)Math.BigMul((long)a, (long)b, out _);
}

internal struct MulHiU64 : IScalar<ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b) => Math.BigMul(a, b, out _);
}

internal struct MadHiS64 : IScalar<ulong, ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b, ulong c) => MulHiS64.Of(a, b) + c;
}

internal struct MadHiU64 : IScalar<ulong, ulong, ulong, ulong>
{
    public static ulong Of(ulong a, ulong b, ulong c) => MulHiU64.Of(a, b) + c;
}

internal struct MulWideS32 : IScalar<ulong, uint, uint>
{
    public static ulong Of(uint a, uint b) => (ulong)((long)(int)a * (int)b);
}

internal struct MulWideU32 : IScalar<ulong, uint, uint>
{
    public static ulong Of(uint a, uint b) => (ulong)a * b;
}

internal struct MadWideS32 : IScalar<ulong, uint, uint, ulong>
{
    public static ulong Of(uint a, uint b, ulong c) => (ulong)((long)(int)a * (int)b) + c;
}

internal struct MadWideU32 : IScalar<ulong, uint, uint, ulong>
{
    public static ulong Of(uint a, uint b, ulong c) => ((ulong)a * b) + c;
}

internal struct Mul24S : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)(((int)(a << 8) >> 8) * ((int)(b << 8) >> 8));
}

internal struct Mul24U : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (a & 0xFFFFFF) * (b & 0xFFFFFF);
}

internal struct AddSaturated : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)Math.Clamp((long)(int)a + (int)b, int.MinValue, int.MaxValue);
}

internal struct SubSaturated : IScalar<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => (uint)Math.Clamp((long)(int)a - (int)b, int.MinValue, int.MaxValue);
}

internal struct SadS32 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => c + ((int)a < (int)b ? b - a : a - b);
}

internal struct SadU32 : IScalar<uint, uint, uint, uint>
{
    public static uint Of(uint a, uint b, uint c) => c + (a < b ? b - a : a - b);
}

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
internal struct BfindShiftU32 : IScalar<uint, uint>
{
    public static uint Of(uint a) => a == 0 ? uint.MaxValue : 31 - (uint)BitOperations.Log2(a);
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
            return 0;
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
            return 0;
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
            return ((mask >> (int)start) & 1) != 0 ? start : uint.MaxValue;
        for (int bit = (int)start; bit is >= 0 and < 32; bit += step)
        {
            if (((mask >> bit) & 1) != 0 && ++found == Math.Abs(count))
                return (uint)bit;
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
                value = (sbyte)value < 0 ? (byte)0xFF : (byte)0;
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
                result |= ((row & 4) != 0 ? a : ~a) & ((row & 2) != 0 ? b : ~b) & ((row & 1) != 0 ? c : ~c);
        }

        return result;
    }
}

internal interface ISign
{
    static abstract int Extend(byte value);

    static abstract int Extend(ushort value);
}

internal struct Signed : ISign
{
    public static int Extend(byte value) => (sbyte)value;

    public static int Extend(ushort value) => (short)value;
}

internal struct Unsigned : ISign
{
    public static int Extend(byte value) => value;

    public static int Extend(ushort value) => value;
}

internal struct Dp4a<TA, TB> : IScalar<uint, uint, uint, uint>
    where TA : struct, ISign
    where TB : struct, ISign
{
    public static uint Of(uint a, uint b, uint c)
    {
        int sum = (int)c;
        for (int shift = 0; shift < 32; shift += 8)
            sum += TA.Extend((byte)(a >> shift)) * TB.Extend((byte)(b >> shift));
        return (uint)sum;
    }
}

/// <summary>Two products of 16 by 8 bits, with b's low or high pair of bytes.</summary>
internal struct Dp2aLow<TA, TB> : IScalar<uint, uint, uint, uint>
    where TA : struct, ISign
    where TB : struct, ISign
{
    public static uint Of(uint a, uint b, uint c) =>
        (uint)((int)c + (TA.Extend((ushort)a) * TB.Extend((byte)b)) + (TA.Extend((ushort)(a >> 16)) * TB.Extend((byte)(b >> 8))));
}

internal struct Dp2aHigh<TA, TB> : IScalar<uint, uint, uint, uint>
    where TA : struct, ISign
    where TB : struct, ISign
{
    public static uint Of(uint a, uint b, uint c) => Dp2aLow<TA, TB>.Of(a, b >> 16, c);
}
