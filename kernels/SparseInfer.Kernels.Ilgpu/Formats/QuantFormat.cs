using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>
/// Block types of four, five and six bits: <c>w = scale * (quant - excess) - minimum</c>. Of a row, 16 bytes have four bits of 32 columns, column i's
/// below column i + 16's in byte i. What is above follows all of those, for each 32 columns four bytes or eight: bit or pair k of a byte j is column
/// 4 k + j's, in types of six bits the second four bytes have columns 16 to 31. Scales lie apart.
/// </summary>
/// <typeparam name="T">The type's facts.</typeparam>
public abstract partial class QuantFormat<T>
    where T : struct, IQuantFacts
{
    /// <summary>Steps of an input's largest element, and of an activation: signed bytes.</summary>
    public const float Range = 127;

    private const uint FourBits = 0x0f0f0f0f;
    private const uint FifthBits = 0x10101010;
    private const uint UpperTwo = 0x30303030;

    // Some bits in the mantissa of 2^23 are the float 2^23 + their value: see Q8_0.
    private const uint Exponent = 0x4b000000;
    private const float Bias = 8388608;

    /// <summary>32 columns of a row.</summary>
    /// <param name="words">The matrix.</param>
    /// <param name="row">The row's first element.</param>
    /// <param name="block">Which 32 columns.</param>
    /// <param name="blocks">How many there are of them in a row.</param>
    public static QuantBytes Load(ArrayView<Words4> words, int row, int block, int blocks)
    {
        Words4 four = words[row + block];
        var quants = new QuantBytes(
            new(four.X & FourBits, four.Y & FourBits, four.Z & FourBits, four.W & FourBits),
            new((four.X >> 4) & FourBits, (four.Y >> 4) & FourBits, (four.Z >> 4) & FourBits, (four.W >> 4) & FourBits));
        if (T.HighBits == 1)
        {
            uint high = words.Cast<uint>()[((row + blocks) * 4) + block];
            return new(
                With(quants.Lower, (high << 4) & FifthBits, (high << 3) & FifthBits, (high << 2) & FifthBits, (high << 1) & FifthBits),
                With(quants.Upper, high & FifthBits, (high >> 1) & FifthBits, (high >> 2) & FifthBits, (high >> 3) & FifthBits));
        }

        if (T.HighBits == 2)
        {
            Words2 high = words.Cast<Words2>()[((row + blocks) * 2) + block];
            return new(WithPairs(quants.Lower, high.X), WithPairs(quants.Upper, high.Y));
        }

        return quants;
    }

    /// <summary>Four columns of a row in the first word, and the four that are 16 further on in the second.</summary>
    /// <param name="words">The matrix.</param>
    /// <param name="row">The row's first element.</param>
    /// <param name="word">Which four bytes of the row: four for each 32 columns.</param>
    /// <param name="blocks">How many times 32 columns a row has.</param>
    public static Words2 LoadWord(ArrayView<Words4> words, int row, int word, int blocks)
    {
        uint four = words.Cast<uint>()[(row * 4) + word];
        Words2 quants;
        quants.X = four & FourBits;
        quants.Y = (four >> 4) & FourBits;
        if (T.HighBits == 1)
        {
            uint high = words.Cast<uint>()[((row + blocks) * 4) + (word / 4)] >> (word & 3);
            quants.X |= (high << 4) & FifthBits;
            quants.Y |= high & FifthBits;
        }

        if (T.HighBits == 2)
        {
            Words2 high = words.Cast<Words2>()[((row + blocks) * 2) + (word / 4)];
            int shift = (word & 3) * 2;
            quants.X |= ((high.X >> shift) << 4) & UpperTwo;
            quants.Y |= ((high.Y >> shift) << 4) & UpperTwo;
        }

        return quants;
    }

    /// <summary>What 32 columns of a row are multiplied with. Blocks of 256 have their halves, then two bytes for each 32 columns.</summary>
    /// <param name="scales">The matrix's scales.</param>
    /// <param name="row">The row's first.</param>
    /// <param name="block">Which 32 columns.</param>
    public static QuantScale Scale(ArrayView<ushort> scales, int row, int block)
    {
        if (T.HasIntegers)
        {
            int shared = row + (block / 8 * 10);
            uint halves = scales.Cast<uint>()[shared / 2];
            uint integers = scales[shared + 2 + (block & 7)];
            return new(
                Lower(halves) * (T.IsSplit ? Signed(integers & 0xff) : Unsigned(integers & 0xff)),
                T.IsSplit ? Lower(halves) * Signed(integers >> 8) : Upper(halves) * Unsigned(integers >> 8));
        }

        if (T.HasMinimum)
        {
            uint halves = scales.Cast<uint>()[(row / 2) + block];
            return new(Lower(halves), -Upper(halves));
        }

        return new(F16.Widen(scales[row + block]), 0f);
    }

    /// <summary><c>sum + w · x</c> over 32 columns.</summary>
    /// <param name="w">Their quants.</param>
    /// <param name="scale">What those are multiplied with.</param>
    /// <param name="x0">The input's columns 0 to 3.</param>
    /// <param name="x1">Columns 4 to 7.</param>
    /// <param name="x2">Columns 8 to 11.</param>
    /// <param name="x3">Columns 12 to 15.</param>
    /// <param name="x4">Columns 16 to 19.</param>
    /// <param name="x5">Columns 20 to 23.</param>
    /// <param name="x6">Columns 24 to 27.</param>
    /// <param name="x7">Columns 28 to 31.</param>
    /// <param name="sum">What is added to.</param>
    public static float Dot(
        QuantBytes w,
        QuantScale scale,
        Float4 x0,
        Float4 x1,
        Float4 x2,
        Float4 x3,
        Float4 x4,
        Float4 x5,
        Float4 x6,
        Float4 x7,
        float sum)
    {
        sum = Float4.Dot(Widen0(w, scale), x0, sum);
        sum = Float4.Dot(Widen1(w, scale), x1, sum);
        sum = Float4.Dot(Widen2(w, scale), x2, sum);
        sum = Float4.Dot(Widen3(w, scale), x3, sum);
        sum = Float4.Dot(Widen4(w, scale), x4, sum);
        sum = Float4.Dot(Widen5(w, scale), x5, sum);
        sum = Float4.Dot(Widen6(w, scale), x6, sum);
        return Float4.Dot(Widen7(w, scale), x7, sum);
    }

    /// <summary>
    /// <c>sum + w · x</c> over 32 columns, whose input is in steps of its largest: exact sums of integers, then scaled. What has one scale enters the
    /// sum alone, so that a device's compiler has one way to fuse products and sums.
    /// </summary>
    /// <param name="w">Their quants.</param>
    /// <param name="scale">What those are multiplied with.</param>
    /// <param name="x0">The input's columns 0 to 15, signed bytes.</param>
    /// <param name="x1">Columns 16 to 31.</param>
    /// <param name="step">The input's step, and the sums of its bytes: <see cref="Sums"/>.</param>
    /// <param name="sum">What is added to.</param>
    public static float Dot(QuantBytes w, QuantScale scale, Words4 x0, Words4 x1, BlockStep step, float sum) =>
        Dot(w, scale, x0, x1, step.Step, Starts(step), sum);

    /// <summary>One token's sums with four rows, each with the products of 32 columns added to it as one row's are.</summary>
    /// <param name="w">The rows' quants and scales.</param>
    /// <param name="x0">The input's columns 0 to 15, signed bytes.</param>
    /// <param name="x1">Columns 16 to 31.</param>
    /// <param name="step">The input's step.</param>
    /// <param name="sums">What is added to: a sum for each row.</param>
    public static Float4 Dot(FourQuants w, Words4 x0, Words4 x1, BlockStep step, Float4 sums)
    {
        QuantStart start = Starts(step);
        return new(
            Dot(w.A, w.ScaleA, x0, x1, step.Step, start, sums.X),
            Dot(w.B, w.ScaleB, x0, x1, step.Step, start, sums.Y),
            Dot(w.C, w.ScaleC, x0, x1, step.Step, start, sums.Z),
            Dot(w.D, w.ScaleD, x0, x1, step.Step, start, sums.W));
    }

    /// <summary>Of a number that was rounded, what is added up to the start of its block's <see cref="BlockStep"/>: sums of two halves of 16.</summary>
    /// <param name="quants">The number, or a sum of some of one half.</param>
    /// <param name="isUpper">Whether they are of the second half.</param>
    public static int Sums(int quants, bool isUpper) => isUpper ? quants << 16 : quants;

    private static float Dot(QuantBytes w, QuantScale scale, Words4 x0, Words4 x1, float step, QuantStart start, float sum)
    {
        int lower = Bytes.DotUnsigned(w.Lower, x0, start.Lower);
        if (T.IsSplit)
        {
            sum += scale.First * step * BlockStep.Widen(lower);
            return sum + (scale.Second * step * BlockStep.Widen(Bytes.DotUnsigned(w.Upper, x1, start.Upper)));
        }

        sum += scale.First * step * BlockStep.Widen(Bytes.DotUnsigned(w.Upper, x1, lower));
        return T.HasMinimum ? sum - (scale.Second * start.Sum) : sum;
    }

    /// <summary>What a block of the input brings to every row: where sums start, and its own sum, for minima.</summary>
    private static QuantStart Starts(BlockStep step)
    {
        QuantStart start = default;
        if (T.Excess > 0)
        {
            start.Lower = T.IsSplit ? -T.Excess * LowerSum(step) : -T.Excess * (LowerSum(step) + UpperSum(step));
            start.Upper = T.IsSplit ? -T.Excess * UpperSum(step) : 0;
        }

        if (T.HasMinimum)
        {
            start.Sum = step.Step * BlockStep.Widen(LowerSum(step) + UpperSum(step));
        }

        return start;
    }

    private struct QuantStart
    {
        public int Lower;
        public int Upper;
        public float Sum;
    }

    private static int LowerSum(BlockStep step) => step.Start << 16 >> 16;

    private static int UpperSum(BlockStep step) => (step.Start + 0x8000) >> 16;

    private static Words4 With(Words4 four, uint x, uint y, uint z, uint w) => new(four.X | x, four.Y | y, four.Z | z, four.W | w);

    private static Words4 WithPairs(Words4 four, uint pairs) =>
        With(four, (pairs << 4) & UpperTwo, (pairs << 2) & UpperTwo, pairs & UpperTwo, (pairs >> 2) & UpperTwo);

    private static float Lower(uint halves) => F16.Widen((ushort)(halves & 0xffff));

    private static float Upper(uint halves) => F16.Widen((ushort)(halves >> 16));

    private static float Unsigned(uint bits) => Interop.IntAsFloat(Exponent | bits) - Bias;

    private static float Signed(uint bits) => Interop.IntAsFloat(Exponent | (bits ^ 0x80)) - (Bias + 128);
}
