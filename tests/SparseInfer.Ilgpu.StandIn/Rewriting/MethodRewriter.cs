using System.Reflection;
using System.Reflection.Emit;
using ILGPU;
using ILGPU.Runtime;
using SparseInfer.Ilgpu.StandIn.Execution;

namespace SparseInfer.Ilgpu.StandIn.Rewriting;

/// <summary>Writes a method's text again: every access of a view checked, every question about the thread put to the lane.</summary>
internal abstract class MethodRewriter
{
    private static readonly Dictionary<string, OpCode> CodesByName = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .GroupBy(code => code.Name!)
        .ToDictionary(group => group.Key, group => group.First());

    private readonly Label[] _labels;
    private readonly bool[] _targets;
    private readonly LocalBuilder[] _locals;
    private readonly Dictionary<int, PendingStore> _stores = [];
    private Type? _constrained;

    protected MethodRewriter(KernelBuilder builder, MethodText text, ILGenerator il)
    {
        Builder = builder;
        Text = text;
        Il = il;
        foreach (var local in text.Locals)
            builder.Allow(local);
        _locals = [.. text.Locals.Select(il.DeclareLocal)];
        _labels = new Label[text.Instructions.Count];
        _targets = new bool[text.Instructions.Count];
        foreach (int target in text.Instructions.SelectMany(instruction => instruction.Targets))
        {
            if (!_targets[target])
                _labels[target] = il.DefineLabel();
            _targets[target] = true;
        }
    }

    protected KernelBuilder Builder { get; }

    protected MethodText Text { get; }

    protected ILGenerator Il { get; }

    protected IReadOnlyList<LocalBuilder> Locals => _locals;

    public void Rewrite()
    {
        Begin();
        foreach (var instruction in Text.Instructions)
        {
            if (Text.Depths[instruction.Index] < 0)
                continue;
            if (_targets[instruction.Index])
                Il.MarkLabel(_labels[instruction.Index]);
            Emit(instruction);
        }

        End();
    }

    protected virtual void Begin()
    {
    }

    protected virtual void End()
    {
    }

    protected abstract void LoadLane();

    protected abstract void LoadArgument(int argument, bool fieldFollows);

    protected abstract void LoadArgumentAddress(int argument);

    protected abstract void StoreArgument(int argument);

    protected abstract void Return();

    /// <summary>A shuffle or a barrier.</summary>
    protected abstract void Meet(Instruction instruction, MethodInfo method, Meeting meeting);

    /// <summary>Shared memory.</summary>
    protected abstract void Share(Instruction instruction, MethodInfo method);

    protected RuleException Broken(Instruction instruction, string rule) => new($"{Text.Method.Name}, {instruction}: {rule}");

    protected void CallDevice(string name, MethodInfo method)
    {
        var target = typeof(DeviceFunctions).GetMethod(name)!;
        Il.Emit(OpCodes.Call, method.IsGenericMethod ? target.MakeGenericMethod(method.GetGenericArguments()) : target);
    }

    /// <summary>The view or structure that an instruction addresses, in words.</summary>
    protected string Describe(int before, int slot)
    {
        for (int index = before - 1; index >= 0; index--)
        {
            var instruction = Text.Instructions[index];
            int depth = Text.Depths[index];
            if (depth < 0 || depth - instruction.Pops(Text.ReturnsValue) > slot)
                continue;
            if (instruction.Code == OpCodes.Ldflda || instruction.Code == OpCodes.Ldfld)
                return $"{Describe(index, slot)}.{KernelBuilder.PlainName(instruction.Field)}";
            if (instruction.Argument("ld") is >= 0 and var argument)
                return ParameterName(argument);
            if (instruction.Code == OpCodes.Ldarga || instruction.Code == OpCodes.Ldarga_S)
                return ParameterName((int)instruction.Operand!);
            if (instruction.Code == OpCodes.Ldloca || instruction.Code == OpCodes.Ldloca_S)
                return $"local {instruction.Operand}";
            break;
        }

        return "view";
    }

    private string ParameterName(int argument)
    {
        if (!Text.Method.IsStatic)
            argument--;
        return argument < 0 ? "this" : Text.Method.GetParameters()[argument].Name ?? $"parameter {argument}";
    }

    private void Emit(Instruction instruction)
    {
        var code = instruction.Code;
        if (_stores.TryGetValue(instruction.Index, out var store))
            EmitStore(instruction, store);
        else if (instruction.Local("ld") is >= 0 and var loaded)
            Il.Emit(OpCodes.Ldloc, _locals[loaded]);
        else if (instruction.Local("st") is >= 0 and var stored)
            Il.Emit(OpCodes.Stloc, _locals[stored]);
        else if (code == OpCodes.Ldloca || code == OpCodes.Ldloca_S)
            Il.Emit(OpCodes.Ldloca, _locals[(int)instruction.Operand!]);
        else if (instruction.Argument("ld") is >= 0 and var argument)
            LoadArgument(argument, FieldFollows(instruction));
        else if (code == OpCodes.Ldarga || code == OpCodes.Ldarga_S)
            LoadArgumentAddress((int)instruction.Operand!);
        else if (instruction.Argument("st") is >= 0 and var target)
            StoreArgument(target);
        else if (code == OpCodes.Ret)
            Return();
        else if (code == OpCodes.Switch)
            Il.Emit(code, Array.ConvertAll((int[])instruction.Operand!, index => _labels[index]));
        else if (code.OperandType is OperandType.InlineBrTarget or OperandType.ShortInlineBrTarget)
            Il.Emit(Long(code), _labels[(int)instruction.Operand!]);
        else if (code == OpCodes.Constrained)
            _constrained = (Type)instruction.Operand!;
        else if (instruction.Method is not null)
            EmitCall(instruction);
        else
            EmitPlain(instruction);
    }

    private static OpCode Long(OpCode code) => code.OperandType == OperandType.InlineBrTarget ? code : CodesByName[code.Name![..^2]];

    private bool FieldFollows(Instruction instruction) =>
        instruction.Index + 1 < Text.Instructions.Count
        && !_targets[instruction.Index + 1]
        && Text.Instructions[instruction.Index + 1].Code == OpCodes.Ldfld;

    private void EmitPlain(Instruction instruction)
    {
        var code = instruction.Code;
        if (code == OpCodes.Nop || code == OpCodes.Volatile || code == OpCodes.Unaligned || code == OpCodes.Tailcall
            || code == OpCodes.Readonly || code == OpCodes.Break)
        {
            return;
        }

        if (DeviceRules.Forbids(instruction) is { } reason)
            throw Broken(instruction, reason);
        if (DivisionByPowerOfTwo(instruction) is { } type)
        {
            LoadLane();
            Il.Emit(OpCodes.Ldc_I4, Builder.AddSite(Text, instruction, "division"));
            Il.Emit(OpCodes.Call, typeof(Checked).GetMethod(nameof(Checked.Divide), [type, type, typeof(Lane), typeof(int)])!);
            return;
        }

        switch (instruction.Operand)
        {
            case null:
                Il.Emit(code);
                break;
            case int value when code == OpCodes.Ldc_I4 || code == OpCodes.Ldc_I4_S:
                Il.Emit(OpCodes.Ldc_I4, value);
                break;
            case long value:
                Il.Emit(code, value);
                break;
            case float value:
                Il.Emit(code, value);
                break;
            case double value:
                Il.Emit(code, value);
                break;
            case FieldInfo value:
                Builder.Allow(value.DeclaringType!);
                Builder.Allow(value.FieldType);
                Il.Emit(code, value);
                break;
            case Type value:
                Builder.Allow(value);
                Il.Emit(code, value);
                break;
            default:
                throw Broken(instruction, "the rewriter does not know this instruction");
        }
    }

    /// <summary>The type of a division by a constant power of two, or null: it is no such division.</summary>
    private Type? DivisionByPowerOfTwo(Instruction instruction)
    {
        if ((instruction.Code != OpCodes.Div && instruction.Code != OpCodes.Div_Un) || instruction.Index == 0)
            return null;
        var last = Text.Instructions[instruction.Index - 1];
        bool widens = last.Code == OpCodes.Conv_I8 || last.Code == OpCodes.Conv_U8;
        var constant = widens && last.Index > 0 ? Text.Instructions[last.Index - 1] : last;
        if (constant.Constant is not { } divisor || divisor < 2 || !long.IsPow2(divisor))
            return null;
        return widens || constant.Code == OpCodes.Ldc_I8 ? typeof(long) : typeof(int);
    }

    private void EmitCall(Instruction instruction)
    {
        var method = instruction.Method!;
        var declaring = method.DeclaringType!;
        var definition = declaring.IsConstructedGenericType ? declaring.GetGenericTypeDefinition() : declaring;
        bool isView = definition == typeof(ArrayView<>) || definition == typeof(ArrayView1D<,>);
        if (isView && method.Name == "get_Item")
        {
            EmitAccess(instruction, method, definition == typeof(ArrayView1D<,>));
            return;
        }

        if (declaring == typeof(Grid) || declaring == typeof(Group) || declaring == typeof(Warp) || declaring == typeof(SharedMemory))
        {
            EmitThreadMember(instruction, (MethodInfo)method, declaring);
            return;
        }

        if (DeviceRules.Forbids(instruction) is { } reason)
            throw Broken(instruction, reason);
        var constrained = _constrained;
        _constrained = null;
        if (constrained is not null)
            method = DeviceRules.Resolve(constrained, (MethodInfo)method);
        Builder.Allow(method);
        if (DeviceRules.IsLibrary(method))
        {
            if (isView || declaring == typeof(ArrayViewExtensions))
                NoteSite(instruction, $"{declaring.Name.Split('`')[0]}.{method.Name}");
            if (constrained is not null)
                Il.Emit(OpCodes.Constrained, constrained);
            EmitMethod(instruction.Code, method);
        }
        else if (method is ConstructorInfo constructor)
        {
            DeviceRules.RequireInnocent(constructor);
            EmitMethod(instruction.Code, constructor);
        }
        else
        {
            var function = Builder.Function(method);
            LoadLane();
            Il.Emit(OpCodes.Call, function);
        }
    }

    private void EmitMethod(OpCode code, MethodBase method)
    {
        if (method is ConstructorInfo constructor)
            Il.Emit(code, constructor);
        else
            Il.Emit(code, (MethodInfo)method);
    }

    private void NoteSite(Instruction instruction, string member)
    {
        LoadLane();
        Il.Emit(OpCodes.Ldc_I4, Builder.AddSite(Text, instruction, member));
        Il.Emit(OpCodes.Stfld, typeof(Lane).GetField(nameof(Lane.Site))!);
    }

    private void EmitThreadMember(Instruction instruction, MethodInfo method, Type declaring)
    {
        string name = method.Name.StartsWith("get_", StringComparison.Ordinal) ? method.Name[4..] : method.Name;
        if (declaring == typeof(SharedMemory))
        {
            Share(instruction, method);
        }
        else if (method.Name == nameof(Group.Barrier) || method.IsGenericMethod)
        {
            Meet(instruction, method, Enum.Parse<Meeting>(method.Name));
        }
        else
        {
            LoadLane();
            CallDevice(declaring.Name + name, method);
        }
    }

    private void EmitAccess(Instruction instruction, MethodBase method, bool strided)
    {
        var types = method.DeclaringType!.GetGenericArguments();
        var element = types[0];
        if (strided && types[1] != typeof(Stride1D.Dense))
            throw Broken(instruction, $"a view with stride {types[1].Name}: only dense ones are offered");
        var uses = AddressUses.Of(Text, instruction.Index);
        Builder.Allow(method);
        Builder.Accesses(element);
        int slot = Text.Depths[instruction.Index] - 2;
        string verb = uses.Stores.Count == 0 ? "load from" : uses.Loads.Count == 0 ? "store to" : "load from and store to";
        string view = $"{Describe(instruction.Index, slot)}, {method.DeclaringType.Name.Split('`')[0]}<{element.Name}>";
        int site = Builder.AddSite(Text, instruction, $"{verb} {view}");
        ConvertIndex(method.GetParameters()[0].ParameterType);
        LoadLane();
        Il.Emit(OpCodes.Ldc_I4, site);
        var part = uses.Stores.Count == 0 && uses.Loads.Count == 1 ? uses.Loads[0] : [];
        var accessed = part.Count > 0 ? part[^1].FieldType : element;
        Il.Emit(OpCodes.Ldc_I4, ElementTypes.Alignment(accessed) - 1);
        string name = nameof(Checked.Load);
        if (part.Count > 0)
        {
            name = nameof(Checked.LoadPart);
            Il.Emit(OpCodes.Ldc_I4, ElementTypes.Offset(element, part));
            Il.Emit(OpCodes.Ldc_I4, ElementTypes.Size(accessed));
        }

        if (uses.Stores.Count > 0)
        {
            name = uses.Loads.Count > 0 ? nameof(Checked.LoadAndPrepare) : nameof(Checked.Prepare);
            var block = Il.DeclareLocal(typeof(object));
            foreach (var (index, fields) in uses.Stores)
                _stores[index] = new PendingStore(site, block, element, fields);
            Il.Emit(OpCodes.Ldloca, block);
        }

        Il.Emit(OpCodes.Call, typeof(Checked).GetMethod(strided ? name + "1D" : name)!.MakeGenericMethod(element));
    }

    private void ConvertIndex(Type type)
    {
        if (type == typeof(int))
            Il.Emit(OpCodes.Conv_I8);
        else if (type != typeof(long))
            Il.Emit(OpCodes.Call, typeof(Checked).GetMethod(nameof(Checked.FromIndex), [type])!);
    }

    /// <summary>Notes a store when its value is known, then stores.</summary>
    private void EmitStore(Instruction instruction, PendingStore store)
    {
        var code = instruction.Code;
        // The address lies below the value; the last field of a structure is named by the store itself.
        var stored = store.Fields.Count > 0 ? store.Fields[^1].FieldType : store.Element;
        LocalBuilder? value = null;
        if (code != OpCodes.Initobj)
        {
            value = Il.DeclareLocal(stored);
            Il.Emit(OpCodes.Stloc, value);
        }

        Il.Emit(OpCodes.Dup);
        if (code == OpCodes.Stfld)
            Il.Emit(OpCodes.Ldflda, instruction.Field);
        Il.Emit(OpCodes.Ldloc, store.Block);
        LoadLane();
        Il.Emit(OpCodes.Ldc_I4, store.Site);
        Il.Emit(OpCodes.Call, typeof(Checked).GetMethod(nameof(Checked.Store))!.MakeGenericMethod(stored));
        if (value is not null)
            Il.Emit(OpCodes.Ldloc, value);
        if (code == OpCodes.Stfld)
            Il.Emit(code, instruction.Field);
        else if (instruction.Operand is Type type)
            Il.Emit(code, type);
        else
            Il.Emit(code);
    }

    private sealed record PendingStore(int Site, LocalBuilder Block, Type Element, IReadOnlyList<FieldInfo> Fields);
}
