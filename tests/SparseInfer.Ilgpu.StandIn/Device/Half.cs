using System.Runtime.CompilerServices;

namespace ILGPU;

/// <summary>IEEE binary16. Arithmetic is done in single precision and rounded, as the package's CPU code does.</summary>
public readonly struct Half : IEquatable<Half>, IComparable<Half>
{
    public static readonly Half MaxValue = new(0x7bff);
    public static readonly Half MinValue = new(0xfbff);
    public static readonly Half PositiveInfinity = new(0x7c00);
    public static readonly Half NegativeInfinity = new(0xfc00);
    public static readonly Half Zero = new(0);

    internal Half(ushort rawValue)
    {
        RawValue = rawValue;
    }

    internal ushort RawValue { get; }

    public static Half Abs(Half half) => new((ushort)(half.RawValue & 0x7fff));

    public static bool IsNaN(Half half) => (half.RawValue & 0x7fff) > 0x7c00;

    public static bool IsZero(Half half) => (half.RawValue & 0x7fff) == 0;

    public static bool IsInfinity(Half half) => (half.RawValue & 0x7fff) == 0x7c00;

    public static bool IsFinite(Half half) => (half.RawValue & 0x7c00) != 0x7c00;

    public bool Equals(Half other) => this == other;

    public int CompareTo(Half other) => ((float)this).CompareTo(other);

    public override bool Equals(object? obj) => obj is Half half && Equals(half);

    public override int GetHashCode() => RawValue;

    public override string ToString() => ((float)this).ToString();

    public static Half operator -(Half halfValue) => new((ushort)(halfValue.RawValue ^ 0x8000));

    public static Half operator +(Half first, Half second) => (Half)((float)first + second);

    public static Half operator -(Half first, Half second) => (Half)((float)first - second);

    public static Half operator *(Half first, Half second) => (Half)((float)first * second);

    public static Half operator /(Half first, Half second) => (Half)((float)first / second);

    public static bool operator ==(Half first, Half second) => (float)first == second;

    public static bool operator !=(Half first, Half second) => (float)first != second;

    public static bool operator <(Half first, Half second) => (float)first < second;

    public static bool operator <=(Half first, Half second) => (float)first <= second;

    public static bool operator >(Half first, Half second) => (float)first > second;

    public static bool operator >=(Half first, Half second) => (float)first >= second;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static implicit operator float(Half halfValue)
    {
        // Exponent and mantissa moved into place, then scaled by the difference of the biases, 2^(127-15): that also makes
        // normal numbers of subnormal ones. Infinities and NaN keep an exponent of ones.
        uint bits = halfValue.RawValue;
        float magnitude = BitConverter.UInt32BitsToSingle((bits & 0x7fff) << 13) * 5.192296858534828e33f;
        uint result = BitConverter.SingleToUInt32Bits(magnitude) | ((bits & 0x8000) << 16);
        if ((bits & 0x7c00) == 0x7c00)
            result |= 0x7f800000;
        return BitConverter.UInt32BitsToSingle(result);
    }

    public static implicit operator double(Half halfValue) => (float)halfValue;

    public static explicit operator Half(float floatValue) => new(BitConverter.HalfToUInt16Bits((System.Half)floatValue));

    public static explicit operator Half(double doubleValue) => (Half)(float)doubleValue;
}
