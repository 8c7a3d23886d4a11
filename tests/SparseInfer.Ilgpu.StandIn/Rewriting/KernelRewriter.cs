using System.Reflection;
using System.Reflection.Emit;
using SparseInfer.Ilgpu.StandIn.Execution;

namespace SparseInfer.Ilgpu.StandIn.Rewriting;

/// <summary>Rewrites the kernel itself so that it can be left at every shuffle and barrier, and entered again behind it.</summary>
internal sealed class KernelRewriter : MethodRewriter
{
    private const int WidestShuffle = 8;

    private readonly ulong[][] _live;
    private readonly LocalBuilder _arguments;
    private readonly Dictionary<int, LocalBuilder> _written = [];
    private readonly Dictionary<LocalBuilder, FieldBuilder> _fields = [];
    private readonly Label[] _resume;
    private int _meetings;

    public KernelRewriter(KernelBuilder builder, MethodText text, ILGenerator il)
        : base(builder, text, il)
    {
        _live = Liveness.Before(text);
        _arguments = il.DeclareLocal(builder.Arguments.FieldType);
        foreach (int argument in WrittenArguments())
            _written.Add(argument, il.DeclareLocal(text.Method.GetParameters()[argument].ParameterType));
        int meetings = text.Instructions.Count(instruction => instruction.Method is { } method
            && (method.DeclaringType == typeof(ILGPU.Warp) || method.DeclaringType == typeof(ILGPU.Group)));
        _resume = new Label[meetings + 1];
        for (int label = 0; label < _resume.Length; label++)
            _resume[label] = il.DefineLabel();
    }

    protected override void Begin()
    {
        Il.Emit(OpCodes.Ldarg_0);
        Il.Emit(OpCodes.Ldfld, Builder.Arguments);
        Il.Emit(OpCodes.Stloc, _arguments);
        Il.Emit(OpCodes.Ldarg_0);
        Il.Emit(OpCodes.Ldfld, typeof(Lane).GetField(nameof(Lane.State))!);
        Il.Emit(OpCodes.Switch, _resume);
        Il.MarkLabel(_resume[0]);
        foreach (var (argument, local) in _written)
        {
            Il.Emit(OpCodes.Ldloc, _arguments);
            Il.Emit(OpCodes.Ldfld, Builder.ArgumentField(argument));
            Il.Emit(OpCodes.Stloc, local);
        }
    }

    protected override void End()
    {
        // Labels of members that are no meetings stay unused; the generator wants each to have a place.
        for (int label = _meetings + 1; label < _resume.Length; label++)
            Il.MarkLabel(_resume[label]);
        Return();
    }

    protected override void LoadLane() => Il.Emit(OpCodes.Ldarg_0);

    protected override void LoadArgument(int argument, bool fieldFollows)
    {
        if (_written.TryGetValue(argument, out var local))
        {
            Il.Emit(OpCodes.Ldloc, local);
            return;
        }

        // A field of a structure is read where it lies: the structure is not copied for it.
        Il.Emit(OpCodes.Ldloc, _arguments);
        Il.Emit(fieldFollows ? OpCodes.Ldflda : OpCodes.Ldfld, Builder.ArgumentField(argument));
    }

    protected override void LoadArgumentAddress(int argument)
    {
        if (_written.TryGetValue(argument, out var local))
        {
            Il.Emit(OpCodes.Ldloca, local);
            return;
        }

        Il.Emit(OpCodes.Ldloc, _arguments);
        Il.Emit(OpCodes.Ldflda, Builder.ArgumentField(argument));
    }

    protected override void StoreArgument(int argument) => Il.Emit(OpCodes.Stloc, _written[argument]);

    protected override void Return()
    {
        Il.Emit(OpCodes.Ldc_I4, Lane.Ended);
        Il.Emit(OpCodes.Ret);
    }

    protected override void Share(Instruction instruction, MethodInfo method)
    {
        LoadLane();
        Il.Emit(OpCodes.Ldc_I4, Builder.AddSite(Text, instruction, $"SharedMemory.{method.Name}"));
        CallDevice("SharedMemory" + method.Name, method);
    }

    protected override void Meet(Instruction instruction, MethodInfo method, Meeting meeting)
    {
        string member = $"{method.DeclaringType!.Name}.{method.Name}";
        int site = Builder.AddSite(Text, instruction, member, meeting);
        if (meeting != Meeting.Barrier)
        {
            var type = method.GetGenericArguments()[0];
            if (type == typeof(ILGPU.Half))
                throw Broken(instruction, $"{member} of Half compiles to PTX that ptxas refuses; shuffle a float or a uint");
            if (ElementTypes.Size(type) > WidestShuffle)
                throw Broken(instruction, $"{member} of {ElementTypes.Size(type)} bytes; the stand-in exchanges 8 at most");
            LoadLane();
            CallDevice(nameof(DeviceFunctions.Give), method);
        }

        int number = ++_meetings;
        var kept = Kept(instruction);
        var pending = Unload(instruction, method);
        kept.AddRange(pending);
        foreach (var local in kept)
        {
            Il.Emit(OpCodes.Ldarg_0);
            Il.Emit(OpCodes.Ldloc, local);
            Il.Emit(OpCodes.Stfld, Field(local));
        }

        Il.Emit(OpCodes.Ldarg_0);
        Il.Emit(OpCodes.Ldc_I4, number);
        Il.Emit(OpCodes.Stfld, typeof(Lane).GetField(nameof(Lane.State))!);
        Il.Emit(OpCodes.Ldc_I4, site);
        Il.Emit(OpCodes.Ret);
        Il.MarkLabel(_resume[number]);
        foreach (var local in kept)
        {
            Il.Emit(OpCodes.Ldarg_0);
            Il.Emit(OpCodes.Ldfld, Field(local));
            Il.Emit(OpCodes.Stloc, local);
        }

        foreach (var local in pending)
            Il.Emit(OpCodes.Ldloc, local);
        if (meeting != Meeting.Barrier)
        {
            LoadLane();
            CallDevice(nameof(DeviceFunctions.Take), method);
        }
    }

    /// <summary>Takes from the stack what lies there below the meeting's own operands: compilers keep values there.</summary>
    private List<LocalBuilder> Unload(Instruction instruction, MethodInfo method)
    {
        var stack = Text.Stacks[instruction.Index]!;
        var pending = new List<LocalBuilder>();
        foreach (var type in stack[..^method.GetParameters().Length])
        {
            if (type.IsByRef)
            {
                throw Broken(
                    instruction,
                    $"an address is kept across it; make {method.DeclaringType!.Name}.{method.Name} a statement of its own");
            }

            pending.Add(Il.DeclareLocal(type));
        }

        for (int slot = pending.Count - 1; slot >= 0; slot--)
            Il.Emit(OpCodes.Stloc, pending[slot]);
        return pending;
    }

    /// <summary>The variables that are needed behind a meeting.</summary>
    private List<LocalBuilder> Kept(Instruction instruction)
    {
        var kept = new List<LocalBuilder>(_written.Values);
        var live = _live[instruction.Index + 1];
        for (int local = 0; local < Locals.Count; local++)
        {
            if (!Liveness.Contains(live, local))
                continue;
            if (Locals[local].LocalType.IsByRef)
                throw Broken(instruction, "a reference to a variable or element is kept across it");
            kept.Add(Locals[local]);
        }

        return kept;
    }

    private FieldBuilder Field(LocalBuilder local)
    {
        if (!_fields.TryGetValue(local, out var field))
        {
            field = Builder.Type.DefineField($"V{local.LocalIndex}", local.LocalType, FieldAttributes.Public);
            _fields.Add(local, field);
        }

        return field;
    }

    /// <summary>Parameters that the kernel changes: each lane has its own copy of them.</summary>
    private HashSet<int> WrittenArguments()
    {
        var written = new HashSet<int>();
        foreach (var instruction in Text.Instructions)
        {
            if (Text.Depths[instruction.Index] < 0)
                continue;
            if (instruction.Argument("st") is >= 0 and var stored)
                written.Add(stored);
            bool addressed = instruction.Code == OpCodes.Ldarga || instruction.Code == OpCodes.Ldarga_S;
            if (addressed && MayWrite(instruction))
                written.Add((int)instruction.Operand!);
        }

        return written;
    }

    private bool MayWrite(Instruction instruction)
    {
        try
        {
            var uses = AddressUses.Of(Text, instruction.Index);
            return uses.Stores.Count > 0
                || uses.Calls.Any(method => !DeviceRules.IsLibrary(method) && !method.Name.StartsWith("get_", StringComparison.Ordinal));
        }
        catch (RuleException)
        {
            // It is passed on by reference.
            return true;
        }
    }
}
