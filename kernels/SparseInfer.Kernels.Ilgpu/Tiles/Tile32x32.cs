using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Sums of 32 rows of weights with 32 tokens' inputs in the registers of a warp, as <see cref="TensorCore"/> has them.</summary>
public struct Tile32x32
{
    /// <summary>Rows 0 to 15 of the first eight tokens.</summary>
    public Float4 Y00;

    /// <summary>Rows 0 to 15 of the second eight.</summary>
    public Float4 Y01;

    /// <summary>Rows 0 to 15 of the third eight.</summary>
    public Float4 Y02;

    /// <summary>Rows 0 to 15 of the fourth eight.</summary>
    public Float4 Y03;

    /// <summary>Rows 16 to 31 of the first eight tokens.</summary>
    public Float4 Y10;

    /// <summary>Rows 16 to 31 of the second eight.</summary>
    public Float4 Y11;

    /// <summary>Rows 16 to 31 of the third eight.</summary>
    public Float4 Y12;

    /// <summary>Rows 16 to 31 of the fourth eight.</summary>
    public Float4 Y13;

    /// <summary>Adds the products of 32 columns: a lane has eight of them.</summary>
    /// <param name="w0">Row <c>lane / 4</c>.</param>
    /// <param name="w1">Row <c>lane / 4 + 8</c>.</param>
    /// <param name="w2">Row <c>lane / 4 + 16</c>.</param>
    /// <param name="w3">Row <c>lane / 4 + 24</c>.</param>
    /// <param name="x">Tokens <c>lane / 4</c>, 8, 16 and 24 further on: every 32nd element.</param>
    public void Add(Words4 w0, Words4 w1, Words4 w2, Words4 w3, ArrayView<Words4> x)
    {
        Words4 x0 = x[0];
        Words4 x1 = x[32];
        Words4 x2 = x[64];
        Words4 x3 = x[96];
        TensorCore.Add(w0, w1, x0, ref Y00);
        TensorCore.Add(w2, w3, x0, ref Y10);
        TensorCore.Add(w0, w1, x1, ref Y01);
        TensorCore.Add(w2, w3, x1, ref Y11);
        TensorCore.Add(w0, w1, x2, ref Y02);
        TensorCore.Add(w2, w3, x2, ref Y12);
        TensorCore.Add(w0, w1, x3, ref Y03);
        TensorCore.Add(w2, w3, x3, ref Y13);
    }

    /// <summary>Writes the lane's sums times their tokens' scales, where they are inside of the result.</summary>
    /// <param name="y">The result, [tokens, stride].</param>
    /// <param name="stride">Elements of a token.</param>
    /// <param name="scales">A factor for each token.</param>
    /// <param name="token">The lane's first token: <c>2 (lane % 4)</c> into the tile's.</param>
    /// <param name="tokens">Tokens of the result.</param>
    /// <param name="row">The lane's first row: <c>lane / 4</c> into the tile's.</param>
    /// <param name="rows">Rows of the result.</param>
    public void Store(ArrayView<float> y, int stride, ArrayView<float> scales, int token, int tokens, int row, int rows)
    {
        Store(y, stride, scales, token, tokens, row, rows, Y00, Y10);
        Store(y, stride, scales, token + 8, tokens, row, rows, Y01, Y11);
        Store(y, stride, scales, token + 16, tokens, row, rows, Y02, Y12);
        Store(y, stride, scales, token + 24, tokens, row, rows, Y03, Y13);
    }

    private static void Store(
        ArrayView<float> y, int stride, ArrayView<float> scales, int token, int tokens, int row, int rows, Float4 first, Float4 second)
    {
        Store(y, stride, scales, token, tokens, row, rows, first.X, first.Z, second.X, second.Z);
        Store(y, stride, scales, token + 1, tokens, row, rows, first.Y, first.W, second.Y, second.W);
    }

    private static void Store(
        ArrayView<float> y, int stride, ArrayView<float> scales, int token, int tokens, int row, int rows, float y0, float y1, float y2, float y3)
    {
        if (token < tokens)
        {
            float scale = scales[token];
            int to = (token * stride) + row;
            Store(y, to, row < rows, y0 * scale);
            Store(y, to + 8, row + 8 < rows, y1 * scale);
            Store(y, to + 16, row + 16 < rows, y2 * scale);
            Store(y, to + 24, row + 24 < rows, y3 * scale);
        }
    }

    private static void Store(ArrayView<float> y, int to, bool inside, float sum)
    {
        if (inside)
        {
            y[to] = sum;
        }
    }
}
