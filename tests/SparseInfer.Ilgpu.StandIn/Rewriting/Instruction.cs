using System.Reflection;
using System.Reflection.Emit;

namespace SparseInfer.Ilgpu.StandIn.Rewriting;

/// <summary>An instruction of a method, its token resolved. The operand of a branch is the index of its target.</summary>
internal sealed class Instruction(int index, int offset, OpCode code, object? operand)
{
    public int Index { get; } = index;

    public int Offset { get; } = offset;

    public OpCode Code { get; } = code;

    public object? Operand { get; set; } = operand;

    public MethodBase? Method => Operand as MethodBase;

    public FieldInfo Field => (FieldInfo)Operand!;

    /// <summary>The integer that is loaded; null: none is.</summary>
    public long? Constant => Code.Name!.AsSpan() switch
    {
        "ldc.i4" or "ldc.i4.s" or "ldc.i8" => Convert.ToInt64(Operand, null),
        ['l', 'd', 'c', '.', 'i', '4', '.', >= '0' and var digit] when char.IsDigit(digit) => digit - '0',
        _ => null,
    };

    /// <summary>The number of the local variable that a load or store names, or -1.</summary>
    public int Local(string mnemonic) => Numbered(mnemonic + "loc");

    /// <summary>The number of the argument that a load or store names, or -1.</summary>
    public int Argument(string mnemonic) => Numbered(mnemonic + "arg");

    public IEnumerable<int> Targets => Code.OperandType switch
    {
        OperandType.InlineBrTarget or OperandType.ShortInlineBrTarget => [(int)Operand!],
        OperandType.InlineSwitch => (int[])Operand!,
        _ => [],
    };

    public bool FallsThrough => Code.FlowControl is not (FlowControl.Branch or FlowControl.Return or FlowControl.Throw);

    public int Pops(bool returnsValue) => Code.StackBehaviourPop switch
    {
        StackBehaviour.Pop0 => 0,
        StackBehaviour.Pop1 or StackBehaviour.Popi or StackBehaviour.Popref => 1,
        StackBehaviour.Pop1_pop1 or StackBehaviour.Popi_pop1 or StackBehaviour.Popi_popi or StackBehaviour.Popi_popi8
            or StackBehaviour.Popi_popr4 or StackBehaviour.Popi_popr8 or StackBehaviour.Popref_pop1 or StackBehaviour.Popref_popi => 2,
        StackBehaviour.Varpop when Code == OpCodes.Ret => returnsValue ? 1 : 0,
        StackBehaviour.Varpop => Method!.GetParameters().Length + (Method.IsStatic || Code == OpCodes.Newobj ? 0 : 1),
        _ => 3,
    };

    public int Pushes() => Code.StackBehaviourPush switch
    {
        StackBehaviour.Push0 => 0,
        StackBehaviour.Push1_push1 => 2,
        StackBehaviour.Varpush => Method is MethodInfo { ReturnType: var type } && type != typeof(void) ? 1 : 0,
        _ => 1,
    };

    public override string ToString() => $"IL_{Offset:x4} {Code.Name}";

    private int Numbered(string stem)
    {
        string name = Code.Name!;
        if (!name.StartsWith(stem, StringComparison.Ordinal))
            return -1;
        return name.AsSpan(stem.Length) switch
        {
            "" or ".s" => (int)Operand!,
            ['.', var digit] => digit - '0',
            _ => -1,
        };
    }
}
