namespace SparseInfer.Generators.Emit.Cpu;

/// <summary>Attributes on generated members.</summary>
internal static class CpuAttributes
{
    /// <summary>Kernels run once a token and layer: they must be fast from the first token, not after thirty calls.</summary>
    public const string Hot = "[MethodImpl(MethodImplOptions.AggressiveOptimization)]";

    public const string Inline = "[MethodImpl(MethodImplOptions.AggressiveInlining)]";

    public const string Generated = "[GeneratedCode(\"SparseInfer.Generators\", \"" + Version + "\")]";

    public const string Version = "0.1.0";
}
