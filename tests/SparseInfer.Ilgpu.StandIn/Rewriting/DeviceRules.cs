using System.Reflection;
using System.Reflection.Emit;
using ILGPU;
using ILGPU.Runtime;

namespace SparseInfer.Ilgpu.StandIn.Rewriting;

/// <summary>What ILGPU 1.5.3 does not compile, or compiles into something that no device loads.</summary>
internal static class DeviceRules
{
    private static readonly Assembly[] Libraries = [typeof(object).Assembly, typeof(ArrayView<>).Assembly];

    private static readonly string[] Stems =
        ["newarr", "ldelem", "stelem", "ldlen", "box", "unbox", "castclass", "isinst", "ldvirtftn", "ldftn", "calli", "jmp", "localloc",
        "throw", "rethrow", "ldtoken", "mkrefany", "refanyval", "arglist", "cpblk", "initblk", "ckfinite", "leave", "endfinally"];

    /// <summary>Why an instruction cannot stand in a kernel; null if it can.</summary>
    public static string? Forbids(Instruction instruction)
    {
        string name = instruction.Code.Name!;
        if (Stems.Any(stem => name.StartsWith(stem, StringComparison.Ordinal)))
            return $"{name} does not compile for a device";
        if (instruction.Code == OpCodes.Stsfld || instruction.Code == OpCodes.Ldsflda)
            return "a static field is written or its address taken";
        if (instruction.Code == OpCodes.Ldsfld && (!instruction.Field.IsInitOnly || !instruction.Field.FieldType.IsValueType))
            return $"static field {instruction.Field.Name} is not a read-only value";
        return instruction.Method is { } method ? Forbids(instruction, method) : null;
    }

    /// <summary>Whether a method is called as it is: .NET's own, and ILGPU's.</summary>
    public static bool IsLibrary(MethodBase method)
    {
        var assembly = method.Module.Assembly;
        return Libraries.Contains(assembly) || assembly.GetName().Name!.StartsWith("System.", StringComparison.Ordinal);
    }

    /// <summary>The method of a structure that a constrained call reaches.</summary>
    public static MethodInfo Resolve(Type type, MethodInfo method)
    {
        if (!method.DeclaringType!.IsInterface || !type.IsValueType)
            return method;
        var map = type.GetInterfaceMap(method.DeclaringType);
        var wanted = method.IsGenericMethod ? method.GetGenericMethodDefinition() : method;
        int index = Array.IndexOf(map.InterfaceMethods, wanted);
        if (index < 0)
            return method;
        var target = map.TargetMethods[index];
        return method.IsGenericMethod ? target.MakeGenericMethod(method.GetGenericArguments()) : target;
    }

    /// <summary>A constructor is called as it is, so it may not touch views or ask for the thread.</summary>
    public static void RequireInnocent(ConstructorInfo constructor)
    {
        foreach (var instruction in MethodText.Read(constructor).Instructions)
        {
            if (instruction.Method is not { DeclaringType: { } declaring } method)
                continue;
            var definition = declaring.IsConstructedGenericType ? declaring.GetGenericTypeDefinition() : declaring;
            bool access = method.Name == "get_Item" && (definition == typeof(ArrayView<>) || definition == typeof(ArrayView1D<,>));
            if (access || declaring == typeof(Grid) || declaring == typeof(Group) || declaring == typeof(Warp) || !IsLibrary(method))
            {
                throw new RuleException(
                    $"a constructor of {constructor.DeclaringType!.Name} does more than set fields: it calls {method.Name}");
            }
        }
    }

    private static string? Forbids(Instruction instruction, MethodBase method)
    {
        var declaring = method.DeclaringType!;
        if (instruction.Code == OpCodes.Newobj && !declaring.IsValueType)
            return $"an object of type {declaring.Name} is created";
        if (method.Name == nameof(MathF.FusedMultiplyAdd))
            return "FusedMultiplyAdd becomes a function that no module defines; write a * b + c";
        if ((declaring == typeof(MathF) || declaring == typeof(Math)) && method.Name is ("Exp" or "Pow" or "Log" or "Log10"))
            return $"{declaring.Name}.{method.Name} compiles with the package ILGPU.Algorithms only";
        if (declaring == typeof(System.Half))
            return "System.Half does not compile; use ILGPU.Half";
        if (declaring == typeof(System.Numerics.BitOperations))
            return "BitOperations becomes software; use IntrinsicMath";
        if (declaring == typeof(BitConverter))
            return "of BitConverter only some forms compile; use Interop.IntAsFloat and FloatAsInt";
        if (declaring.Namespace == "System.Runtime.Intrinsics" || declaring.Namespace == "System.Numerics")
            return $"{declaring.Name} does not compile for a device";
        return null;
    }
}
