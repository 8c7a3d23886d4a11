using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

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
            types.Push(new TypeSpec("partial " + Keyword(type) + " " + name + TypeParameters(type), name));
        }

        INamespaceSymbol space = symbol.ContainingNamespace;
        return new TargetSpec(
            space.IsGlobalNamespace ? "" : space.ToDisplayString(QualifiedName),
            types.ToEquatableArray(),
            Escape(symbol.Name),
            SyntaxFacts.GetText(symbol.DeclaredAccessibility))
        {
            IsProperty = symbol is IPropertySymbol,
            TypeParameters = symbol is INamedTypeSymbol own ? TypeParameters(own) : "",
        };
    }

    /// <summary>What is written between <c>partial</c> and a type's name.</summary>
    public static string Keyword(INamedTypeSymbol type) => (type.IsRecord, type.TypeKind) switch
    {
        (true, TypeKind.Struct) => "record struct",
        (true, _) => "record",
        (_, TypeKind.Struct) => "struct",
        (_, TypeKind.Interface) => "interface",
        _ => "class",
    };

    /// <summary>As every part of a generic type repeats them; constraints may be left to one part.</summary>
    private static string TypeParameters(INamedTypeSymbol type) => type.TypeParameters.Length == 0 ? "" : "<" + string.Join(
        ", ",
        type.TypeParameters.Select(parameter => parameter.Variance switch
        {
            VarianceKind.In => "in ",
            VarianceKind.Out => "out ",
            _ => "",
        } + Escape(parameter.Name))) + ">";

    public static string Escape(string name) =>
        SyntaxFacts.GetKeywordKind(name) == SyntaxKind.None && SyntaxFacts.GetContextualKeywordKind(name) == SyntaxKind.None
            ? name
            : "@" + name;
}
