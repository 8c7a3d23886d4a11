namespace ILGPU;

public interface IStride1D
{
    int XStride { get; }
}

public static class Stride1D
{
    /// <summary>Elements stand side by side.</summary>
    public readonly struct Dense : IStride1D
    {
        public int XStride => 1;

        public Index1D StrideExtent => Index1D.One;

        public override string ToString() => "<dense>";
    }
}
