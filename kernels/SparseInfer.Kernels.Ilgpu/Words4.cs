namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Four words of a weight row or of a sign plane: what one lane loads at once (16 bytes; ld.global.v4.b32).</summary>
/// <remarks>Copy the element of a view to a local first: <c>view[i].X</c> is a load of its own.</remarks>
public struct Words4
{
    /// <summary>Bytes 0 to 3.</summary>
    public uint X;

    /// <summary>Bytes 4 to 7.</summary>
    public uint Y;

    /// <summary>Bytes 8 to 11.</summary>
    public uint Z;

    /// <summary>Bytes 12 to 15.</summary>
    public uint W;

    /// <summary>Sets all four.</summary>
    /// <param name="x">Bytes 0 to 3.</param>
    /// <param name="y">Bytes 4 to 7.</param>
    /// <param name="z">Bytes 8 to 11.</param>
    /// <param name="w">Bytes 12 to 15.</param>
    public Words4(uint x, uint y, uint z, uint w)
    {
        X = x;
        Y = y;
        Z = z;
        W = w;
    }
}
