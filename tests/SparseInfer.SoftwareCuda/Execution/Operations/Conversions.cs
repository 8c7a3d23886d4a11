using System.Numerics;

namespace SparseInfer.SoftwareCuda.Execution.Operations;

internal enum PtxType
{
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    F16,
    BF16,
    F32,
    F64,
}

internal enum Rounding
{
    Nearest,
    Zero,
    Down,
    Up,
}

/// <summary>Conversions in all forms, a lane at a time. The common ones have a vector form elsewhere.</summary>
internal static unsafe class Conversions
{
    private const int SaturateBit = 1 << 12;
    private const int FlushBit = 1 << 13;
    private const int IntegralBit = 1 << 14;

    /// <summary>What <see cref="Convert"/> finds in <see cref="Instruction.Aux"/>.</summary>
    public static int Encode(PtxType to, PtxType from, Rounding rounding, bool integral, bool saturate, bool flush, int registerBytes) =>
        (int)to | ((int)from << 4) | ((int)rounding << 8) | (saturate ? SaturateBit : 0) | (flush ? FlushBit : 0)
        | (integral ? IntegralBit : 0) | (registerBytes << 16);

    public static void Convert(byte* r, Instruction* i, uint mask)
    {
        var to = (PtxType)(i->Aux & 15);
        var from = (PtxType)((i->Aux >> 4) & 15);
        int registerBytes = i->Aux >> 16;
        byte* d = r + i->O[0];
        byte* a = r + i->O[1];
        bool wide = from is PtxType.S64 or PtxType.U64 or PtxType.F64;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int l = BitOperations.TrailingZeroCount(rest);
            ulong value = One(to, from, i->Aux, wide ? ((ulong*)a)[l] : ((uint*)a)[l]);
            if (registerBytes == 8)
            {
                ((ulong*)d)[l] = value;
            }
            else
            {
                ((uint*)d)[l] = registerBytes == 2 ? (ushort)value : (uint)value;
            }
        }
    }

    private static ulong One(PtxType to, PtxType from, int aux, ulong bits)
    {
        var rounding = (Rounding)((aux >> 8) & 3);
        bool saturate = (aux & SaturateBit) != 0;
        if (from < PtxType.F16)
        {
            Int128 value = Integer(from, bits);
            return to < PtxType.F16 ? ToInteger(to, value, saturate) : ToFloat(to, value, rounding, saturate);
        }

        double real = from switch
        {
            PtxType.F16 => Narrow.F16((uint)bits),
            PtxType.BF16 => Narrow.BF16((uint)bits & 0xFFFF),
            PtxType.F32 => BitConverter.UInt32BitsToSingle((uint)bits),
            _ => BitConverter.UInt64BitsToDouble(bits),
        };
        bool flush = (aux & FlushBit) != 0;
        if (flush && from == PtxType.F32)
        {
            real = Flush.Of((float)real);
        }

        if (to < PtxType.F16)
        {
            return RealToInteger(to, from, Integral(real, rounding));
        }

        if ((aux & IntegralBit) != 0)
        {
            real = Integral(real, rounding);
        }

        if (saturate)
        {
            real = double.IsNaN(real) || real <= 0 ? 0 : Math.Min(real, 1);
        }

        ulong result = Encode(to, real, rounding);
        return flush && to == PtxType.F32 ? BitConverter.SingleToUInt32Bits(Flush.Of(BitConverter.UInt32BitsToSingle((uint)result))) : result;
    }

    private static Int128 Integer(PtxType type, ulong bits) => type switch
    {
        PtxType.S8 => (sbyte)bits,
        PtxType.U8 => (byte)bits,
        PtxType.S16 => (short)bits,
        PtxType.U16 => (ushort)bits,
        PtxType.S32 => (int)bits,
        PtxType.U32 => (uint)bits,
        PtxType.S64 => (long)bits,
        _ => bits,
    };

    private static (Int128 Least, Int128 Most) Range(PtxType type) => type switch
    {
        PtxType.S8 => (sbyte.MinValue, sbyte.MaxValue),
        PtxType.U8 => (0, byte.MaxValue),
        PtxType.S16 => (short.MinValue, short.MaxValue),
        PtxType.U16 => (0, ushort.MaxValue),
        PtxType.S32 => (int.MinValue, int.MaxValue),
        PtxType.U32 => (0, uint.MaxValue),
        PtxType.S64 => (long.MinValue, long.MaxValue),
        _ => (0, ulong.MaxValue),
    };

    private static ulong ToInteger(PtxType type, Int128 value, bool saturate)
    {
        if (saturate)
        {
            (Int128 least, Int128 most) = Range(type);
            value = Int128.Clamp(value, least, most);
        }

        return unchecked((ulong)Integer(type, unchecked((ulong)value)));
    }

    private static ulong RealToInteger(PtxType type, PtxType from, double value)
    {
        (Int128 least, Int128 most) = Range(type);
        if (double.IsNaN(value))
        {
            if (from != PtxType.F64 && type is not (PtxType.S64 or PtxType.U64))
            {
                return 0;
            }

            int bits = type switch { PtxType.S8 or PtxType.U8 => 8, PtxType.S16 or PtxType.U16 => 16, PtxType.S32 or PtxType.U32 => 32, _ => 64 };
            return ToInteger(type, (Int128)1 << (bits - 1), saturate: false);
        }

        // The largest of 64 bits is no double: compare before converting.
        if (value >= (double)most)
        {
            return unchecked((ulong)most);
        }

        return unchecked((ulong)(value <= (double)least ? least : (Int128)value));
    }

    private static double Integral(double value, Rounding rounding) => rounding switch
    {
        Rounding.Nearest => Math.Round(value, MidpointRounding.ToEven),
        Rounding.Zero => Math.Truncate(value),
        Rounding.Down => Math.Floor(value),
        _ => Math.Ceiling(value),
    };

    private static ulong ToFloat(PtxType type, Int128 value, Rounding rounding, bool saturate)
    {
        if (saturate)
        {
            value = Int128.Clamp(value, 0, 1);
        }

        if (type == PtxType.F64)
        {
            double real = value < 0 ? (double)(long)value : (ulong)value;
            return BitConverter.DoubleToUInt64Bits(Directed64(real, ((Int128)real).CompareTo(value), rounding));
        }

        if (type == PtxType.F32)
        {
            float real = value < 0 ? (float)(long)value : (ulong)value;
            return BitConverter.SingleToUInt32Bits(Directed32(real, ((Int128)real).CompareTo(value), rounding));
        }

        // Beyond 2^53 all that is left of 16 bits is infinity, or a few of bfloat16's leading bits, kept by an odd last one.
        double exact = value < 0 ? (double)(long)value : (ulong)value;
        int compared = ((Int128)exact).CompareTo(value);
        if (compared != 0)
        {
            exact = Directed64(exact, compared, Rounding.Zero);
            exact = BitConverter.UInt64BitsToDouble(BitConverter.DoubleToUInt64Bits(exact) | 1);
        }

        return Encode(type, exact, rounding);
    }

    private static ulong Encode(PtxType type, double value, Rounding rounding)
    {
        switch (type)
        {
            case PtxType.F64:
                return BitConverter.DoubleToUInt64Bits(value);
            case PtxType.F32:
                if (double.IsNaN(value))
                {
                    return Canonical.NaN32;
                }

                float single = (float)value;
                return BitConverter.SingleToUInt32Bits(Directed32(single, ((double)single).CompareTo(value), rounding));
            case PtxType.F16:
                if (double.IsNaN(value))
                {
                    return Canonical.NaN16;
                }

                var half = (Half)value;
                int compared = ((double)half).CompareTo(value);
                return BitConverter.HalfToUInt16Bits(Away(compared, value, rounding) switch
                {
                    < 0 => Half.BitDecrement(half),
                    > 0 => Half.BitIncrement(half),
                    _ => half,
                });
            default:
                return rounding == Rounding.Zero
                    ? double.IsNaN(value) ? Canonical.NaN16 : BitConverter.SingleToUInt32Bits(Directed32((float)value, ((double)(float)value).CompareTo(value), Rounding.Zero)) >> 16
                    : Narrow.BF16(Narrow.ToOdd(value));
        }
    }

    /// <summary>Which way a nearest number has to go: it is above the exact one (compared is positive), below it, or equal.</summary>
    private static int Away(int compared, double value, Rounding rounding) => rounding switch
    {
        Rounding.Down => compared > 0 ? -1 : 0,
        Rounding.Up => compared < 0 ? 1 : 0,
        Rounding.Zero => value > 0 ? (compared > 0 ? -1 : 0) : (compared < 0 ? 1 : 0),
        _ => 0,
    };

    // A zero may come from either side: then the comparison tells which.
    private static float Directed32(float nearest, int compared, Rounding rounding) => Away(compared, nearest == 0 ? -compared : nearest, rounding) switch
    {
        < 0 => MathF.BitDecrement(nearest),
        > 0 => MathF.BitIncrement(nearest),
        _ => nearest,
    };

    private static double Directed64(double nearest, int compared, Rounding rounding) => Away(compared, nearest == 0 ? -compared : nearest, rounding) switch
    {
        < 0 => Math.BitDecrement(nearest),
        > 0 => Math.BitIncrement(nearest),
        _ => nearest,
    };
}

internal struct NarrowF16 : IScalar<uint, float>
{
    public static uint Of(float a) => Narrow.F16((Half)a);
}

internal struct FromS32 : IScalar<float, int>
{
    public static float Of(int a) => a;
}

internal struct FromU32 : IScalar<float, uint>
{
    public static float Of(uint a) => a;
}

internal struct ExtendS32 : IScalar<long, int>
{
    public static long Of(int a) => a;
}

internal struct ExtendU32 : IScalar<ulong, uint>
{
    public static ulong Of(uint a) => a;
}

internal struct Truncate64 : IScalar<uint, ulong>
{
    public static uint Of(ulong a) => (uint)a;
}
