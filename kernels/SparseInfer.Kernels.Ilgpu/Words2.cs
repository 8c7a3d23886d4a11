namespace SparseInfer.Kernels.Ilgpu;

/// <summary>Two words of a weight row: four columns of a type of 16 bits (8 bytes; ld.global.v2.b32).</summary>
/// <remarks>Copy the element of a view to a local first: <c>view[i].X</c> is a load of its own.</remarks>
public struct Words2
{
    /// <summary>Bytes 0 to 3.</summary>
    public uint X;

    /// <summary>Bytes 4 to 7.</summary>
    public uint Y;
}
