namespace SparseInfer.Ilgpu.StandIn.Tests;

/// <summary>16 bytes, as kernels load them.</summary>
public struct Four
{
    public uint X;
    public uint Y;
    public uint Z;
    public uint W;
}
