using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Gpu;

/// <summary>Nothing that ILGPU compiles wrongly, slowly or not at all can be emitted.</summary>
public sealed class KernelRuleTests
{
    [Fact]
    public void Every_generated_kernel_keeps_the_rules()
    {
        int kernels = 0;
        foreach (SyntaxTree tree in GpuZoo.Trees)
        {
            SemanticModel model = GpuZoo.Semantics(GpuZoo.Complete, tree);
            SyntaxNode root = tree.GetRoot(TestContext.Current.CancellationToken);
            HashSet<string> launched = [.. root.DescendantNodes().OfType<InvocationExpressionSyntax>().Select(Launched).OfType<string>()];
            foreach (MethodDeclarationSyntax method in root.DescendantNodes().OfType<MethodDeclarationSyntax>().Where(IsDeviceFunction))
            {
                bool isKernel = launched.Contains(method.Identifier.Text);
                kernels += isKernel ? 1 : 0;
                KernelRules.Violations(model, method, isKernel).ShouldBeEmpty($"{tree.FilePath}: {method.Identifier}");
            }
        }

        kernels.ShouldBeGreaterThan(300);
    }

    /// <summary>What kernels call is compiled into them.</summary>
    [Fact]
    public void Every_function_that_kernels_call_keeps_the_rules()
    {
        string folder = Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "..", "kernels", "SparseInfer.Kernels.Ilgpu");
        SyntaxTree[] trees =
        [
            GeneratedProject.Tree("global using System;", "Usings.cs"),
            .. new[] { ".", "Formats", "Functions", "Tiles" }
                .SelectMany(part => Directory.GetFiles(Path.Combine(folder, part), "*.cs"))
                .Select(path => GeneratedProject.Tree(File.ReadAllText(path), path)),
        ];
        CSharpCompilation functions = CSharpCompilation.Create("Functions", trees, UserCode.IlgpuReferences, UserCode.CompilationOptions);
        int count = 0;
        foreach (SyntaxTree tree in trees)
        {
            SemanticModel model = GpuZoo.Semantics(functions, tree);
            foreach (MethodDeclarationSyntax method in tree.GetRoot(TestContext.Current.CancellationToken)
                .DescendantNodes().OfType<MethodDeclarationSyntax>())
            {
                count++;

                // Largest is a whole kernel, the same for every model: generated ones hand their arguments on to it, and do nothing else.
                bool isKernel = method.Parent is ClassDeclarationSyntax { Identifier.ValueText: "Largest" };
                KernelRules.Violations(model, method, isKernel).ShouldBeEmpty($"{method.Identifier}");
            }
        }

        count.ShouldBeGreaterThan(30);
        trees.Count(tree => tree.FilePath.Contains("Tiles", StringComparison.Ordinal)).ShouldBeGreaterThan(3);
    }

    [Theory]
    [InlineData("float y = (float)(System.Half)x;", "System.Half")]
    [InlineData("float y = System.BitConverter.UInt32BitsToSingle(1u);", "System.BitConverter.UInt32BitsToSingle")]
    [InlineData("System.Span<float> y = stackalloc float[4];", "an expression that kernels do not have")]
    [InlineData("System.ReadOnlySpan<byte> y = [1, 2];", "an expression that kernels do not have")]
    [InlineData("System.Func<float, float> f = y => y;", "an expression that kernels do not have")]
    [InlineData("if (x > 0f) { throw null!; }", "a statement that kernels do not have")]
    [InlineData("try { x = 1f; } finally { x = 2f; }", "a statement that kernels do not have")]
    [InlineData("float y = Table[0];", "is a float[]")]
    [InlineData("float y = State;", "is a static field")]
    [InlineData("float[] y = new float[4];", "an expression that kernels do not have")]
    [InlineData("foreach (int i in Table) { x = 1f; }", "a statement that kernels do not have")]
    [InlineData("x = System.MathF.FusedMultiplyAdd(x, x, x);", "calls System.MathF.FusedMultiplyAdd")]
    [InlineData("int y = System.Numerics.BitOperations.PopCount(3u);", "calls System.Numerics.BitOperations.PopCount")]
    [InlineData("x = System.MathF.Exp(x);", "calls System.MathF.Exp")]
    [InlineData("x = System.MathF.Tanh(x);", "calls System.MathF.Tanh")]
    [InlineData("System.Numerics.Vector4 y = default;", "is a System.Numerics.Vector4")]
    [InlineData("var y = System.Runtime.Intrinsics.Vector128<float>.Zero;", "Vector128<float>")]
    [InlineData("Kernel(view, x);", "a recursion")]
    [InlineData("x += Lanes.Sum(x);", "makes lanes meet inside an expression")]
    [InlineData("view[0] = Lanes.Sum(x);", "makes lanes meet inside an expression")]
    [InlineData("float y = Lanes.Sum(x) + 1f;", "makes lanes meet inside an expression")]
    [InlineData("x += Warp.ShuffleXor(x, 1);", "makes lanes meet inside an expression")]
    [InlineData("float y = Warp.ShuffleXor(x, 1);", "a function of Lanes would do")]
    [InlineData("ILGPU.Half y = Warp.ShuffleXor(default(ILGPU.Half), 1);", "shuffles halves")]
    [InlineData("ref float y = ref x;", "is a reference")]
    [InlineData("string y = \"text\";", "an expression that kernels do not have")]
    [InlineData("object y = x;", "is a object")]
    [InlineData("double y = x;", "is a double")]
    [InlineData("int y = Group.IdxX % 32;", "a mask would do")]
    [InlineData("do { x += 1f; } while (x < 1f);", "a statement that kernels do not have")]
    [InlineData("float y = view[0]; Group.Barrier(); x += y;", "in the same run of statements as a barrier")]
    [InlineData("float y = view[0]; float z = y * 2f; view[1] = x; Group.Barrier(); x += z;", "in the same run of statements as a barrier")]
    [InlineData("ILGPU.Runtime.Cuda.CudaAsm.Emit(\"dp4a.s32.s32 %0, %1, %1, %1;\", out int y, 1u);", "an expression that kernels do not have")]
    [InlineData("CudaAsm.Emit(\"dp4a.s32.s32 %0, %1, %1, %1;\", out int y, 1u);", "writes PTX for devices that have none")]
    [InlineData("if (CudaAsm.IsSupported) { CudaAsm.Emit(\"mov.u32 %0, %1;\", out int y, 1u); }", "writes PTX for devices that have none")]
    [InlineData("Input<uint> a = 1u; Output<uint> b = default; CudaAsm.EmitRef(\"mov.b32 %0, %1;\", ref b, ref a);", "writes PTX for devices that have none")]
    public void What_breaks_a_rule_is_found(string statement, string violation) =>
        Violations($"private static void Kernel(ArrayView<float> view, float x) {{ {statement} }}", isKernel: true)
            .ShouldContain(found => found.Contains(violation, StringComparison.Ordinal));

    [Theory]
    [InlineData("private static void F(float x) { float y = Lanes.Sum(x); }")]
    [InlineData("private static void F() { Group.Barrier(); }")]
    [InlineData("private static void F() { ArrayView<float> y = SharedMemory.Allocate<float>(4); }")]
    public void Functions_do_not_make_lanes_meet(string function)
    {
        Violations(function, isKernel: false).ShouldContain(found => found.Contains("makes lanes meet in a function", StringComparison.Ordinal));
        Violations(function, isKernel: true).ShouldBeEmpty();
    }

    [Fact]
    public void A_function_may_write_ptx_where_it_has_plain_code_too() => Violations(
        "private static uint F(uint a) { if (CudaAsm.IsSupported) { CudaAsm.Emit(\"mov.b32 %0, %1;\", out uint y, a); return y; } return a; }",
        isKernel: false).ShouldBeEmpty();

    private static IEnumerable<string> Violations(string method, bool isKernel)
    {
        SyntaxTree tree = GeneratedProject.Tree(
            $"using ILGPU; using ILGPU.Runtime.Cuda; using SparseInfer.Kernels.Ilgpu; static class C {{ private static readonly float[] Table = [1f]; private static float State = 1f; {method} }}", "Kernel.cs");
        SemanticModel model = GpuZoo.Semantics(CSharpCompilation.Create("Kernel", [tree], UserCode.IlgpuReferences, UserCode.CompilationOptions), tree);
        return KernelRules.Violations(model, tree.GetRoot().DescendantNodes().OfType<MethodDeclarationSyntax>().Single(), isKernel);
    }

    /// <summary>The kernel that a call compiles for a device; null: it does not.</summary>
    private static string? Launched(InvocationExpressionSyntax call) =>
        call.Expression is MemberAccessExpressionSyntax { Name: GenericNameSyntax { Identifier.Text: "LoadKernel" } }
            ? call.ArgumentList.Arguments[0].Expression switch
            {
                MemberAccessExpressionSyntax member => member.Name.Identifier.Text,
                SimpleNameSyntax name => name.Identifier.Text,
                _ => null,
            }
            : null;

    /// <summary>What is static in a generated program is for devices; the one exception registers them.</summary>
    private static bool IsDeviceFunction(MethodDeclarationSyntax method) =>
        method.Modifiers.Any(SyntaxKind.StaticKeyword) && method.Identifier.Text != "Register";

    private static string Here([CallerFilePath] string path = "") => path;
}
