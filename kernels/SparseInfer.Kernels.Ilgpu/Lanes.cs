using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>
/// What the 32 lanes of a warp work out together: every lane has to come here. Each is a fixed tree of shuffles, so that a result does not
/// depend on the run. ILGPU compiles them into the kernel that calls them.
/// </summary>
public static class Lanes
{
    /// <summary>The sum of all lanes' values; every lane has it.</summary>
    /// <param name="value">The lane's.</param>
    public static float Sum(float value)
    {
        float sum = value;
        sum += Warp.ShuffleXor(sum, 16);
        sum += Warp.ShuffleXor(sum, 8);
        sum += Warp.ShuffleXor(sum, 4);
        sum += Warp.ShuffleXor(sum, 2);
        sum += Warp.ShuffleXor(sum, 1);
        return sum;
    }

    /// <summary>The sum of all lanes' values; every lane has it.</summary>
    /// <param name="value">The lane's.</param>
    public static int Sum(int value)
    {
        int sum = value;
        sum += Warp.ShuffleXor(sum, 16);
        sum += Warp.ShuffleXor(sum, 8);
        sum += Warp.ShuffleXor(sum, 4);
        sum += Warp.ShuffleXor(sum, 2);
        sum += Warp.ShuffleXor(sum, 1);
        return sum;
    }

    /// <summary>The sum of neighbours' values, of lanes that stand together; each of them has it.</summary>
    /// <param name="value">The lane's.</param>
    /// <param name="lanes">How many stand together, a power of two: a literal, so that only their shuffles are left.</param>
    public static float Sum(float value, int lanes)
    {
        float sum = value;
        if (lanes > 16)
        {
            sum += Warp.ShuffleXor(sum, 16);
        }

        if (lanes > 8)
        {
            sum += Warp.ShuffleXor(sum, 8);
        }

        if (lanes > 4)
        {
            sum += Warp.ShuffleXor(sum, 4);
        }

        if (lanes > 2)
        {
            sum += Warp.ShuffleXor(sum, 2);
        }

        if (lanes > 1)
        {
            sum += Warp.ShuffleXor(sum, 1);
        }

        return sum;
    }

    /// <summary>Four sums of all lanes' values, which take turns: none waits for the shuffles of another.</summary>
    /// <param name="a">The lane's value; the sum.</param>
    /// <param name="b">Another.</param>
    /// <param name="c">A third.</param>
    /// <param name="d">A fourth.</param>
    public static void SumFour(ref int a, ref int b, ref int c, ref int d)
    {
        AddFour(ref a, ref b, ref c, ref d, 16);
        AddFour(ref a, ref b, ref c, ref d, 8);
        AddFour(ref a, ref b, ref c, ref d, 4);
        AddFour(ref a, ref b, ref c, ref d, 2);
        AddFour(ref a, ref b, ref c, ref d, 1);
    }

    /// <summary>
    /// A step of two sums at once: lanes that lie a distance apart add up <paramref name="a"/> in the lower of them, <paramref name="b"/> in the
    /// upper. Steps of 16, 8, ... 1 are the tree of <see cref="Sum(float)"/>, bit for bit, with half of its shuffles in each step.
    /// </summary>
    /// <param name="a">The lane's value of the first sum.</param>
    /// <param name="b">Of the second.</param>
    /// <param name="lane">The lane's number.</param>
    /// <param name="distance">A power of two.</param>
    public static float SumOfTwo(float a, float b, int lane, int distance)
    {
        bool isUpper = (lane & distance) != 0;
        float sum = isUpper ? b : a;
        float given = isUpper ? a : b;
        sum += Warp.ShuffleXor(given, distance);
        return sum;
    }

    /// <inheritdoc cref="SumOfTwo(float, float, int, int)"/>
    public static Float4 SumOfTwo(Float4 a, Float4 b, int lane, int distance) => new(
        SumOfTwo(a.X, b.X, lane, distance),
        SumOfTwo(a.Y, b.Y, lane, distance),
        SumOfTwo(a.Z, b.Z, lane, distance),
        SumOfTwo(a.W, b.W, lane, distance));

    /// <inheritdoc cref="SumOfTwo(float, float, int, int)"/>
    public static Int4 SumOfTwo(Int4 a, Int4 b, int lane, int distance) => new(
        SumOfTwo(a.X, b.X, lane, distance),
        SumOfTwo(a.Y, b.Y, lane, distance),
        SumOfTwo(a.Z, b.Z, lane, distance),
        SumOfTwo(a.W, b.W, lane, distance));

    /// <inheritdoc cref="SumOfTwo(float, float, int, int)"/>
    public static int SumOfTwo(int a, int b, int lane, int distance)
    {
        bool isUpper = (lane & distance) != 0;
        int sum = isUpper ? b : a;
        int given = isUpper ? a : b;
        sum += Warp.ShuffleXor(given, distance);
        return sum;
    }

    /// <summary>The largest of all lanes' values; every lane has it.</summary>
    /// <param name="value">The lane's.</param>
    public static float Max(float value)
    {
        float most = value;
        most = MathF.Max(most, Warp.ShuffleXor(most, 16));
        most = MathF.Max(most, Warp.ShuffleXor(most, 8));
        most = MathF.Max(most, Warp.ShuffleXor(most, 4));
        most = MathF.Max(most, Warp.ShuffleXor(most, 2));
        most = MathF.Max(most, Warp.ShuffleXor(most, 1));
        return most;
    }

    /// <summary>The greatest of all lanes' values, and where it is: the lowest index among equals; every lane has both.</summary>
    /// <param name="most">The lane's value; the greatest.</param>
    /// <param name="index">Its index.</param>
    public static void ArgMax(ref float most, ref int index)
    {
        Greater(ref most, ref index, 16);
        Greater(ref most, ref index, 8);
        Greater(ref most, ref index, 4);
        Greater(ref most, ref index, 2);
        Greater(ref most, ref index, 1);
    }

    /// <summary>Signs of eight lanes' quads, four bits a lane: the word that the eight of them make; each has it.</summary>
    /// <param name="quad">The lane's four columns.</param>
    /// <param name="lane">The lane's number.</param>
    public static uint Signs(Float4 quad, int lane)
    {
        uint word = Quad.Signs(quad) << ((lane & 7) * 4);
        word |= Warp.ShuffleXor(word, 1);
        word |= Warp.ShuffleXor(word, 2);
        word |= Warp.ShuffleXor(word, 4);
        return word;
    }

    /// <summary>Four bits of each of eight lanes: the word that the eight of them make; each has it.</summary>
    /// <param name="bits">The lane's.</param>
    /// <param name="lane">The lane's number.</param>
    public static uint Word(uint bits, int lane)
    {
        uint word = bits << ((lane & 7) * 4);
        word |= Warp.ShuffleXor(word, 1);
        word |= Warp.ShuffleXor(word, 2);
        word |= Warp.ShuffleXor(word, 4);
        return word;
    }

    /// <summary>The largest magnitude of all lanes' values, NaN where one is NaN; every lane has it.</summary>
    /// <param name="value">The lane's.</param>
    public static float MaxMagnitude(float value)
    {
        float most = value;
        most = Portable.LargerMagnitude(most, Warp.ShuffleXor(most, 16));
        most = Portable.LargerMagnitude(most, Warp.ShuffleXor(most, 8));
        return MaxMagnitudeOfEight(most);
    }

    /// <summary>The largest magnitude of eight neighbours' values, NaN where one is NaN; each of the eight has it.</summary>
    /// <param name="value">The lane's.</param>
    public static float MaxMagnitudeOfEight(float value)
    {
        float most = value;
        most = Portable.LargerMagnitude(most, Warp.ShuffleXor(most, 4));
        most = Portable.LargerMagnitude(most, Warp.ShuffleXor(most, 2));
        most = Portable.LargerMagnitude(most, Warp.ShuffleXor(most, 1));
        return most;
    }

    /// <summary>The sum of eight neighbours' values; each of the eight has it.</summary>
    /// <param name="value">The lane's.</param>
    public static int SumOfEight(int value)
    {
        int sum = value;
        sum += Warp.ShuffleXor(sum, 4);
        sum += Warp.ShuffleXor(sum, 2);
        sum += Warp.ShuffleXor(sum, 1);
        return sum;
    }

    /// <summary>A bit of each lane: bit k of the result is lane k's; every lane has it.</summary>
    /// <param name="bit">The lane's, 0 or 1.</param>
    /// <param name="lane">The lane's number.</param>
    public static uint Bits(uint bit, int lane)
    {
        uint bits = bit << lane;
        bits |= Warp.ShuffleXor(bits, 16);
        bits |= Warp.ShuffleXor(bits, 8);
        bits |= Warp.ShuffleXor(bits, 4);
        bits |= Warp.ShuffleXor(bits, 2);
        bits |= Warp.ShuffleXor(bits, 1);
        return bits;
    }

    private static void AddFour(ref int a, ref int b, ref int c, ref int d, int distance)
    {
        int otherA = Warp.ShuffleXor(a, distance);
        int otherB = Warp.ShuffleXor(b, distance);
        int otherC = Warp.ShuffleXor(c, distance);
        int otherD = Warp.ShuffleXor(d, distance);
        a += otherA;
        b += otherB;
        c += otherC;
        d += otherD;
    }

    private static void Greater(ref float most, ref int index, int distance)
    {
        float other = Warp.ShuffleXor(most, distance);
        int place = Warp.ShuffleXor(index, distance);
        if (other > most || (other == most && place < index))
        {
            most = other;
            index = place;
        }
    }
}
