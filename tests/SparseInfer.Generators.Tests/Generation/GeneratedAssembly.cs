using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;

namespace SparseInfer.Generators.Tests.Generation;

/// <summary>A compiled project, loaded beside the tests.</summary>
internal sealed class GeneratedAssembly
{
    private const BindingFlags Members =
        BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DoNotWrapExceptions;

    private readonly Assembly _assembly;

    private GeneratedAssembly(Assembly assembly) => _assembly = assembly;

    /// <summary>Compiles and loads; a warning fails.</summary>
    /// <param name="unloads">Whether it goes once nobody holds anything of it: not where others' code is made from its kernels.</param>
    public static GeneratedAssembly Load(Compilation compilation, bool unloads = true)
    {
        using var image = new MemoryStream();
        using var documentation = new MemoryStream(); // asked for, so that comments are checked as well
        compilation.Emit(image, xmlDocumentationStream: documentation).Diagnostics.ShouldHaveNoWarnings();
        image.Position = 0;
        return new GeneratedAssembly(new AssemblyLoadContext(compilation.AssemblyName, isCollectible: unloads).LoadFromStream(image));
    }

    /// <summary>The layer behind a property, as a new object of its own.</summary>
    public FeedForwardKernel Layer(string type, string property)
    {
        var shared = (FeedForwardKernel)Type(type).GetProperty(property, Members).ShouldNotBeNull().GetValue(null).ShouldNotBeNull();
        return shared.New();
    }

    /// <summary>Calls the <c>Load</c> of a declared model.</summary>
    public LanguageModel LoadModel(string type, string path, Device device, LoadOptions? options = null) =>
        (LanguageModel)Type(type).GetMethod("Load", Members, [typeof(string), typeof(Device), typeof(LoadOptions)]).ShouldNotBeNull()
            .Invoke(null, Members, null, [path, device, options], null).ShouldNotBeNull();

    private Type Type(string name) => _assembly.GetType(name).ShouldNotBeNull();
}
