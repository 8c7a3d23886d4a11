using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Parse;

namespace SparseInfer.Generators.Rules;

/// <summary>The project declares nothing that takes the place of what generated code names.</summary>
internal sealed class HiddenTypeRule : DeclarationRule
{
    private static readonly DiagnosticDescriptor Rule = new(
        "SPI0041",
        "Type hides one that generated code names",
        "What is generated for '{0}' would find '{1}' of this project in place of SparseInfer's; move it to a namespace of your own",
        Category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: Pages + "SPI0041.md");

    public override DiagnosticDescriptor Descriptor => Rule;

    /// <summary>Namespaces of ours, in each of which a type of the same name would be found first or as well.</summary>
    private static readonly string[] Spaces =
    [
        "SparseInfer", "SparseInfer.Runtime", "SparseInfer.Files", "SparseInfer.Kernels.Cpu", "SparseInfer.Kernels.Ilgpu",
    ];

    /// <summary>Namespaces that generated files use.</summary>
    private static readonly string[] Used =
    [
        .. Spaces, "System", "System.CodeDom.Compiler", "System.Diagnostics", "System.Numerics", "System.Runtime.CompilerServices",
        "System.Runtime.InteropServices", "System.Runtime.Intrinsics", "ILGPU", "ILGPU.Runtime",
    ];

    /// <summary>What generated code names in the global namespace, and in ours: as a type, the name would mean something else.</summary>
    private static readonly string[] Roots = ["System", "SparseInfer", "ILGPU"];

    /// <summary>Words that are a type's name where there is such a type.</summary>
    private static readonly string[] Words = ["nint", "nuint", "var", "dynamic", "notnull", "unmanaged", "scoped", "_"];

    /// <summary>Types of the base library that generated code names. Others of its namespaces are not in the way: projects bring some along.</summary>
    private static readonly string[] BaseTypes =
    [
        "Action", "BitOperations", "GeneratedCodeAttribute", "Math", "MathF", "MemoryMarshal", "MethodImplAttribute", "MethodImplOptions",
        "NotSupportedException", "Span", "Unsafe", "Vector", "Vector128",
    ];

    private static readonly string[] Branches = ["Runtime", "Files", "Kernels", "Generated"];

    public override IEnumerable<Violation> Check(Declaration declaration)
    {
        bool isDeclaration = declaration is { DecoderModel: not null } or { Property: not null, FeedForward: not null };
        return from symbol in isDeclaration ? Hiding(declaration) : []
               select new Violation(declaration.NameLocation, declaration.Symbol.Name, symbol.ToDisplayString());
    }

    /// <summary>What the declaration's project has in the place of something else.</summary>
    public static IEnumerable<INamespaceOrTypeSymbol> Hiding(Declaration declaration)
    {
        if (declaration.Symbol.ContainingModule is not { } module)
        {
            return [];
        }

        INamespaceSymbol root = module.GlobalNamespace;
        IEnumerable<INamespaceOrTypeSymbol> names = Roots.Concat(Words).SelectMany(name => root.GetTypeMembers(name));
        if (Find(root, "SparseInfer") is { } ours)
        {
            names = names
                .Concat(Branches.Concat(Words).SelectMany(name => ours.GetTypeMembers(name)))
                .Concat(Find(ours, "Generated")?.GetMembers() ?? [])
                .Concat(ours.GetNamespaceMembers().Where(space => IsOurs(module, space.Name)));
        }

        names = names.Concat(
            from space in Used
            let found = Find(root, space)
            where found is not null
            from type in found.GetTypeMembers()
            where type.Arity == 0
            where IsOurs(module, type.Name) || (!Spaces.Contains(space) && BaseTypes.Contains(type.Name))
            select type);

        // File-local types of one name are several.
        return names.GroupBy(symbol => symbol.ToDisplayString()).Select(group => group.First());
    }

    /// <summary>Whether a type of that name is in what the project references of ours.</summary>
    private static bool IsOurs(IModuleSymbol module, string name) =>
        module.ReferencedAssemblySymbols
            .Where(assembly => assembly.Name.StartsWith("SparseInfer.", StringComparison.Ordinal))
            .Any(assembly => Spaces.Any(space =>
                assembly.GetTypeByMetadataName(space + "." + name) is { DeclaredAccessibility: Accessibility.Public }));

    private static INamespaceSymbol? Find(INamespaceSymbol root, string name) => name.Split('.').Aggregate(
        (INamespaceSymbol?)root,
        (space, part) => space?.GetMembers(part).OfType<INamespaceSymbol>().FirstOrDefault());
}
