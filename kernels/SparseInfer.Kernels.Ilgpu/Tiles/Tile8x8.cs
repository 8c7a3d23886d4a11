namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Sums of eight rows of weights with eight tokens' inputs, in the registers of one thread: four loads of 16 bytes for 64 products.</summary>
public struct Tile8x8
{
    /// <summary>The first four rows of the first four tokens.</summary>
    public Tile4x4 Y00;

    /// <summary>The other four rows of the first four tokens.</summary>
    public Tile4x4 Y10;

    /// <summary>The first four rows of the other four tokens.</summary>
    public Tile4x4 Y01;

    /// <summary>The other four rows of the other four tokens.</summary>
    public Tile4x4 Y11;

    /// <summary>Adds one column's products.</summary>
    /// <param name="w0">The column's weights in the first four rows.</param>
    /// <param name="w1">In the other four rows.</param>
    /// <param name="x0">The column's inputs of the first four tokens.</param>
    /// <param name="x1">Of the other four tokens.</param>
    public void Add(Float4 w0, Float4 w1, Float4 x0, Float4 x1)
    {
        Y00.Add(w0, x0);
        Y10.Add(w1, x0);
        Y01.Add(w0, x1);
        Y11.Add(w1, x1);
    }
}
