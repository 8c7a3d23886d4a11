using System.Reflection;
using ILGPU;
using SparseInfer.Cli.Compilation;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Cli.Inspect;

/// <summary>A generated kernel.</summary>
/// <param name="ClassName">Its class.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Method">The method that a device runs.</param>
internal sealed record KernelMethod(string ClassName, string Name, MethodInfo Method);

/// <summary>Finds the kernels in what was generated.</summary>
internal static class KernelList
{
    /// <summary>Static methods without a result that take views, or structures of views.</summary>
    public static IReadOnlyList<KernelMethod> Of(CompiledModel compiled) =>
    [
        .. from type in compiled.Assembly.GetTypes()
           where type.Name.Contains("Ilgpu", StringComparison.Ordinal)
           from method in type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
           where method.IsAssembly && method.ReturnType == typeof(void) && method.GetParameters().Any(IsView)
           from kernel in Forms(method)
           select new KernelMethod(type.Name, kernel.Name, kernel.Method),
    ];

    /// <summary>A method as it is launched; one that a meter is a type argument of, as both.</summary>
    private static (string Name, MethodInfo Method)[] Forms(MethodInfo method) => method.IsGenericMethodDefinition
        ?
        [
            (method.Name, method.MakeGenericMethod(typeof(MeterOff))),
            (method.Name + "Metered", method.MakeGenericMethod(typeof(MeterOn))),
        ]
        : [(method.Name, method)];

    private static bool IsView(ParameterInfo parameter) =>
        parameter.ParameterType.IsGenericType && parameter.ParameterType.GetGenericTypeDefinition() == typeof(ArrayView<>);
}
