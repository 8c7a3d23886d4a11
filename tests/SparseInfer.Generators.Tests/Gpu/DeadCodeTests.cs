using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SparseInfer.Generators.Declare;
using SparseInfer.Generators.Ilgpu;
using SparseInfer.Generators.Tests.Execution;
using SparseInfer.Generators.Tests.Fixture;
using SparseInfer.Generators.Tests.Generation;

namespace SparseInfer.Generators.Tests.Gpu;

/// <summary>A kernel is written for one shape: it has no guard that cannot fail, no loop of one pass, no operation that does nothing.</summary>
public sealed class DeadCodeTests
{
    [Fact]
    public void Nothing_in_a_generated_kernel_does_nothing()
    {
        var found = new List<string>();
        int kernels = 0;
        foreach (DecoderCase model in GpuZoo.Models)
        {
            INamedTypeSymbol declared = GpuZoo.Complete.GetTypeByMetadataName(model.FullName).ShouldNotBeNull();
            IlgpuDecoderPlan plan = IlgpuDecoderPlan.Of(
                ModelParser.Read(Declaration.From(declared, DeclarationLanguage.Vocabulary, ProfileFiles.None, TestContext.Current.CancellationToken)!).ShouldNotBeNull(model.Name));
            ILookup<string, KernelUse> uses = KernelTable.Of(plan).ToLookup(kernel => kernel.Name);
            string file = $"{model.FullName.Replace('+', '.')}.Ilgpu.g.cs";
            HashSet<string> files = [file, .. plan.FeedForwards.Select(feedForward => $"{feedForward.ClassName}.g.cs")];
            SyntaxTree[] trees = [.. GpuZoo.Trees.Where(tree => files.Contains(Path.GetFileName(tree.FilePath)))];
            trees.Length.ShouldBe(files.Count, $"{file}: the declaration breaks a rule");
            foreach (SyntaxTree tree in trees)
            {
                SemanticModel semantics = GpuZoo.Semantics(GpuZoo.Complete, tree);
                foreach (MethodDeclarationSyntax kernel in tree.GetRoot(TestContext.Current.CancellationToken).DescendantNodes()
                    .OfType<MethodDeclarationSyntax>().Where(method => uses.Contains(method.Identifier.Text)))
                {
                    kernels++;
                    int threads = kernel.TypeParameterList is null
                        ? uses[kernel.Identifier.Text].First().Threads
                        : plan.FeedForwards.Single(feedForward => Path.GetFileName(tree.FilePath) == $"{feedForward.ClassName}.g.cs").Threads;
                    found.AddRange(DeadCodeRules.Violations(semantics, kernel, threads)
                        .Select(violation => $"{Path.GetFileName(tree.FilePath)}: {kernel.Identifier}: {violation}"));
                }
            }
        }

        kernels.ShouldBeGreaterThan(500);
        found.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("if (thread < 64) { view[thread] = 0f; }", "is always the same")]
    [InlineData("if (thread < 63) { view[thread] = 0f; }", null)]
    [InlineData("int warp = thread / 32; if (warp < 2) { view[thread] = 0f; }", "is always the same")]
    [InlineData("int i = (Grid.IdxX * 64) + thread; if (i < 100) { view[i] = 0f; }", null)]
    [InlineData("view[thread < 64 ? thread : 63] = 0f;", "is always the same")]
    [InlineData("view[thread & 63] = 0f;", "hides no bit")]
    [InlineData("view[thread & 31] = 0f;", null)]
    [InlineData("view[(thread / 8) & 7] = 0f;", "hides no bit")]
    [InlineData("view[thread & 0] = 0f;", "does nothing")]
    [InlineData("view[0 ^ thread] = 0f;", "does nothing")]
    [InlineData("view[thread + 0] = 0f;", "does nothing")]
    [InlineData("view[1 * thread] = 0f;", "does nothing")]
    [InlineData("view[(0 * Rows) + thread] = 0f;", "does nothing")]
    [InlineData("view[thread / 1] = 0f;", "does nothing")]
    [InlineData("view[thread / 64] = 0f;", "is always the same")]
    [InlineData("for (int i = 0; i < 4; i += 4) { view[i] = 0f; }", "goes round once at most")]
    [InlineData("for (int i = 0; i < 5; i += 4) { view[i] = 0f; }", null)]
    [InlineData("for (int i = thread; i < 64; i += 64) { view[i] = 0f; }", "goes round once at most")]
    [InlineData("for (int i = thread; i < 65; i += 64) { view[i] = 0f; }", null)]
    [InlineData("for (int i = 1; i < Rows; i++) { view[i] = 0f; }", null)]
    [InlineData("float y = 0f; y = view[0]; view[1] = y;", "twice in a row")]
    [InlineData("float y = 0f; y = view[0] + y; view[1] = y;", null)]
    [InlineData("float y = view[0];", "is never read")]
    public void What_does_nothing_is_found(string statements, string? violation)
    {
        SyntaxTree tree = GeneratedProject.Tree(
            $$"""
            using ILGPU;
            static class C { private const int Rows = 3; static void Kernel(ArrayView<float> view) { int thread = Group.IdxX; view[thread] = 1f; {{statements}} } }
            """,
            "Kernel.cs");
        SemanticModel model = GpuZoo.Semantics(CSharpCompilation.Create("Kernel", [tree], UserCode.IlgpuReferences, UserCode.CompilationOptions), tree);
        IEnumerable<string> found = DeadCodeRules.Violations(
            model, tree.GetRoot(TestContext.Current.CancellationToken).DescendantNodes().OfType<MethodDeclarationSyntax>().Single(), threads: 64);
        if (violation is null)
        {
            found.ShouldBeEmpty();
        }
        else
        {
            found.ShouldContain(wrong => wrong.Contains(violation, StringComparison.Ordinal));
        }
    }
}
