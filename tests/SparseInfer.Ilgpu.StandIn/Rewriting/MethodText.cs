using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;

namespace SparseInfer.Ilgpu.StandIn.Rewriting;

/// <summary>A method's instructions and local variables, with the depth of the stack before each instruction.</summary>
internal sealed class MethodText
{
    private static readonly Dictionary<int, OpCode> Codes = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => (int)(ushort)code.Value);

    private MethodText(MethodBase method, MethodBody body, Instruction[] instructions)
    {
        Method = method;
        Locals = [.. body.LocalVariables.OrderBy(local => local.LocalIndex).Select(local => local.LocalType)];
        Instructions = instructions;
        Stacks = StackTypes.Before(this);
        Depths = Array.ConvertAll(Stacks, stack => stack?.Length ?? -1);
    }

    public MethodBase Method { get; }

    public IReadOnlyList<Type> Locals { get; }

    public IReadOnlyList<Instruction> Instructions { get; }

    /// <summary>The types on the stack before each instruction, the deepest first; null where none is reached.</summary>
    public Type[]?[] Stacks { get; }

    /// <summary>How many values are on the stack before each instruction; -1 where none is reached.</summary>
    public int[] Depths { get; }

    public bool ReturnsValue => Method is MethodInfo info && info.ReturnType != typeof(void);

    /// <summary>The type of an argument; of an instance method's first one, a reference to the structure.</summary>
    public Type ArgumentType(int argument)
    {
        if (!Method.IsStatic && argument-- == 0)
            return Method.DeclaringType!.MakeByRefType();
        return Method.GetParameters()[argument].ParameterType;
    }

    public static MethodText Read(MethodBase method)
    {
        var body = method.GetMethodBody() ?? throw new RuleException($"{method.Name} has no body to read");
        if (body.ExceptionHandlingClauses.Count > 0)
            throw new RuleException($"{method.Name} has a try block");
        byte[] il = body.GetILAsByteArray()!;
        return new MethodText(method, body, Decode(method, il));
    }

    private static Instruction[] Decode(MethodBase method, byte[] il)
    {
        var module = method.Module;
        var typeArguments = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        var instructions = new List<Instruction>();
        var indices = new Dictionary<int, int>();
        int at = 0;
        while (at < il.Length)
        {
            int offset = at;
            int value = il[at++];
            if (value == 0xfe)
                value = (value << 8) | il[at++];
            var code = Codes[value];
            int size = code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BinaryPrimitives.ReadInt32LittleEndian(il.AsSpan(at))),
                _ => 4,
            };
            var bytes = il.AsSpan(at, size);
            at += size;
            object? operand = code.OperandType switch
            {
                OperandType.InlineNone => null,
                OperandType.ShortInlineBrTarget => at + (sbyte)bytes[0],
                OperandType.InlineBrTarget => at + BinaryPrimitives.ReadInt32LittleEndian(bytes),
                OperandType.InlineSwitch => Targets(bytes, at),
                OperandType.ShortInlineI => code == OpCodes.Ldc_I4_S ? (int)(sbyte)bytes[0] : (int)bytes[0],
                OperandType.ShortInlineVar => (int)bytes[0],
                OperandType.InlineVar => (int)BinaryPrimitives.ReadUInt16LittleEndian(bytes),
                OperandType.InlineI => BinaryPrimitives.ReadInt32LittleEndian(bytes),
                OperandType.InlineI8 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
                OperandType.ShortInlineR => BinaryPrimitives.ReadSingleLittleEndian(bytes),
                OperandType.InlineR => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
                OperandType.InlineMethod => module.ResolveMethod(Token(bytes), typeArguments, methodArguments),
                OperandType.InlineField => module.ResolveField(Token(bytes), typeArguments, methodArguments),
                OperandType.InlineType => module.ResolveType(Token(bytes), typeArguments, methodArguments),
                _ => throw new RuleException($"{method.Name}, IL_{offset:x4}: {code.Name} has no meaning on a device"),
            };
            indices[offset] = instructions.Count;
            instructions.Add(new Instruction(instructions.Count, offset, code, operand));
        }

        foreach (var instruction in instructions)
        {
            instruction.Operand = instruction.Code.OperandType switch
            {
                OperandType.InlineBrTarget or OperandType.ShortInlineBrTarget => indices[(int)instruction.Operand!],
                OperandType.InlineSwitch => Array.ConvertAll((int[])instruction.Operand!, target => indices[target]),
                _ => instruction.Operand,
            };
        }

        return [.. instructions];
    }

    private static int Token(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt32LittleEndian(bytes);

    private static int[] Targets(ReadOnlySpan<byte> bytes, int next)
    {
        var targets = new int[BinaryPrimitives.ReadInt32LittleEndian(bytes)];
        for (int target = 0; target < targets.Length; target++)
            targets[target] = next + BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 + (4 * target))..]);
        return targets;
    }
}
