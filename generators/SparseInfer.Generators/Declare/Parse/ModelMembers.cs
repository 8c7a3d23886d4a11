using System.Globalization;
using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>Members that the generator adds to a model, and what of the user's is in their way.</summary>
internal static class ModelMembers
{
    public const string DeclaredShape = "DeclaredShape";

    public const string Load = "Load";

    /// <summary>Types of the first parameter of <c>Load</c>, in full; the other two are the same.</summary>
    public static readonly IReadOnlyList<string> LoadFrom = ["string", "SparseInfer.Files.ModelFile"];

    private static readonly string[] LoadWith = ["SparseInfer.Device", "SparseInfer.LoadOptions"];

    /// <summary>What has the place of <c>DeclaredShape</c>: the type itself or a member of it; null: nothing.</summary>
    public static ISymbol? InWayOfShape(INamedTypeSymbol type) => type.Name == DeclaredShape
        ? type
        : type.GetMembers(DeclaredShape).Concat(type.GetMembers("get_" + DeclaredShape)).FirstOrDefault();

    /// <summary>What has the place of <c>Load</c> from a <paramref name="source"/>: the type itself or a member of it; null: nothing.</summary>
    public static ISymbol? InWayOfLoad(INamedTypeSymbol type, string source) => type.Name == Load
        ? type
        : type.GetMembers(Load).FirstOrDefault(member => member is not IMethodSymbol method || IsLoad(method, source));

    /// <summary>A name that nothing in the type has: the one wished for, or that with a number.</summary>
    public static string FreeName(INamedTypeSymbol type, string name)
    {
        string free = name;
        for (int i = 1; type.Name == free || !type.GetMembers(free).IsEmpty; i++)
        {
            free = name + i.ToString(CultureInfo.InvariantCulture);
        }

        return free;
    }

    private static bool IsLoad(IMethodSymbol method, string source) =>
        method is { Arity: 0, Parameters.Length: 3 }
        && method.Parameters.All(parameter => parameter.RefKind == RefKind.None)
        && method.Parameters.Select(parameter => parameter.Type.WithNullableAnnotation(NullableAnnotation.None).ToDisplayString())
            .SequenceEqual(LoadWith.Prepend(source));
}
