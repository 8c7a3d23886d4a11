using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Declare;

/// <summary>What a project declares in the place of something that generated code names.</summary>
internal static class HiddenTypes
{
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

    /// <summary>Types of the base library that generated code names. Others are not in the way: projects bring some along.</summary>
    private static readonly string[] BaseTypes =
    [
        "System.Action", "System.InvalidOperationException", "System.Math", "System.MathF", "System.NotSupportedException", "System.Span",
        "System.CodeDom.Compiler.GeneratedCodeAttribute", "System.Numerics.BitOperations", "System.Runtime.CompilerServices.MethodImplAttribute",
        "System.Runtime.CompilerServices.MethodImplOptions", "System.Runtime.CompilerServices.Unsafe",
        "System.Runtime.InteropServices.MemoryMarshal", "System.Runtime.Intrinsics.Vector128",
    ];

    private static readonly string[] Branches = ["Runtime", "Files", "Kernels", "Generated"];

    /// <summary>By the module of the compilation that is looked at: it is the same for all of its declarations.</summary>
    private static readonly ConditionalWeakTable<IModuleSymbol, IReadOnlyList<Hidden>> Known = new();

    /// <summary>What the declaration's project has in the place of something else.</summary>
    public static IReadOnlyList<Hidden> Of(Declaration declaration) =>
        declaration.Symbol.ContainingModule is { } module ? Known.GetValue(module, Find) : [];

    private static IReadOnlyList<Hidden> Find(IModuleSymbol module)
    {
        INamespaceSymbol root = module.GlobalNamespace;
        IEnumerable<Hidden> all = Types(root, Roots, "the namespace").Concat(Types(root, Words, "the word"));
        if (Find(root, "SparseInfer") is { } ours)
        {
            all = all
                .Concat(Types(ours, Branches, "the namespace", "SparseInfer."))
                .Concat(Types(ours, Words, "the word"))
                .Concat((Find(ours, "Generated")?.GetMembers() ?? []).Select(symbol => new Hidden(symbol, "what SparseInfer generates or names there")))
                .Concat(
                    from space in ours.GetNamespaceMembers()
                    let type = OfOurs(module, space.Name)
                    where type is not null
                    select new Hidden(space, $"the type '{type}'"));
        }

        all = all.Concat(
            from space in Used
            let found = Find(root, space)
            where found is not null
            from type in found.GetTypeMembers()
            let what = type.Arity == 0 && OfOurs(module, type.Name) is { } name ? $"SparseInfer's '{name}'"
                : Spaces.Contains(space) ? null
                : BaseTypes.FirstOrDefault(name => name.EndsWith("." + type.Name, StringComparison.Ordinal)) is { } known
                    ? $"the base library's '{known}'"
                : null
            where what is not null
            select new Hidden(type, what));

        // File-local types of one name are several.
        return [.. all.GroupBy(hidden => hidden.By.ToDisplayString()).Select(group => group.First())];
    }

    private static IEnumerable<Hidden> Types(INamespaceSymbol space, IEnumerable<string> names, string kind, string prefix = "") =>
        from name in names
        from type in space.GetTypeMembers(name)
        select new Hidden(type, $"{kind} '{prefix}{name}'");

    /// <summary>The full name of the type of that name in what the project references of ours; null where there is none.</summary>
    private static string? OfOurs(IModuleSymbol module, string name) =>
        module.ReferencedAssemblySymbols
            .Where(assembly => assembly.Name.StartsWith("SparseInfer.", StringComparison.Ordinal))
            .SelectMany(assembly => Spaces.Where(space =>
                assembly.GetTypeByMetadataName(space + "." + name) is { DeclaredAccessibility: Accessibility.Public }))
            .Select(space => space + "." + name)
            .FirstOrDefault();

    private static INamespaceSymbol? Find(INamespaceSymbol root, string name) => name.Split('.').Aggregate(
        (INamespaceSymbol?)root,
        (space, part) => space?.GetMembers(part).OfType<INamespaceSymbol>().FirstOrDefault());

    /// <summary>Something of the project's that stands in the way.</summary>
    /// <param name="By">The type or namespace.</param>
    /// <param name="What">What generated code means by the name.</param>
    public sealed record Hidden(INamespaceOrTypeSymbol By, string What);
}
