using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SparseInfer.Kernels.Cpu;

/// <summary>Floats as halves.</summary>
internal static class Narrowing
{
    private const int LargestHalf = 0x477FE000; // 65504
    private const int SmallestNormalHalf = 0x38800000; // 2^-14
    private const int Infinity = 0x7F800000;
    private const int HalfInfinity = 0x7C00;

    /// <summary>Rounded to the nearest, to even between two; finite numbers beyond ±65504 become that, infinities and NaN stay what they are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Halves(Vector512<float> values)
    {
        Vector512<int> bits = values.AsInt32();
        Vector512<int> sign = (bits & Vector512.Create(int.MinValue)) >>> 16;
        Vector512<int> magnitude = bits & Vector512.Create(int.MaxValue);

        // A NaN's fraction may lie in the bits that are cut off: one of those that stay is set.
        Vector512<int> quiet = Vector512.GreaterThan(magnitude, Vector512.Create(Infinity)) & Vector512.Create(0x200);
        Vector512<int> special = Vector512.Create(HalfInfinity) | quiet;

        // The exponent's bias is 15 instead of 127; the 13 bits to be cut off are rounded by adding just below half of their unit, or half.
        Vector512<int> clamped = Vector512.Min(magnitude, Vector512.Create(LargestHalf));
        Vector512<int> odd = (clamped >>> 13) & Vector512<int>.One;
        Vector512<int> normal = (clamped + Vector512.Create(((15 - 127) << 23) + 0xFFF) + odd) >>> 13;

        // Added to 1/2, whose unit in the last place is the smallest half, a number is rounded to a multiple of that.
        Vector512<float> half = Vector512.Create(0.5f);
        Vector512<int> subnormal = (clamped.AsSingle() + half).AsInt32() - half.AsInt32();

        Vector512<int> finite = Vector512.ConditionalSelect(
            Vector512.LessThan(magnitude, Vector512.Create(SmallestNormalHalf)), subnormal, normal);
        Vector512<int> halves = sign | Vector512.ConditionalSelect(
            Vector512.LessThan(magnitude, Vector512.Create(Infinity)), finite, special);
        return Vector256.Narrow(halves.GetLower(), halves.GetUpper());
    }
}
