using System.Reflection;
using System.Reflection.Emit;

namespace SparseInfer.Ilgpu.StandIn.Rewriting;

/// <summary>What lies on the evaluation stack before each instruction: the compiler leaves values there across calls.</summary>
internal static class StackTypes
{
    /// <summary>The types on the stack before each instruction, the deepest first; null where none is reached.</summary>
    public static Type[]?[] Before(MethodText text)
    {
        var before = new Type[]?[text.Instructions.Count];
        var work = new Stack<(int Index, Type[] Stack)>();
        work.Push((0, []));
        while (work.TryPop(out var next))
        {
            if (before[next.Index] is not null)
                continue;
            before[next.Index] = next.Stack;
            var instruction = text.Instructions[next.Index];
            var after = After(text, instruction, next.Stack);
            foreach (int target in instruction.Targets)
                work.Push((target, after));
            if (instruction.FallsThrough)
                work.Push((next.Index + 1, after));
        }

        return before;
    }

    private static Type[] After(MethodText text, Instruction instruction, Type[] stack)
    {
        int rest = stack.Length - instruction.Pops(text.ReturnsValue);
        if (instruction.Code == OpCodes.Dup)
            return [.. stack, stack[^1]];
        return instruction.Pushes() == 0 ? stack[..rest] : [.. stack[..rest], Normal(Pushed(text, instruction, stack[rest..]))];
    }

    /// <summary>The type that an instruction pushes, given what it pops.</summary>
    private static Type Pushed(MethodText text, Instruction instruction, Type[] popped)
    {
        if (instruction.Local("ld") is >= 0 and var local)
            return text.Locals[local];
        if (instruction.Argument("ld") is >= 0 and var argument)
            return text.ArgumentType(argument);
        if (instruction.Code == OpCodes.Ldloca || instruction.Code == OpCodes.Ldloca_S)
            return text.Locals[(int)instruction.Operand!].MakeByRefType();
        if (instruction.Code == OpCodes.Ldarga || instruction.Code == OpCodes.Ldarga_S)
            return text.ArgumentType((int)instruction.Operand!).MakeByRefType();
        return instruction.Operand switch
        {
            MethodInfo method => method.ReturnType,
            ConstructorInfo constructor => constructor.DeclaringType!,
            FieldInfo field => instruction.Code.Name!.EndsWith('a') ? field.FieldType.MakeByRefType() : field.FieldType,
            Type type when instruction.Code == OpCodes.Ldobj => type,
            _ => ByName(instruction.Code.Name!, popped),
        };
    }

    private static Type ByName(string name, Type[] popped)
    {
        string[] parts = name.Split('.');
        string last = parts is [.., "un"] && parts[1] != "r" ? (parts[0] == "conv" ? parts[^2] : string.Empty) : parts[^1];
        switch (parts[0])
        {
            case "ldc":
            case "ldind":
            case "conv":
                return (parts[0] == "ldc" ? parts[1] : last) switch
                {
                    "i8" or "u8" => typeof(long),
                    "r4" => typeof(float),
                    "r8" or "un" => typeof(double),
                    "i" or "u" => typeof(nint),
                    "ref" => typeof(object),
                    _ => typeof(int),
                };
            case "ceq" or "cgt" or "clt" or "sizeof":
                return typeof(int);
            default:
                // Arithmetic: of the first operand's type, where not a wider one meets it.
                if (popped.Length == 2 && (popped[1] == typeof(nint) || popped[1] == typeof(double)) && !popped[0].IsByRef
                    && name is not ("shl" or "shr" or "shr.un"))
                {
                    return popped[1];
                }

                return popped.Length > 0 ? popped[0] : typeof(int);
        }
    }

    /// <summary>Numbers narrower than 32 bits are 32 bits wide on the stack.</summary>
    private static Type Normal(Type type)
    {
        if (type.IsEnum)
            type = Enum.GetUnderlyingType(type);
        if (type == typeof(ulong))
            return typeof(long);
        return type.IsPrimitive && type != typeof(float) && ElementTypes.Size(type) <= 4 ? typeof(int) : type;
    }
}
