using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Execution;

namespace SparseInfer.SoftwareCuda.Ptx;

internal sealed unsafe partial class FunctionDecoder
{
    private static readonly string[] MemoryModifiers =
        ["volatile", "relaxed", "acquire", "release", "acq_rel", "weak", "sys", "gpu", "cta", "cluster", "nc", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "noftz"];

    private void Access(Instruction i, string[] parts, List<string> operands)
    {
        Need(operands, 2);
        bool store = parts[0] == "st";
        string type = parts[^1];
        int width = Declaration.TypeBytes(type, _statement.Line);
        int count = 1;
        string space = "";
        foreach (string part in parts[1..^1])
        {
            string word = part.Split("::")[0];
            switch (word)
            {
                case "global" or "shared" or "local" or "param" or "const":
                    space = word;
                    break;
                case "v2" or "v4" or "v8":
                    count = part[1] - '0';
                    break;
                case "L1" or "L2":
                    break;
                default:
                    if (!MemoryModifiers.Contains(part))
                    {
                        throw Unknown($"the modifier .{part} is not known");
                    }

                    break;
            }
        }

        string address = operands[store ? 0 : 1];
        string value = operands[store ? 1 : 0];
        string inner = address.Trim()[1..^1].Trim();
        i.Width = (byte)width;
        i.Count = (byte)count;
        i.SignExtend = type[0] == 's';
        if (space == "param" && FindParameter(inner, out long parameter))
        {
            i.Kind = InstructionKind.LoadParameter;
            i.Class = InstructionClass.Parameter;
            i.Offset = parameter;
        }
        else
        {
            if (space == "param")
            {
                space = "local";
            }

            i.Kind = store ? InstructionKind.Store : InstructionKind.Load;
            i.Space = space switch { "shared" => StateSpace.Shared, "local" => StateSpace.Local, "" => StateSpace.Generic, _ => StateSpace.Global };
            i.Class = (i.Space, store) switch
            {
                (StateSpace.Shared, true) => InstructionClass.SharedStore,
                (StateSpace.Shared, false) => InstructionClass.SharedLoad,
                (_, true) => InstructionClass.GlobalStore,
                _ => InstructionClass.GlobalLoad,
            };
            Address(ref i, inner);
            Granule(i.Space, width);
        }

        List<string> values = value[0] == '{' ? Split(value[1..^1]) : [value];
        if (values.Count != count)
        {
            throw Unknown($"{count} registers are needed");
        }

        // Operand 0 is the address.
        for (int v = 0; v < count; v++)
        {
            i.O[1 + v] = store ? Source(values[v], width == 8 ? 'd' : 'w', type) : Destination(values[v], width == 8 ? 'd' : 'w');
        }

        if (!store && values[0] != "_")
        {
            i.Aux = FindRegister(values[0])!.Bytes;
        }

        Emit(i);
    }

    private void Granule(StateSpace space, int width)
    {
        int shift = width switch { 1 => 0, 2 => 1, _ => 2 };
        if (space is StateSpace.Shared or StateSpace.Generic)
        {
            _sharedShift = Math.Min(_sharedShift, shift);
        }

        if (space is StateSpace.Global or StateSpace.Generic)
        {
            _globalShift = Math.Min(_globalShift, shift);
        }
    }

    private bool FindParameter(string inner, out long offset)
    {
        string[] sum = inner.Split('+', 2, StringSplitOptions.TrimEntries);
        PtxParameter? parameter = _frame.End is null && FindLocal(sum[0]) is null ? parameters.FirstOrDefault(each => each.Name == sum[0]) : null;
        offset = parameter is null ? 0 : parameter.Offset + (sum.Length > 1 ? (long)Immediate.Parse(sum[1], wide: true, _statement.Line) : 0);
        return parameter is not null;
    }

    private void Address(ref Instruction i, string inner)
    {
        int operation = inner.IndexOfAny(['+', '-'], 1);
        string start = (operation < 0 ? inner : inner[..operation]).Trim();
        i.Offset = operation < 0
            ? 0
            : (long)Immediate.Parse(inner[operation..].Replace(" ", "", StringComparison.Ordinal).Replace("+-", "-", StringComparison.Ordinal), wide: true, _statement.Line);
        RegisterSlot? register = FindRegister(start);
        i.Address32 = register is { Bytes: 4 };
        i.O[0] = Source(start, i.Address32 ? 'w' : 'd', "u64");
        if (register is null && !Immediate.Is(start) && i.Space == StateSpace.Generic)
        {
            i.Space = _shared.ContainsKey(start) || moduleShared.ContainsKey(start) ? StateSpace.Shared : FindLocal(start) is not null ? StateSpace.Local : StateSpace.Global;
        }
    }

    private void Atomic(Instruction i, string[] parts, List<string> operands)
    {
        bool returns = parts[0] == "atom";
        string type = parts[^1];
        int width = Declaration.TypeBytes(type, _statement.Line);
        string[] known = ["add", "and", "or", "xor", "min", "max", "exch", "cas", "inc", "dec"];
        string operation = parts.FirstOrDefault(part => known.Contains(part)) ?? throw Unknown();
        string space = parts.FirstOrDefault(part => part is "global" or "shared") ?? (parts.Any(part => part.StartsWith("shared::", StringComparison.Ordinal)) ? "shared" : "");
        Need(operands, (returns ? 1 : 0) + 2 + (operation == "cas" ? 1 : 0));
        i.Kind = InstructionKind.Atomic;
        i.Class = InstructionClass.Atomic;
        i.Space = space switch { "global" => StateSpace.Global, "shared" => StateSpace.Shared, _ => StateSpace.Generic };
        i.Width = (byte)width;
        i.Count = 1;
        i.Aux = AtomicOperations.Find(operation, type);
        if (i.Aux < 0)
        {
            throw Unknown();
        }

        int first = returns ? 1 : 0;
        Address(ref i, operands[first].Trim()[1..^1].Trim());
        Granule(i.Space, width);
        if (i.Space != StateSpace.Shared)
        {
            _globalAtomics = true;
        }

        char letter = width == 8 ? 'd' : 'w';
        i.O[2] = Source(operands[first + 1], letter, type);
        i.O[3] = operation == "cas" ? Source(operands[first + 2], letter, type) : i.O[2];
        i.O[1] = returns ? Destination(operands[0], letter) : Sink();
        Emit(i);
    }
}
