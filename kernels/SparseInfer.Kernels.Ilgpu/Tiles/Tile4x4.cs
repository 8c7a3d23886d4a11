using ILGPU;

namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Sums of four rows of weights with four tokens' inputs, in the registers of one thread.</summary>
public struct Tile4x4
{
    /// <summary>The first token's four rows.</summary>
    public Float4 Y0;

    /// <summary>The second token's.</summary>
    public Float4 Y1;

    /// <summary>The third token's.</summary>
    public Float4 Y2;

    /// <summary>The fourth token's.</summary>
    public Float4 Y3;

    /// <summary>Adds one column's products.</summary>
    /// <param name="w">The column's weights in four rows.</param>
    /// <param name="x">The column's inputs of four tokens.</param>
    public void Add(Float4 w, Float4 x)
    {
        Float4.AddScaled(w, x.X, ref Y0);
        Float4.AddScaled(w, x.Y, ref Y1);
        Float4.AddScaled(w, x.Z, ref Y2);
        Float4.AddScaled(w, x.W, ref Y3);
    }

    /// <summary>Writes rows that lie apart, where they are inside of the result.</summary>
    /// <param name="y">The result, [tokens, stride].</param>
    /// <param name="stride">Elements of a token.</param>
    /// <param name="token">The first of the four tokens.</param>
    /// <param name="tokens">Tokens of the result.</param>
    /// <param name="row">The first of the four rows.</param>
    /// <param name="apart">The distance from one row to the next.</param>
    /// <param name="rows">Rows of the result.</param>
    public void StoreRows(ArrayView<float> y, int stride, int token, int tokens, int row, int apart, int rows)
    {
        StoreRows(y, (token * stride) + row, token < tokens, row, apart, rows, Y0);
        StoreRows(y, ((token + 1) * stride) + row, token + 1 < tokens, row, apart, rows, Y1);
        StoreRows(y, ((token + 2) * stride) + row, token + 2 < tokens, row, apart, rows, Y2);
        StoreRows(y, ((token + 3) * stride) + row, token + 3 < tokens, row, apart, rows, Y3);
    }

    /// <summary>Adds the same to each token's rows.</summary>
    /// <param name="bias">A term for each row.</param>
    public void AddBias(Float4 bias)
    {
        Y0 = Quad.Add(Y0, bias);
        Y1 = Quad.Add(Y1, bias);
        Y2 = Quad.Add(Y2, bias);
        Y3 = Quad.Add(Y3, bias);
    }

    /// <summary>Writes four columns that lie together, where they are inside of the result.</summary>
    /// <param name="y">The result, [tokens, quads].</param>
    /// <param name="quads">Quads of a token.</param>
    /// <param name="token">The first of the four tokens.</param>
    /// <param name="tokens">Tokens of the result.</param>
    /// <param name="quad">The quad.</param>
    public void StoreQuads(ArrayView<Float4> y, int quads, int token, int tokens, int quad)
    {
        StoreQuad(y, (token * quads) + quad, token < tokens && quad < quads, Y0);
        StoreQuad(y, ((token + 1) * quads) + quad, token + 1 < tokens && quad < quads, Y1);
        StoreQuad(y, ((token + 2) * quads) + quad, token + 2 < tokens && quad < quads, Y2);
        StoreQuad(y, ((token + 3) * quads) + quad, token + 3 < tokens && quad < quads, Y3);
    }

    /// <summary>Writes four columns that lie together, where they are inside of the result.</summary>
    /// <param name="y">The result, [tokens, stride].</param>
    /// <param name="stride">From a token's columns to the next one's.</param>
    /// <param name="token">The first of the four tokens.</param>
    /// <param name="tokens">Tokens of the result.</param>
    /// <param name="column">The first of the four columns.</param>
    /// <param name="columns">Columns of the result.</param>
    public void StoreColumns(ArrayView<float> y, int stride, int token, int tokens, int column, int columns)
    {
        int inside = columns - column;
        Quad.Store(y, (token * stride) + column, token < tokens ? inside : 0, Y0);
        Quad.Store(y, ((token + 1) * stride) + column, token + 1 < tokens ? inside : 0, Y1);
        Quad.Store(y, ((token + 2) * stride) + column, token + 2 < tokens ? inside : 0, Y2);
        Quad.Store(y, ((token + 3) * stride) + column, token + 3 < tokens ? inside : 0, Y3);
    }

    private static void StoreRows(ArrayView<float> y, int to, bool inside, int row, int apart, int rows, Float4 sums)
    {
        StoreRow(y, to, inside && row < rows, sums.X);
        StoreRow(y, to + apart, inside && row + apart < rows, sums.Y);
        StoreRow(y, to + (2 * apart), inside && row + (2 * apart) < rows, sums.Z);
        StoreRow(y, to + (3 * apart), inside && row + (3 * apart) < rows, sums.W);
    }

    private static void StoreRow(ArrayView<float> y, int to, bool inside, float sum)
    {
        if (inside)
        {
            y[to] = sum;
        }
    }

    private static void StoreQuad(ArrayView<Float4> y, int to, bool inside, Float4 sums)
    {
        if (inside)
        {
            y[to] = sums;
        }
    }
}
