using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Spec;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Parse;

/// <summary>Reads where generated code has to go.</summary>
internal static class TargetParser
{
    private static readonly SymbolDisplayFormat QualifiedName =
        SymbolDisplayFormat.FullyQualifiedFormat.WithGlobalNamespaceStyle(SymbolDisplayGlobalNamespaceStyle.Omitted);

    public static TargetSpec Parse(ISymbol symbol)
    {
        var types = new Stack<TypeSpec>();
        for (INamedTypeSymbol? type = symbol.ContainingType; type is not null; type = type.ContainingType)
        {
            string name = Escape(type.Name);
            types.Push(new TypeSpec("partial " + Keyword(type) + " " + name, name));
        }

        INamespaceSymbol space = symbol.ContainingNamespace;
        return new TargetSpec(
            space.IsGlobalNamespace ? "" : space.ToDisplayString(QualifiedName),
            types.ToEquatableArray(),
            Escape(symbol.Name),
            SyntaxFacts.GetText(symbol.DeclaredAccessibility));
    }

    private static string Keyword(INamedTypeSymbol type) => (type.IsRecord, type.TypeKind) switch
    {
        (true, TypeKind.Struct) => "record struct",
        (true, _) => "record",
        (_, TypeKind.Struct) => "struct",
        (_, TypeKind.Interface) => "interface",
        _ => "class",
    };

    private static string Escape(string name) =>
        SyntaxFacts.GetKeywordKind(name) == SyntaxKind.None && SyntaxFacts.GetContextualKeywordKind(name) == SyntaxKind.None
            ? name
            : "@" + name;
}
