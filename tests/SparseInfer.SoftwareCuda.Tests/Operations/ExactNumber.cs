using System.Numerics;

namespace SparseInfer.SoftwareCuda.Tests.Operations;

internal enum Toward
{
    Nearest,
    Zero,
    Down,
    Up,
}

/// <summary>A binary format: bits of the significand, the leading one included, and of the exponent.</summary>
internal sealed record BinaryFormat(int Precision, int ExponentBits, ulong NaN)
{
    public static readonly BinaryFormat F16 = new(11, 5, 0x7FFF);
    public static readonly BinaryFormat BF16 = new(8, 8, 0x7FFF);
    public static readonly BinaryFormat F32 = new(24, 8, 0x7FFFFFFF);
    public static readonly BinaryFormat F64 = new(53, 11, 0x7FF8000000000000);

    public int Bias => (1 << (ExponentBits - 1)) - 1;

    public ulong Sign => 1UL << (Precision - 1 + ExponentBits);

    public ulong Infinity => ((1UL << ExponentBits) - 1) << (Precision - 1);
}

/// <summary>A number without rounding, <c>Units * 2^Exponent</c>, or infinity or NaN: what results are derived from, independent of the host's floats.</summary>
internal readonly record struct ExactNumber(BigInteger Units, int Exponent, bool Negative, bool IsInfinite = false, bool IsNaN = false)
{
    public static readonly ExactNumber NaN = new(0, 0, false, IsNaN: true);

    public static ExactNumber Of(ulong bits, BinaryFormat format)
    {
        bool negative = (bits & format.Sign) != 0;
        ulong magnitude = bits & (format.Sign - 1);
        if (magnitude > format.Infinity)
        {
            return NaN;
        }

        if (magnitude == format.Infinity)
        {
            return new(0, 0, negative, IsInfinite: true);
        }

        ulong fraction = magnitude & ((1UL << (format.Precision - 1)) - 1);
        int exponent = (int)(magnitude >> (format.Precision - 1));
        BigInteger units = exponent == 0 ? fraction : fraction | (1UL << (format.Precision - 1));
        return new(negative ? -units : units, Math.Max(exponent, 1) - format.Bias - format.Precision + 1, negative);
    }

    public static ExactNumber Of(BigInteger value) => new(value, 0, value < 0);

    public static ExactNumber operator *(ExactNumber a, ExactNumber b)
    {
        bool negative = a.Negative ^ b.Negative;
        if (a.IsNaN || b.IsNaN || (a.IsInfinite && b.IsZero) || (a.IsZero && b.IsInfinite))
        {
            return NaN;
        }

        return a.IsInfinite || b.IsInfinite ? new(0, 0, negative, IsInfinite: true) : new(a.Units * b.Units, a.Exponent + b.Exponent, negative);
    }

    public static ExactNumber operator +(ExactNumber a, ExactNumber b)
    {
        if (a.IsNaN || b.IsNaN || (a.IsInfinite && b.IsInfinite && a.Negative != b.Negative))
        {
            return NaN;
        }

        if (a.IsInfinite || b.IsInfinite)
        {
            return a.IsInfinite ? a : b;
        }

        int exponent = Math.Min(a.Exponent, b.Exponent);
        BigInteger sum = (a.Units << (a.Exponent - exponent)) + (b.Units << (b.Exponent - exponent));
        return new(sum, exponent, sum.IsZero ? a.Negative && b.Negative : sum < 0);
    }

    public static ExactNumber operator -(ExactNumber a) => a with { Units = -a.Units, Negative = !a.Negative };

    private bool IsZero => Units.IsZero && !IsInfinite && !IsNaN;

    /// <summary>The bits of the nearest number of a format, or the next one in a direction.</summary>
    public ulong Round(BinaryFormat format, Toward toward = Toward.Nearest)
    {
        if (IsNaN)
        {
            return format.NaN;
        }

        ulong sign = Negative ? format.Sign : 0;
        if (IsInfinite)
        {
            return sign | format.Infinity;
        }

        if (Units.IsZero)
        {
            return sign;
        }

        BigInteger magnitude = BigInteger.Abs(Units);
        int lowest = Math.Max((int)magnitude.GetBitLength() - 1 + Exponent, 1 - format.Bias) - format.Precision + 1;
        BigInteger kept = Shifted(magnitude, lowest - Exponent, toward);
        ulong bits = (ulong)kept;
        if (kept >= BigInteger.One << (format.Precision - 1))
        {
            bits += (ulong)(lowest + format.Precision - 2 + format.Bias) << (format.Precision - 1);
        }

        if (bits >= format.Infinity)
        {
            bits = toward == Toward.Nearest || (toward == Toward.Down && Negative) || (toward == Toward.Up && !Negative) ? format.Infinity : format.Infinity - 1;
        }

        return sign | bits;
    }

    /// <summary>A whole number, for a number that is finite.</summary>
    public BigInteger ToInteger(Toward toward)
    {
        BigInteger magnitude = Shifted(BigInteger.Abs(Units), -Exponent, toward);
        return Negative ? -magnitude : magnitude;
    }

    private BigInteger Shifted(BigInteger magnitude, int shift, Toward toward)
    {
        if (shift <= 0)
        {
            return magnitude << -shift;
        }

        BigInteger kept = magnitude >> shift;
        BigInteger rest = magnitude - (kept << shift);
        int half = rest.CompareTo(BigInteger.One << (shift - 1));
        bool up = toward switch
        {
            Toward.Nearest => half > 0 || (half == 0 && !kept.IsEven),
            Toward.Down => Negative && !rest.IsZero,
            Toward.Up => !Negative && !rest.IsZero,
            _ => false,
        };
        return up ? kept + 1 : kept;
    }
}
