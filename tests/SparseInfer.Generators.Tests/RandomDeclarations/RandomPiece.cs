using System.Collections.Immutable;

namespace SparseInfer.Generators.Tests.RandomDeclarations;

/// <summary>A piece of a project, in files of its own.</summary>
internal abstract record RandomPiece
{
    /// <summary>The texts of its files.</summary>
    public abstract IEnumerable<string> Files { get; }

    /// <summary>
    /// Code that counts on what is generated, in files apart: what is wrong there says that a declaration was taken for sound and is not complete.
    /// </summary>
    public virtual IEnumerable<string> Uses => [];

    /// <summary>Where it declares: namespaces and outermost type. Pieces where one leads to another can clash by the rules of C#. Empty: nowhere.</summary>
    public abstract ImmutableArray<string> Path { get; }

    /// <summary>The same with something less.</summary>
    public abstract IEnumerable<RandomPiece> Smaller();
}

/// <summary>Code without a declaration, of which the namespaces and types can be in the way of generated code.</summary>
internal sealed record Surrounding(string Text) : RandomPiece
{
    private static readonly string[] Texts =
    [
        "namespace SparseInfer.System { class X { } }", "namespace SparseInfer.ILGPU { class X { } }", "namespace SparseInfer.SparseInfer { class X { } }",
        "namespace SparseInfer.Generated.System { class X { } }", "namespace SparseInfer.Generated { class Math { } class Span { } class Unsafe { } }",
        "namespace SparseInfer.Generated.ILGPU { class X { } }", "namespace SparseInfer.Runtime.System { class X { } }",
        "namespace SparseInfer.Kernels.System { class X { } }", "namespace SparseInfer.Generated.Generated { class X { } }",
        "namespace SparseInfer { class AuditAttribute : global::System.Attribute { } [Audit] class Audited { [Audit] int P => 1; } }",
        "namespace SparseInfer { public class DenseAttribute : global::System.Attribute { public int Layers { get; set; } } }",
        "namespace SparseInfer { public enum Activation : byte { Relu, Gelu } }",
        "namespace SparseInfer { public class TargetAttribute : global::System.Attribute { } }",
        "namespace SparseInfer { class System { } }", "namespace SparseInfer { class Generated { } }", "namespace SparseInfer { class ILGPU { } }",
        "namespace SparseInfer { class Math { } class MemoryMarshal { } class Half { } class Layer { } class BitOperations { } }",
        "namespace SparseInfer { public sealed class IlgpuDevice { } }", "namespace SparseInfer { public sealed class FeedForwardKernel { } }",
        "namespace Zoo.SparseInfer { class X { } }", "class SparseInfer { }", "class ILGPU { }",
        "namespace System { class Span { } class MathF { } }",
        "global using Span = System.Int32;", "global using static System.Math;", "global using System; global using Device = System.String;",
        "namespace SparseInfer.Generated { class FeedForward_64x96_Relu_F16 { } }", "namespace SparseInfer.Generated { class M_Cpu { } class M_Ilgpu { } }",
        "[assembly: System.CLSCompliant(true)]", "[module: System.Runtime.CompilerServices.SkipLocalsInit]",
        "static class Extensions { public static int AsSpan(this float[] x) => 1; public static int Slice<T>(this T x, int i) => i; }",
        "#define X\n#if !X\n[DecoderModel] class\n#endif", "namespace N; class C { }", "class class", "namespace A { ", "}", "#error stop", "#pragma warning disable",
    ];

    public override IEnumerable<string> Files => [Text];

    public override ImmutableArray<string> Path => [];

    public static Surrounding Of(Chooser chooser) => new(chooser.Of(Texts));

    public override IEnumerable<RandomPiece> Smaller() => [];
}
