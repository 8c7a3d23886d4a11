namespace SparseInfer.Generators.Emit;

/// <summary>Attributes on generated members.</summary>
internal static class GeneratedAttributes
{
    /// <summary>Kernels run once a token and layer: they must be fast from the first token, not after thirty calls.</summary>
    public const string Hot = "[MethodImpl(MethodImplOptions.AggressiveOptimization)]";

    public const string Inline = "[MethodImpl(MethodImplOptions.AggressiveInlining)]";

    public const string Generated = "[GeneratedCode(" + Generator + ")]";

    /// <summary>The same where the user's namespaces are in the way.</summary>
    public const string QualifiedGenerated = "[global::System.CodeDom.Compiler.GeneratedCode(" + Generator + ")]";

    public const string Version = "0.1.0";

    private const string Generator = "\"SparseInfer.Generators\", \"" + Version + "\"";
}
