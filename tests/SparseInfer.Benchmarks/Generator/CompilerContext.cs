using System.Reflection;
using System.Runtime.Loader;

namespace SparseInfer.Benchmarks;

/// <summary>
/// The compiler of the SDK and a build of the generator, as in a build: that compiler is machine code before it starts, while the package
/// it comes in is not and would compile itself during a first run.
/// </summary>
/// <param name="generator">Path of the generator's assembly.</param>
internal sealed class CompilerContext(string generator) : AssemblyLoadContext("compiler")
{
    /// <summary>The generator's assembly.</summary>
    public const string Generator = "SparseInfer.Generators";

    /// <summary>Where the SDK that built this has its compiler.</summary>
    private static readonly string Folder = typeof(CompilerContext).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "CompilerFolder").Value!;

    /// <summary>What is measured: the generator of this context.</summary>
    /// <param name="own">An assembly that the context has loaded.</param>
    public static Type GeneratorOf(Assembly own) => GetLoadContext(own)!
        .LoadFromAssemblyName(new AssemblyName(Generator)).GetType(Generator + ".SparseInferGenerator", throwOnError: true)!;

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        Assembly own = typeof(CompilerContext).Assembly;
        string? path = assemblyName.Name switch
        {
            Generator => generator,
            { } name when name == own.GetName().Name => own.Location,
            { } name when name.StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal) => Path.Combine(Folder, name + ".dll"),
            _ => null,
        };
        return path is null ? null : LoadFromAssemblyPath(path);
    }
}
