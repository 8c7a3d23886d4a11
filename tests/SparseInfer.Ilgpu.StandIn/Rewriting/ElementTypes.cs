using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace SparseInfer.Ilgpu.StandIn.Rewriting;

/// <summary>Sizes of elements and places of fields in them.</summary>
internal static class ElementTypes
{
    public static int Size(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    /// <summary>What an element's address must be a multiple of: its size where one instruction loads it, up to 16 bytes.</summary>
    public static int Alignment(Type type)
    {
        int size = Size(type);
        if (size % 16 == 0)
            return 16;
        return int.IsPow2(size) ? size : Largest(type);
    }

    /// <summary>Bytes of the smallest number in a type, at most 4.</summary>
    public static int Granule(Type type)
    {
        if (type.IsPrimitive || type.IsEnum || type.IsPointer)
            return Math.Min(Size(type), 4);
        return Fields(type).Select(field => Granule(field.FieldType)).DefaultIfEmpty(1).Min();
    }

    /// <summary>Bytes from an element's beginning to a field of a field of it.</summary>
    public static int Offset(Type type, IReadOnlyList<FieldInfo> fields)
    {
        var method = new DynamicMethod("Offset", typeof(int), [type.MakeByRefType()], typeof(ElementTypes).Module, true);
        var il = method.GetILGenerator();
        il.Emit(OpCodes.Ldarg_0);
        foreach (var field in fields)
            il.Emit(OpCodes.Ldflda, field);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Conv_I);
        il.Emit(OpCodes.Sub);
        il.Emit(OpCodes.Conv_I4);
        il.Emit(OpCodes.Ret);
        return (int)method.Invoke(null, [RuntimeHelpers.GetUninitializedObject(type)])!;
    }

    public static FieldInfo[] Fields(Type type) => type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);

    private static int Largest(Type type) => type.IsPrimitive || type.IsEnum || type.IsPointer
        ? Size(type)
        : Fields(type).Select(field => Largest(field.FieldType)).DefaultIfEmpty(1).Max();
}
