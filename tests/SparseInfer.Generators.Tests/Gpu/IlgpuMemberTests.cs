using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Tests.Gpu;

/// <summary>
/// The list of ILGPU's members (<c>IlgpuMembers.txt</c> beside the emitter), what is emitted, and the ILGPU or the stand-in that this was built
/// with: each says the same as the others.
/// </summary>
public sealed class IlgpuMemberTests
{
    private static readonly string[] Listed = [.. Lines()];

    [Fact]
    public void GeneratedCodeUsesWhatIsListedAndAllOfIt()
    {
        SortedSet<string> used = Used();

        used.Except(Listed).ShouldBeEmpty("generated code uses members that IlgpuMembers.txt does not list");
        Listed.Except(used).ShouldBeEmpty("IlgpuMembers.txt lists members that no generated code uses");
    }

    [Fact]
    public void TheListIsSortedAndSaysNothingTwice() =>
        Listed.ShouldBe(Listed.Distinct().OrderBy(id => id[2..], StringComparer.Ordinal).ThenBy(id => id, StringComparer.Ordinal));

    /// <summary>The assembly is the real one's where the package is served.</summary>
    [Fact]
    public void EveryMemberIsThereWithItsSignature()
    {
        string assembly = typeof(ILGPU.Context).Assembly.GetName().Name!;
        foreach (string id in Listed)
        {
            ISymbol[] symbols = [.. DocumentationCommentId.GetSymbolsForDeclarationId(id, GpuZoo.Complete)];
            symbols.ShouldHaveSingleItem(id).ContainingAssembly.Name.ShouldBe(assembly, id);
            symbols[0].DeclaredAccessibility.ShouldBe(Accessibility.Public, id);
        }
    }

    private static SortedSet<string> Used()
    {
        var used = new SortedSet<string>(StringComparer.Ordinal);
        foreach (SyntaxTree tree in GpuZoo.Trees)
        {
            SemanticModel model = GpuZoo.Complete.GetSemanticModel(tree);
            foreach (SyntaxNode node in tree.GetRoot(TestContext.Current.CancellationToken).DescendantNodes())
            {
                Add(used, model.GetSymbolInfo(node, TestContext.Current.CancellationToken).Symbol);
                if (node is ExpressionSyntax expression)
                {
                    Add(used, model.GetConversion(expression, TestContext.Current.CancellationToken).MethodSymbol);
                }
            }
        }

        return used;
    }

    private static void Add(SortedSet<string> used, ISymbol? symbol)
    {
        ISymbol? definition = (symbol is IMethodSymbol { ReducedFrom: { } extension } ? extension : symbol)?.OriginalDefinition;
        if (definition is INamedTypeSymbol or IMethodSymbol or IPropertySymbol or IFieldSymbol or IEventSymbol && IsOfIlgpu(definition))
        {
            used.Add(definition.GetDocumentationCommentId()!);
        }
    }

    internal static bool IsOfIlgpu(ISymbol symbol)
    {
        string space = symbol.ContainingNamespace?.ToDisplayString() ?? "";
        return space == "ILGPU" || space.StartsWith("ILGPU.", StringComparison.Ordinal);
    }

    private static IEnumerable<string> Lines()
    {
        using Stream stream = typeof(IlgpuMemberTests).Assembly.GetManifestResourceStream("IlgpuMembers.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#')
            {
                yield return line;
            }
        }
    }
}
