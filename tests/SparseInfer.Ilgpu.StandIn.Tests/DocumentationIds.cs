using System.Reflection;
using System.Text;

namespace SparseInfer.Ilgpu.StandIn.Tests;

/// <summary>Documentation ids (<c>M:ILGPU.Warp.ShuffleXor``1(``0,System.Int32)</c>) of an assembly's public members, found by
/// reflection: a list of ids and an assembly, the stand-in or the package, can be held together.</summary>
internal static class DocumentationIds
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>All public and protected members of an assembly, by id.</summary>
    public static IReadOnlyDictionary<string, MemberInfo> In(Assembly assembly)
    {
        var members = new Dictionary<string, MemberInfo>(StringComparer.Ordinal);
        foreach (var type in assembly.GetTypes().Where(IsVisible))
        {
            members.Add(Of(type), type);
            foreach (var member in type.GetMembers(Declared).Where(member => member is not Type && IsVisible(member)))
                members.TryAdd(Of(member), member);
        }

        return members;
    }

    /// <summary>The ids that name no public member of an assembly.</summary>
    public static IReadOnlyList<string> Missing(IEnumerable<string> ids, Assembly assembly)
    {
        var members = In(assembly);
        return [.. ids.Where(id => !members.ContainsKey(id))];
    }

    /// <summary>A member's id.</summary>
    public static string Of(MemberInfo member) => member switch
    {
        Type type => $"T:{TypeName(type)}",
        FieldInfo field => $"F:{TypeName(field.DeclaringType!)}.{field.Name}",
        EventInfo @event => $"E:{TypeName(@event.DeclaringType!)}.{@event.Name}",
        PropertyInfo property => $"P:{TypeName(property.DeclaringType!)}.{property.Name}{Parameters(property.GetIndexParameters())}",
        MethodBase method => OfMethod(method),
        _ => throw new ArgumentException($"{member} has no id.", nameof(member)),
    };

    private static string OfMethod(MethodBase method)
    {
        var id = new StringBuilder($"M:{TypeName(method.DeclaringType!)}.{method.Name.Replace('.', '#')}");
        if (method.IsGenericMethod)
            id.Append("``").Append(method.GetGenericArguments().Length);
        id.Append(Parameters(method.GetParameters()));
        if (method is MethodInfo { Name: "op_Implicit" or "op_Explicit" } conversion)
            id.Append('~').Append(Reference(conversion.ReturnType));
        return id.ToString();
    }

    private static bool IsVisible(MemberInfo member) => member switch
    {
        Type { IsNested: true } type =>
            (type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem) && IsVisible(type.DeclaringType!),
        Type type => type.IsPublic,
        FieldInfo field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly,
        PropertyInfo property => property.GetAccessors(true).Any(IsVisible),
        EventInfo @event => IsVisible(@event.AddMethod!),
        MethodBase method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly,
        _ => false,
    };

    /// <summary>A type as the thing that is declared.</summary>
    private static string TypeName(Type type)
    {
        if (type.IsConstructedGenericType)
            type = type.GetGenericTypeDefinition();
        return type.FullName!.Replace('+', '.');
    }

    /// <summary>A type as a parameter names it.</summary>
    private static string Reference(Type type)
    {
        if (type.IsByRef)
            return Reference(type.GetElementType()!) + "@";
        if (type.IsPointer)
            return Reference(type.GetElementType()!) + "*";
        if (type.IsArray)
        {
            string ranks = type.GetArrayRank() == 1 ? string.Empty : string.Join(',', Enumerable.Repeat("0:", type.GetArrayRank()));
            return $"{Reference(type.GetElementType()!)}[{ranks}]";
        }

        if (type.IsGenericMethodParameter)
            return $"``{type.GenericParameterPosition}";
        if (type.IsGenericParameter)
            return $"`{type.GenericParameterPosition}";
        if (!type.IsGenericType)
            return type.FullName!.Replace('+', '.');

        // Each part of a nested type's name takes as many of the arguments as it has parameters of its own.
        var arguments = new Queue<Type>(type.GetGenericArguments());
        var parts = type.GetGenericTypeDefinition().FullName!.Split('+').Select(part =>
        {
            var (name, count) = part.Split('`') is [var plain, var number] ? (plain, int.Parse(number)) : (part, 0);
            var own = Enumerable.Range(0, count).Select(_ => Reference(arguments.Dequeue()));
            return count == 0 ? name : $"{name}{{{string.Join(',', own)}}}";
        });
        return string.Join('.', parts);
    }

    private static string Parameters(ParameterInfo[] parameters) =>
        parameters.Length == 0 ? string.Empty : $"({string.Join(',', parameters.Select(parameter => Reference(parameter.ParameterType)))})";
}
