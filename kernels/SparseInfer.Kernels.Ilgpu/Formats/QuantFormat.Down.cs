using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <content>
/// Down: neurons that share their columns' scales, 16 or 32 of them, a part. For blocks of 256 neurons a row has the columns' halves, a word for each,
/// and eight rows follow, for 32 neurons each, of two bytes a column. Else every 32 neurons have a row of a half, or of two, for each column.
/// </content>
public abstract partial class QuantFormat<T>
{
    /// <summary>What four columns multiply the quants of a part with.</summary>
    /// <param name="scales">The matrix's scales.</param>
    /// <param name="part">The part's number.</param>
    /// <param name="quad">Which four columns.</param>
    /// <param name="quads">How many there are of them in a row.</param>
    public static QuantColumns Columns(ArrayView<Words4> scales, int part, int quad, int quads)
    {
        if (T.HasIntegers)
        {
            int block = T.IsSplit ? part / 2 : part;
            int shared = block / 8 * (5 * quads);
            Words4 halves = scales[shared + quad];
            Words2 integers = scales.Cast<Words2>()[((shared + quads) * 2) + ((block & 7) * quads) + quad];
            if (T.IsSplit)
            {
                int shift = (part & 1) * 8;
                return new(
                    new(
                        Lower(halves.X) * Signed((integers.X >> shift) & 0xff),
                        Lower(halves.Y) * Signed((integers.X >> (shift + 16)) & 0xff),
                        Lower(halves.Z) * Signed((integers.Y >> shift) & 0xff),
                        Lower(halves.W) * Signed((integers.Y >> (shift + 16)) & 0xff)),
                    default);
            }

            return new(
                new(
                    Lower(halves.X) * Unsigned(integers.X & 0xff),
                    Lower(halves.Y) * Unsigned((integers.X >> 16) & 0xff),
                    Lower(halves.Z) * Unsigned(integers.Y & 0xff),
                    Lower(halves.W) * Unsigned((integers.Y >> 16) & 0xff)),
                new(
                    Upper(halves.X) * Unsigned((integers.X >> 8) & 0xff),
                    Upper(halves.Y) * Unsigned(integers.X >> 24),
                    Upper(halves.Z) * Unsigned((integers.Y >> 8) & 0xff),
                    Upper(halves.W) * Unsigned(integers.Y >> 24)));
        }

        if (T.HasMinimum)
        {
            Words4 halves = scales[(part * quads) + quad];
            return new(
                new(Lower(halves.X), Lower(halves.Y), Lower(halves.Z), Lower(halves.W)),
                new(-Upper(halves.X), -Upper(halves.Y), -Upper(halves.Z), -Upper(halves.W)));
        }

        return new(F16.Widen(scales.Cast<Words2>()[(part * quads) + quad]), default);
    }

    /// <summary>The sum of a part's activations in steps.</summary>
    /// <param name="step">The step of the 32 neurons that the part is of.</param>
    /// <param name="part">The part's number.</param>
    public static int SumOfPart(BlockStep step, int part) =>
        T.IsSplit ? (part & 1) == 0 ? LowerSum(step) : UpperSum(step) : LowerSum(step) + UpperSum(step);

    /// <summary><c>t += h quants</c> over 32 columns of four neurons.</summary>
    /// <param name="a">The first neuron's quants.</param>
    /// <param name="b">The second's.</param>
    /// <param name="c">The third's.</param>
    /// <param name="d">The fourth's.</param>
    /// <param name="h">The neurons' activations in steps, signed bytes.</param>
    /// <param name="t0">The sum's columns 0 to 3.</param>
    /// <param name="t1">Columns 4 to 7.</param>
    /// <param name="t2">Columns 8 to 11.</param>
    /// <param name="t3">Columns 12 to 15.</param>
    /// <param name="t4">Columns 16 to 19.</param>
    /// <param name="t5">Columns 20 to 23.</param>
    /// <param name="t6">Columns 24 to 27.</param>
    /// <param name="t7">Columns 28 to 31.</param>
    public static void AddFour(
        QuantBytes a,
        QuantBytes b,
        QuantBytes c,
        QuantBytes d,
        uint h,
        ref Int4 t0,
        ref Int4 t1,
        ref Int4 t2,
        ref Int4 t3,
        ref Int4 t4,
        ref Int4 t5,
        ref Int4 t6,
        ref Int4 t7)
    {
        AddColumns(Bytes.Turn(a.Lower.X, b.Lower.X, c.Lower.X, d.Lower.X), h, ref t0);
        AddColumns(Bytes.Turn(a.Lower.Y, b.Lower.Y, c.Lower.Y, d.Lower.Y), h, ref t1);
        AddColumns(Bytes.Turn(a.Lower.Z, b.Lower.Z, c.Lower.Z, d.Lower.Z), h, ref t2);
        AddColumns(Bytes.Turn(a.Lower.W, b.Lower.W, c.Lower.W, d.Lower.W), h, ref t3);
        AddColumns(Bytes.Turn(a.Upper.X, b.Upper.X, c.Upper.X, d.Upper.X), h, ref t4);
        AddColumns(Bytes.Turn(a.Upper.Y, b.Upper.Y, c.Upper.Y, d.Upper.Y), h, ref t5);
        AddColumns(Bytes.Turn(a.Upper.Z, b.Upper.Z, c.Upper.Z, d.Upper.Z), h, ref t6);
        AddColumns(Bytes.Turn(a.Upper.W, b.Upper.W, c.Upper.W, d.Upper.W), h, ref t7);
    }

    /// <summary><c>t += h quants</c> over four columns of four neurons.</summary>
    /// <param name="columns">A column's quants of the four neurons in each word: <see cref="Bytes.Turn"/>.</param>
    /// <param name="h">The neurons' activations in steps, signed bytes.</param>
    /// <param name="t">The sums of the four columns.</param>
    public static void AddColumns(Words4 columns, uint h, ref Int4 t)
    {
        t.X = Bytes.DotUnsigned(columns.X, h, t.X);
        t.Y = Bytes.DotUnsigned(columns.Y, h, t.Y);
        t.Z = Bytes.DotUnsigned(columns.Z, h, t.Z);
        t.W = Bytes.DotUnsigned(columns.W, h, t.W);
    }

    /// <summary>Adds what a part's neurons have summed up to four columns.</summary>
    /// <param name="columns">What the columns are multiplied with.</param>
    /// <param name="t">Their sums of integers.</param>
    /// <param name="sum">The sum of the part's activations: <see cref="SumOfPart"/>.</param>
    /// <param name="step">The activations' step.</param>
    /// <param name="y">The output's four columns.</param>
    public static void AddScaled(QuantColumns columns, Int4 t, int sum, float step, ref Float4 y)
    {
        int excess = T.Excess * sum;
        y.X += columns.Scale.X * (BlockStep.Widen(t.X - excess) * step);
        y.Y += columns.Scale.Y * (BlockStep.Widen(t.Y - excess) * step);
        y.Z += columns.Scale.Z * (BlockStep.Widen(t.Z - excess) * step);
        y.W += columns.Scale.W * (BlockStep.Widen(t.W - excess) * step);
        if (T.HasMinimum)
        {
            float all = BlockStep.Widen(sum) * step;
            y.X -= columns.Minimum.X * all;
            y.Y -= columns.Minimum.Y * all;
            y.Z -= columns.Minimum.Z * all;
            y.W -= columns.Minimum.W * all;
        }
    }
}
