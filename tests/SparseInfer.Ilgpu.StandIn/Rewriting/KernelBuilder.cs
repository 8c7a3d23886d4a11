using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Ilgpu.StandIn.Execution;

namespace SparseInfer.Ilgpu.StandIn.Rewriting;

/// <summary>Builds the type of a kernel's lanes, in a dynamic assembly that may use the internal types of the kernel's own.</summary>
internal sealed class KernelBuilder
{
    private readonly MethodInfo _method;
    private readonly Type _arguments;
    private readonly AssemblyBuilder _assembly;
    private readonly HashSet<Assembly> _allowed = [];
    private readonly List<Site> _sites = [];
    private readonly Dictionary<MethodBase, MethodBuilder?> _functions = [];
    private int _granule = 4;

    public KernelBuilder(MethodInfo method, Type arguments)
    {
        if (!method.IsStatic || method.ReturnType != typeof(void))
            throw new RuleException("a kernel is a static method that returns nothing");
        _method = method;
        _arguments = arguments;
        _assembly = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName($"StandIn.{method.Name}"), AssemblyBuilderAccess.Run);
        Type = _assembly.DefineDynamicModule("Kernel").DefineType(
            method.Name,
            TypeAttributes.Public | TypeAttributes.Sealed,
            typeof(Lane));
        Arguments = Type.DefineField("Arguments", arguments, FieldAttributes.Public);
    }

    public TypeBuilder Type { get; }

    public FieldBuilder Arguments { get; }

    public KernelProgram Build()
    {
        Allow(_method);
        foreach (var parameter in _method.GetParameters())
            Allow(parameter.ParameterType);
        DefineSetArguments();
        DefineVisit();
        var resume = Override(nameof(Lane.Resume));
        resume.SetImplementationFlags(MethodImplAttributes.AggressiveOptimization);
        new KernelRewriter(this, MethodText.Read(_method), resume.GetILGenerator()).Rewrite();
        return new KernelProgram(_method.Name, Type.CreateType(), _sites, _granule);
    }

    public FieldInfo ArgumentField(int index) => _arguments.GetField($"P{index + 1}")!;

    public int AddSite(MethodText text, Instruction instruction, string member, Meeting meeting = Meeting.None)
    {
        _sites.Add(new Site(_sites.Count, text.Method.Name, instruction.Offset, member, meeting));
        return _sites.Count - 1;
    }

    public void Accesses(Type element) => _granule = Math.Min(_granule, ElementTypes.Granule(element));

    /// <summary>The rewritten form of a device function: the same parameters, then the lane.</summary>
    public MethodInfo Function(MethodBase method)
    {
        if (_functions.TryGetValue(method, out var known))
            return known ?? throw new RuleException($"{method.Name} calls itself");
        _functions.Add(method, null);
        Allow(method);
        var text = MethodText.Read(method);
        Type[] parameters = [.. method.GetParameters().Select(parameter => parameter.ParameterType), typeof(Lane)];
        if (!method.IsStatic)
            parameters = [method.DeclaringType!.MakeByRefType(), .. parameters];
        var function = Type.DefineMethod(
            $"{method.Name}_{_functions.Count}",
            MethodAttributes.Public | MethodAttributes.Static,
            ((MethodInfo)method).ReturnType,
            parameters);
        function.SetImplementationFlags(text.Instructions.Count < 120
            ? MethodImplAttributes.AggressiveInlining
            : MethodImplAttributes.AggressiveOptimization);
        new FunctionRewriter(this, text, function.GetILGenerator(), parameters.Length - 1).Rewrite();
        _functions[method] = function;
        return function;
    }

    public void Allow(MethodBase method)
    {
        Allow(method.DeclaringType!);
        if (method.IsGenericMethod)
            Array.ForEach(method.GetGenericArguments(), Allow);
    }

    /// <summary>Lets the rewritten code use what is not public in a type's assembly.</summary>
    public void Allow(Type type)
    {
        if (type.HasElementType)
        {
            Allow(type.GetElementType()!);
            return;
        }

        if (type.IsConstructedGenericType)
            Array.ForEach(type.GetGenericArguments(), Allow);
        if (_allowed.Add(type.Assembly))
        {
            var constructor = typeof(IgnoresAccessChecksToAttribute).GetConstructor([typeof(string)])!;
            _assembly.SetCustomAttribute(new CustomAttributeBuilder(constructor, [type.Assembly.GetName().Name!]));
        }
    }

    private MethodBuilder Override(string name)
    {
        var method = typeof(Lane).GetMethod(name)!;
        var builder = Type.DefineMethod(
            name,
            MethodAttributes.Public | MethodAttributes.Virtual | MethodAttributes.HideBySig,
            method.ReturnType,
            Array.ConvertAll(method.GetParameters(), parameter => parameter.ParameterType));
        Type.DefineMethodOverride(builder, method);
        return builder;
    }

    private void DefineSetArguments()
    {
        var il = Override(nameof(Lane.SetArguments)).GetILGenerator();
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Castclass, _arguments);
        il.Emit(OpCodes.Stfld, Arguments);
        il.Emit(OpCodes.Ret);
    }

    private void DefineVisit()
    {
        var il = Override(nameof(Lane.Visit)).GetILGenerator();
        foreach (var parameter in _method.GetParameters())
            EmitVisit(il, [ArgumentField(parameter.Position)], parameter.ParameterType, parameter.Name!);
        il.Emit(OpCodes.Ret);
    }

    private void EmitVisit(ILGenerator il, FieldInfo[] path, Type type, string label)
    {
        var definition = type.IsConstructedGenericType ? type.GetGenericTypeDefinition() : type;
        string? visit = definition == typeof(ArrayView<>) ? nameof(ViewVisitor.Visit)
            : definition == typeof(ArrayView1D<,>) ? nameof(ViewVisitor.Visit1D)
            : null;
        if (visit is not null)
        {
            il.Emit(OpCodes.Ldarg_1);
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Ldfld, Arguments);
            foreach (var field in path)
                il.Emit(OpCodes.Ldflda, field);
            il.Emit(OpCodes.Ldstr, label);
            il.Emit(OpCodes.Call, typeof(ViewVisitor).GetMethod(visit)!.MakeGenericMethod(type.GetGenericArguments()[0]));
        }
        else if (!type.IsPrimitive && !type.IsEnum && !type.IsPointer)
        {
            if (!type.IsValueType)
                throw new RuleException($"parameter {label} is of type {type.Name}: a kernel takes values only");
            foreach (var field in ElementTypes.Fields(type))
                EmitVisit(il, [.. path, field], field.FieldType, $"{label}.{PlainName(field)}");
        }
    }

    /// <summary>The name of a field, or of the property that it backs.</summary>
    public static string PlainName(FieldInfo field)
    {
        int end = field.Name.IndexOf('>', StringComparison.Ordinal);
        return field.Name.StartsWith('<') && end > 1 ? field.Name[1..end] : field.Name;
    }
}
