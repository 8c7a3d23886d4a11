using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>What norms do with four columns of the residual stream at a time.</summary>
public static class Quad
{
    /// <summary>a + b.</summary>
    /// <param name="a">Four columns.</param>
    /// <param name="b">Four more.</param>
    public static Float4 Add(Float4 a, Float4 b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    /// <summary>a times a number.</summary>
    /// <param name="a">Four columns.</param>
    /// <param name="factor">The number.</param>
    public static Float4 Scale(Float4 a, float factor) => new(a.X * factor, a.Y * factor, a.Z * factor, a.W * factor);

    /// <summary>a * b, column by column.</summary>
    /// <param name="a">Four columns.</param>
    /// <param name="b">A factor for each.</param>
    public static Float4 Product(Float4 a, Float4 b) => new(a.X * b.X, a.Y * b.Y, a.Z * b.Z, a.W * b.W);

    /// <summary>The sum of four columns, in their order.</summary>
    /// <param name="a">Four columns.</param>
    public static float Sum(Float4 a) => a.X + a.Y + a.Z + a.W;

    /// <summary>The sum of four columns' squares, in their order.</summary>
    /// <param name="a">Four columns.</param>
    public static float SumOfSquares(Float4 a) => (a.X * a.X) + (a.Y * a.Y) + (a.Z * a.Z) + (a.W * a.W);

    /// <summary>a less a number, and 0 in columns that are padding.</summary>
    /// <param name="a">Four columns.</param>
    /// <param name="mean">The number.</param>
    /// <param name="inside">How many of the four are no padding; may be more than four, or negative.</param>
    public static Float4 Subtract(Float4 a, float mean, int inside) => new(
        inside > 0 ? a.X - mean : 0f, inside > 1 ? a.Y - mean : 0f, inside > 2 ? a.Z - mean : 0f, inside > 3 ? a.W - mean : 0f);

    /// <summary>a * scale * weight: what a root mean square norm does.</summary>
    /// <param name="a">Four columns.</param>
    /// <param name="scale">One over their root mean square.</param>
    /// <param name="weight">A factor a column.</param>
    public static Float4 Multiply(Float4 a, float scale, Float4 weight) => new(
        a.X * scale * weight.X, a.Y * scale * weight.Y, a.Z * scale * weight.Z, a.W * scale * weight.W);

    /// <summary>a * scale * weight + bias: what a layer norm does.</summary>
    /// <param name="a">Four columns, less their mean.</param>
    /// <param name="scale">One over their standard deviation.</param>
    /// <param name="weight">A factor a column.</param>
    /// <param name="bias">A term a column; zero in padding.</param>
    public static Float4 Affine(Float4 a, float scale, Float4 weight, Float4 bias) => Add(Multiply(a, scale, weight), bias);

    /// <summary>Writes four elements that lie together, those of them that are no padding.</summary>
    /// <param name="y">Where they go.</param>
    /// <param name="to">The place of the first.</param>
    /// <param name="inside">How many of the four are no padding; may be more than four, or negative.</param>
    /// <param name="a">The four.</param>
    public static void Store(ArrayView<float> y, int to, int inside, Float4 a)
    {
        if (inside > 0)
        {
            y[to] = a.X;
        }

        if (inside > 1)
        {
            y[to + 1] = a.Y;
        }

        if (inside > 2)
        {
            y[to + 2] = a.Z;
        }

        if (inside > 3)
        {
            y[to + 3] = a.W;
        }
    }

    /// <summary>The IEEE sign bits of four columns: bit k of the result is column k's.</summary>
    /// <param name="a">Four columns.</param>
    public static uint Signs(Float4 a) =>
        (Interop.FloatAsInt(a.X) >> 31)
        | (Interop.FloatAsInt(a.Y) >> 31 << 1)
        | (Interop.FloatAsInt(a.Z) >> 31 << 2)
        | (Interop.FloatAsInt(a.W) >> 31 << 3);

    /// <summary>Which of four columns exceed a number in magnitude: bit k of the result is column k's.</summary>
    /// <param name="a">Four columns.</param>
    /// <param name="distance">The number.</param>
    public static uint Beyond(Float4 a, float distance) =>
        (MathF.Abs(a.X) > distance ? 1u : 0u)
        | (MathF.Abs(a.Y) > distance ? 2u : 0u)
        | (MathF.Abs(a.Z) > distance ? 4u : 0u)
        | (MathF.Abs(a.W) > distance ? 8u : 0u);

    /// <summary>Stores four columns at equal distances: a quad of a row becomes a part of four columns of a tile.</summary>
    /// <param name="a">Four columns.</param>
    /// <param name="to">Where the tile lies.</param>
    /// <param name="first">The first column's place.</param>
    /// <param name="apart">The distance from one column to the next.</param>
    public static void Scatter(Float4 a, ArrayView<float> to, int first, int apart)
    {
        to[first] = a.X;
        to[first + apart] = a.Y;
        to[first + (2 * apart)] = a.Z;
        to[first + (3 * apart)] = a.W;
    }

    /// <summary>The largest magnitude of four columns; NaN where one is NaN.</summary>
    /// <param name="a">Four columns.</param>
    public static float Largest(Float4 a) =>
        Portable.LargerMagnitude(Portable.LargerMagnitude(a.X, a.Y), Portable.LargerMagnitude(a.Z, a.W));

    /// <summary>Four columns times a number, rounded to integers: to nearest, ties to even.</summary>
    /// <param name="a">Four columns.</param>
    /// <param name="inverse">The number; products are below 2^22 in magnitude.</param>
    public static Int4 Round(Float4 a, float inverse) => new(
        BlockStep.Round(a.X * inverse), BlockStep.Round(a.Y * inverse), BlockStep.Round(a.Z * inverse), BlockStep.Round(a.W * inverse));
}
