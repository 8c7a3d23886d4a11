using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SparseInfer.Generators.Declare;

/// <summary>A model can be instantiated by generated code, and compares by reference.</summary>
internal sealed class ModelTypeKindRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0004",
        "Model is not an ordinary class",
        "A model is an ordinary class, but '{0}' is {1}; write 'public sealed partial class {0}'",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0004.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is not { DecoderModel: not null, Type: { } symbol })
        {
            return [];
        }

        if (symbol.TypeKind is TypeKind.Enum or TypeKind.Delegate)
        {
            string kind = symbol.TypeKind == TypeKind.Enum ? "an enum" : "a delegate";
            return [new Violation(declaration.NameLocation, symbol.Name, kind)];
        }

        return
        [
            .. from reference in symbol.DeclaringSyntaxReferences
               let type = reference.GetSyntax() as TypeDeclarationSyntax
               where type is not null
               from reason in Reasons(type).Concat(OtherBaseClass(symbol, type))
               select new Violation(reason.Location, symbol.Name, reason.Text),
        ];
    }

    private static IEnumerable<(Location Location, string Text)> Reasons(TypeDeclarationSyntax type)
    {
        foreach (SyntaxToken modifier in type.Modifiers)
        {
            // The compiler rejects the latter two in a namespace, and then finds other types where their name stands.
            bool isHidden = modifier.Kind() is SyntaxKind.PrivateKeyword or SyntaxKind.ProtectedKeyword && type.Parent is not TypeDeclarationSyntax;
            if (isHidden || modifier.Kind() is SyntaxKind.StaticKeyword or SyntaxKind.AbstractKeyword)
            {
                yield return (modifier.GetLocation(), modifier.ValueText);
            }
        }

        foreach (SyntaxToken modifier in type.Members.SelectMany(member => member.Modifiers))
        {
            if (modifier.IsKind(SyntaxKind.RequiredKeyword))
            {
                yield return (modifier.GetLocation(), "given a required member, which Load cannot set");
            }
        }

        if (type.Keyword.Kind() is not SyntaxKind.ClassKeyword)
        {
            string article = type.IsKind(SyntaxKind.InterfaceDeclaration) ? "an " : "a ";
            yield return (type.Keyword.GetLocation(), article + type.Keyword.ValueText);
        }
        else if (type.ParameterList is { } parameters)
        {
            // Its constructor would have to be called by every other one, and the generated ones have nothing to pass.
            yield return (parameters.GetLocation(), "declared with a primary constructor");
        }
        else
        {
            foreach (ConstructorDeclarationSyntax constructor in type.Members.OfType<ConstructorDeclarationSyntax>())
            {
                // The base class has no constructor for it to call: only the generated one has what the base is made from.
                bool isStatic = constructor.Modifiers.Any(SyntaxKind.StaticKeyword);
                if (!isStatic && constructor.Initializer?.IsKind(SyntaxKind.ThisConstructorInitializer) != true)
                {
                    yield return (constructor.Identifier.GetLocation(), "given a constructor that does not end in ': this(...)'");
                }
            }
        }
    }

    /// <summary>The generated part derives from LanguageModel, and a class has one base.</summary>
    private static IEnumerable<(Location Location, string Text)> OtherBaseClass(INamedTypeSymbol symbol, TypeDeclarationSyntax type)
    {
        bool isOther = symbol.TypeKind == TypeKind.Class
            && symbol.BaseType is { SpecialType: SpecialType.None, TypeKind: not TypeKind.Error } @base
            && !BaseClass.IsOurs(@base);
        if (type.BaseList is { } list && (isOther || BaseClass.IsObjectIn(type)))
        {
            yield return (list.Types[0].GetLocation(), $"derived from {symbol.BaseType!.Name}");
        }
    }
}
