namespace SparseInfer.Ilgpu.StandIn;

internal static class OutsideKernel
{
    public static InvalidOperationException Error() => new("This member has a meaning inside a kernel only.");
}
