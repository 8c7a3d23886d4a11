using System.Numerics;

namespace SparseInfer.Sampling;

/// <summary>
/// The pseudorandom generator xoshiro256** 1.0, seeded by SplitMix64 (David Blackman and Sebastiano Vigna, prng.di.unimi.it). Integer
/// arithmetic throughout, so a seed gives the same sequence on every platform; System.Random promises that for no two versions of .NET.
/// </summary>
internal struct Xoshiro256StarStar
{
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    /// <summary>Spreads a seed over the 256 bits of state, as the authors recommend; never all zero.</summary>
    public Xoshiro256StarStar(ulong seed)
        : this(SplitMix64(ref seed), SplitMix64(ref seed), SplitMix64(ref seed), SplitMix64(ref seed))
    {
    }

    internal Xoshiro256StarStar(ulong s0, ulong s1, ulong s2, ulong s3)
    {
        _s0 = s0;
        _s1 = s1;
        _s2 = s2;
        _s3 = s3;
    }

    /// <summary>The next 64 bits.</summary>
    public ulong Next()
    {
        ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        ulong shifted = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= shifted;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>A multiple of 2^-53 in [0, 1), each as likely.</summary>
    public double NextUnit() => (Next() >> 11) * (1.0 / (1ul << 53));

    /// <summary>Another draw in place of one: it follows from that one, and takes none of the sequence.</summary>
    public static double UnitAfter(double unit)
    {
        ulong state = BitConverter.DoubleToUInt64Bits(unit);
        return (SplitMix64(ref state) >> 11) * (1.0 / (1ul << 53));
    }

    internal static ulong SplitMix64(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
