using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Declare;

/// <summary>The class that a model derives from: in the generated part, so the user's need not say so.</summary>
internal static class BaseClass
{
    /// <summary>Whether it is the one that models have.</summary>
    public static bool IsOurs(INamedTypeSymbol? type) => type?.ToDisplayString() == "SparseInfer.LanguageModel";

    /// <summary>Whether a part writes out the base class that it would have anyhow: another part cannot have another one then.</summary>
    public static bool IsObjectIn(TypeDeclarationSyntax type) => type.BaseList?.Types[0].Type switch
    {
        PredefinedTypeSyntax predefined => predefined.Keyword.IsKind(SyntaxKind.ObjectKeyword),
        SimpleNameSyntax name => name.Identifier.ValueText == nameof(Object),
        QualifiedNameSyntax name => name.Right.Identifier.ValueText == nameof(Object),
        _ => false,
    };
}
