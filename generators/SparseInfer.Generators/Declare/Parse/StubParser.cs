using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>Reads what a declaration that breaks a rule needs to compile all the same.</summary>
internal static class StubParser
{
    /// <param name="declaration">The declaration.</param>
    /// <param name="message">What the stub throws.</param>
    /// <returns>Null where no other file can complete it; the compiler says so as well then.</returns>
    public static StubSpec? Parse(Declaration declaration, string message)
    {
        TypeDeclarationSyntax[] around = [.. declaration.ContainingTypes];
        return declaration switch
        {
            _ when around.Select(type => type.Identifier.ValueText).Append(declaration.Symbol.Name).Contains("") => null,
            _ when !around.All(IsPartial) || IsFileLocal(declaration) || HiddenTypes.Of(declaration).Count > 0 => null,
            { Type: { } type, Syntax: TypeDeclarationSyntax } => Model(declaration, type, message),
            { Property: { } property, Syntax: PropertyDeclarationSyntax syntax } when around.Length > 0 => Layer(declaration, property, syntax, message),
            _ => null,
        };
    }

    private static ModelStub? Model(Declaration declaration, INamedTypeSymbol type, string message)
    {
        TypeDeclarationSyntax[] parts = [.. type.DeclaringSyntaxReferences.Select(part => part.GetSyntax()).OfType<TypeDeclarationSyntax>()];
        if (ModelParser.IsThereTwice(declaration) || !parts.All(IsPartial))
        {
            return null;
        }

        return new ModelStub(
            TargetParser.Parse(type),
            message,
            TargetParser.Keyword(type),
            Derives(type, parts),
            ModelMembers.InWayOfShape(type) is null,
            ModelMembers.LoadFrom.Where(source => ModelMembers.InWayOfLoad(type, source) is null).ToEquatableArray());
    }

    /// <summary>Whether the part can have a base class, and the one constructor that this base class asks for.</summary>
    private static bool Derives(INamedTypeSymbol type, TypeDeclarationSyntax[] parts) =>
        type is { TypeKind: TypeKind.Class, IsRecord: false, IsStatic: false }
        && (type.BaseType is { SpecialType: SpecialType.System_Object } || BaseClass.IsOurs(type.BaseType))
        && parts.All(part => part.ParameterList is null && !BaseClass.IsObjectIn(part))
        && parts.SelectMany(part => part.Members).OfType<ConstructorDeclarationSyntax>().All(constructor =>
            constructor.Modifiers.Any(SyntaxKind.StaticKeyword)
            || constructor.Initializer?.IsKind(SyntaxKind.ThisConstructorInitializer) == true);

    private static LayerStub? Layer(
        Declaration declaration, IPropertySymbol property, PropertyDeclarationSyntax syntax, string message)
    {
        bool isHalf = IsPartial(syntax)
            && syntax.Modifiers.All(modifier => LayerParser.IsUsual(modifier) && !modifier.IsKind(SyntaxKind.UnsafeKeyword))
            && property.PartialImplementationPart is null
            && syntax is { ExpressionBody: null, ExplicitInterfaceSpecifier: null, AccessorList: { } accessors }
            && accessors.Accessors.All(IsPlain)
            && accessors.Accessors.Select(accessor => accessor.Keyword.Kind()).Distinct().Count() == accessors.Accessors.Count;
        bool isPossible = property.Type is { TypeKind: not TypeKind.Error, SpecialType: not SpecialType.System_Void, IsStatic: false };
        if (!isHalf || !isPossible || LayerParser.IsThereTwice(property) ||
            !property.ContainingType.CanBeReferencedByName || declaration.Language < LanguageVersion.CSharp13)
        {
            return null;
        }

        string reference = property.RefKind switch { RefKind.Ref => "ref ", RefKind.RefReadOnly => "ref readonly ", _ => "" };
        string type = reference + property.Type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat);
        TargetSpec target = TargetParser.Parse(property);
        return new LayerStub(
            target,
            message,
            $"{LayerParser.Modifiers(property, syntax.Modifiers)} {type} {target.Name}",
            syntax.AccessorList!.Accessors
                .Select(accessor => string.Join(" ", accessor.Modifiers.Append(accessor.Keyword).Select(token => token.ValueText)))
                .ToEquatableArray());
    }

    private static bool IsPlain(AccessorDeclarationSyntax accessor) =>
        accessor is { Body: null, ExpressionBody: null }
        && accessor.Kind() is SyntaxKind.GetAccessorDeclaration or SyntaxKind.SetAccessorDeclaration or SyntaxKind.InitAccessorDeclaration
        && accessor.Modifiers.All(modifier => SyntaxFacts.IsAccessibilityModifier(modifier.Kind()));

    private static bool IsPartial(MemberDeclarationSyntax syntax) => syntax.Modifiers.Any(SyntaxKind.PartialKeyword);

    private static bool IsFileLocal(Declaration declaration) =>
        declaration.Syntax?.AncestorsAndSelf().OfType<TypeDeclarationSyntax>().Any(type => type.Modifiers.Any(SyntaxKind.FileKeyword)) == true;
}
