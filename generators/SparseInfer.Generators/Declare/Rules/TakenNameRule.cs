using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>A model leaves the generator's names to it: <c>Load</c> and <c>DeclaredShape</c>.</summary>
internal sealed class TakenNameRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0039",
        "Name belongs to generated code",
        "'{0}' is what the generator adds to '{1}', so nothing else can have the name; rename it",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0039.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        if (declaration is not { DecoderModel: not null, Type: { } type })
        {
            return [];
        }

        IEnumerable<ISymbol?> inWay = ModelMembers.LoadFrom
            .Select(source => ModelMembers.InWayOfLoad(type, source))
            .Append(ModelMembers.InWayOfShape(type));
        return from symbol in inWay.Distinct<ISymbol?>(SymbolEqualityComparer.Default)
               where symbol is not null
               let location = symbol.Equals(type, SymbolEqualityComparer.Default) ? declaration.NameLocation : symbol.Locations[0]
               select new Violation(location, symbol.Name, type.Name);
    }
}
