using System.Reflection;
using ILGPU.Runtime;

namespace SparseInfer.Ilgpu.StandIn.Execution;

/// <summary>Makes launch delegates for methods whose types are known at run time only.</summary>
internal static class Launcher
{
    private static readonly Type[] Generic =
    [
        typeof(Launcher<>), typeof(Launcher<,>), typeof(Launcher<,,>), typeof(Launcher<,,,>),
        typeof(Launcher<,,,,>), typeof(Launcher<,,,,,>), typeof(Launcher<,,,,,,>), typeof(Launcher<,,,,,,,>),
    ];

    public static TDelegate Create<TDelegate>(Accelerator accelerator, MethodInfo method, KernelSpecialization specialization)
        where TDelegate : Delegate
    {
        var types = Array.ConvertAll(method.GetParameters(), parameter => parameter.ParameterType);
        if (types.Length is 0 or > 8)
            throw new NotSupportedException($"The stand-in launches kernels of 1 to 8 parameters; {method.Name} has {types.Length}.");
        var create = Generic[types.Length - 1].MakeGenericType(types).GetMethod("Create")!;
        object?[] arguments = [accelerator, method, specialization];
        var launch = (Delegate)create.Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, null)!;
        return launch as TDelegate ?? (TDelegate)Delegate.CreateDelegate(typeof(TDelegate), launch, launch.GetType().GetMethod("Invoke")!);
    }
}
