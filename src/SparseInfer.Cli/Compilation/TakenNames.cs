using System.Reflection;

namespace SparseInfer.Cli.Compilation;

/// <summary>
/// Names that a class in the global namespace must not have: there it comes before what a project imports, and hides namespaces of its name. A model's file
/// may be called as anything.
/// </summary>
internal static class TakenNames
{
    /// <summary>What generated code names from the root, and the class that a program's statements are in: on some systems a file's name says nothing of its case.</summary>
    private static readonly string[] Words = ["System", "SparseInfer", "ILGPU", "Microsoft", "Program"];

    /// <summary>Members of the generated class: no class has its own name for one.</summary>
    private static readonly string[] Members = ["Load", "DeclaredShape", "CreateProgram"];

    /// <summary>What a project with implicit usings imports, and <c>SparseInfer</c>.</summary>
    public static IReadOnlyList<string> Namespaces { get; } =
        ["SparseInfer", "System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Threading", "System.Threading.Tasks"];

    /// <summary>Where their types are that a program is likely to use. Loading one takes less than a millisecond, looking a name up far less.</summary>
    public static IReadOnlyList<Assembly> Assemblies { get; } =
    [
        typeof(DecoderModelAttribute).Assembly, typeof(LanguageModel).Assembly, typeof(IlgpuDevice).Assembly,
        typeof(object).Assembly, typeof(Console).Assembly, typeof(Enumerable).Assembly, typeof(HttpClient).Assembly,
    ];

    /// <summary>Whether something else is called so.</summary>
    public static bool Contains(string name) =>
        Words.Contains(name, StringComparer.OrdinalIgnoreCase) || Members.Contains(name)
        || Namespaces.Any(space => Assemblies.Any(assembly => IsType(assembly, $"{space}.{name}") || IsType(assembly, $"{space}.{name}Attribute")));

    private static bool IsType(Assembly assembly, string name) => assembly.GetType(name) is { IsPublic: true };
}
