using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Execution;
using SparseInfer.SoftwareCuda.Execution.Operations;

namespace SparseInfer.SoftwareCuda.Ptx;

internal sealed unsafe partial class FunctionDecoder
{
    private void DecodeInstruction(string text)
    {
        _reading.Clear();
        _writing.Clear();
        var i = new Instruction { Predicate = -1, MemberMask = -1 };
        if (text[0] == '@')
        {
            int end = text.IndexOfAny([' ', '\t', '\n']);
            string predicate = text[1..end];
            i.PredicateNegated = predicate[0] == '!';
            i.Predicate = Source(predicate.TrimStart('!'), 'p', "pred");
            text = text[end..].TrimStart();
        }

        int space = text.IndexOfAny([' ', '\t', '\n']);
        string name = space < 0 ? text : text[..space];
        List<string> operands = space < 0 ? [] : Split(text[space..]);
        string[] parts = name.Split('.');
        switch (parts[0])
        {
            case "ld" or "ldu" or "st":
                Access(i, parts, operands);
                break;
            case "atom" or "red":
                Atomic(i, parts, operands);
                break;
            case "bra":
                Need(operands, 1);
                i.Kind = InstructionKind.Branch;
                i.Class = InstructionClass.Branch;
                _branches.Add((_code.Count, operands[0], _frame, _statement.Line));
                Emit(i);
                break;
            case "brx":
                Need(operands, 2);
                i.Kind = InstructionKind.BranchIndexed;
                i.Class = InstructionClass.Branch;
                i.O[0] = Source(operands[0], 'w', "u32");
                _tables.Add((_code.Count, operands[1], _frame, _statement.Line));
                Emit(i);
                break;
            case "ret" when _frame.End is not null:
                i.Kind = InstructionKind.Branch;
                i.Class = InstructionClass.Branch;
                _branches.Add((_code.Count, _frame.End, _frame, _statement.Line));
                Emit(i);
                break;
            case "ret" or "exit":
                i.Kind = InstructionKind.Exit;
                i.Class = InstructionClass.Branch;
                Emit(i);
                break;
            case "trap":
                i.Kind = InstructionKind.Trap;
                i.Class = InstructionClass.Branch;
                Emit(i);
                break;
            case "call":
                Call(i, text[space..]);
                break;
            case "bar" or "barrier" when parts.Contains("warp"):
                Collective(i, &Collectives.WarpBarrier, InstructionClass.Barrier, 0, operands[0]);
                break;
            case "bar" or "barrier":
                Barrier(i, parts, operands);
                break;
            case "membar" or "fence" or "nanosleep" or "griddepcontrol" or "prefetch" or "prefetchu" or "discard" or "applypriority":
                i.Kind = InstructionKind.Nothing;
                i.Class = InstructionClass.Barrier;
                Emit(i);
                break;
            case "createpolicy":
                i.Kind = InstructionKind.Lanes;
                i.Class = InstructionClass.Move;
                i.Handler = &LaneLoops.Unary<Copy<ulong>, ulong>;
                i.O[0] = Destination(operands[0], 'd');
                i.O[1] = Constant(0, wide: true);
                Emit(i);
                break;
            case "shfl" or "vote" or "redux" or "match" or "activemask" or "mma":
                Together(i, name, parts, operands);
                break;
            case "cvta":
                AddressConversion(i, parts, operands);
                break;
            case "isspacep":
                throw Unknown();
            case "mov":
                Move(i, name, parts, operands);
                break;
            case "setp":
                Comparison(i, parts, operands);
                break;
            case "cvt" when OperationTable.Find(name) is null:
                Conversion(i, parts, operands);
                break;
            default:
                // What the hardware ignores for these: a rounding that is the default.
                Operation operation = OperationTable.Find(name)
                    ?? throw Unknown("this instruction is not known; of its kind there are " + string.Join(", ", OperationTable.Like(name)));
                Table(i, operation, parts[^1], operands);
                break;
        }
    }

    private void Table(Instruction i, Operation operation, string type, List<string> operands)
    {
        string[] signature = operation.Signature.Split('=');
        Need(operands, signature[0].Length + signature[1].Length);
        i.Kind = InstructionKind.Lanes;
        i.Handler = (delegate*<byte*, Instruction*, uint, void>)operation.Handler;
        i.Class = operation.Class;
        // Sources before destinations: a register's first mention may be either.
        for (int s = 0; s < signature[1].Length; s++)
        {
            i.O[signature[0].Length + s] = Source(operands[signature[0].Length + s], signature[1][s], type);
        }

        for (int d = 0; d < signature[0].Length; d++)
        {
            i.O[d] = Destination(operands[d], signature[0][d]);
        }

        Emit(i);
    }

    private void Comparison(Instruction i, string[] parts, List<string> operands)
    {
        string[] combine = ["and", "or", "xor"];
        int combination = Array.FindIndex(combine, each => parts.Contains(each)) + 1;
        string name = string.Join('.', parts.Where(part => !combine.Contains(part)));
        Operation operation = OperationTable.Find(name) ?? throw Unknown();
        string[] both = operands[0].Split('|', StringSplitOptions.TrimEntries);
        string[] signature = operation.Signature.Split('=');
        Need(operands, combination == 0 ? 3 : 4);
        i.Kind = InstructionKind.Lanes;
        i.Class = InstructionClass.Compare;
        i.Handler = (delegate*<byte*, Instruction*, uint, void>)operation.Handler;
        i.O[2] = Source(operands[1], signature[1][0], parts[^1]);
        i.O[3] = Source(operands[2], signature[1][1], parts[^1]);
        if (combination != 0)
        {
            i.Aux = combination | (operands[3][0] == '!' ? 8 : 0);
            i.O[4] = Source(operands[3].TrimStart('!'), 'p', "pred");
        }

        i.O[0] = Destination(both[0], 'p');
        i.O[1] = both.Length > 1 ? Destination(both[1], 'p') : Sink();
        Emit(i);
    }

    private void Conversion(Instruction i, string[] parts, List<string> operands)
    {
        Need(operands, 2);
        if (!Enum.TryParse(parts[^2], ignoreCase: true, out PtxType to) || !Enum.TryParse(parts[^1], ignoreCase: true, out PtxType from))
        {
            throw Unknown();
        }

        Rounding rounding = Rounding.Nearest;
        bool integral = false;
        bool saturate = false;
        bool flush = false;
        foreach (string part in parts[1..^2])
        {
            switch (part)
            {
                case "rn" or "rni":
                    break;
                case "rz" or "rzi":
                    rounding = Rounding.Zero;
                    break;
                case "rm" or "rmi":
                    rounding = Rounding.Down;
                    break;
                case "rp" or "rpi":
                    rounding = Rounding.Up;
                    break;
                case "sat":
                    saturate = true;
                    break;
                case "ftz":
                    flush = true;
                    break;
                default:
                    throw Unknown($"the modifier .{part} is not known");
            }

            integral |= part.Length == 3 && part[0] == 'r';
        }

        bool wide = from is PtxType.S64 or PtxType.U64 or PtxType.F64;
        bool wideTo = to is PtxType.S64 or PtxType.U64 or PtxType.F64;
        i.Kind = InstructionKind.Lanes;
        i.Class = InstructionClass.Convert;
        i.Handler = &Conversions.Convert;
        i.O[1] = Source(operands[1], wide ? 'd' : 'w', parts[^1]);
        i.O[0] = Destination(operands[0], wideTo ? 'd' : 'w');
        int registerBytes = operands[0] == "_" ? (wideTo ? 8 : 4) : FindRegister(operands[0])!.Bytes;
        i.Aux = Conversions.Encode(to, from, rounding, integral, saturate, flush, registerBytes);
        Emit(i);
    }

    private void Move(Instruction i, string name, string[] parts, List<string> operands)
    {
        Need(operands, 2);
        int bytes = Declaration.TypeBytes(parts[^1], _statement.Line);
        i.Kind = InstructionKind.Lanes;
        i.Class = InstructionClass.Move;
        if (operands[1][0] == '{')
        {
            List<string> pieces = Split(operands[1][1..^1]);
            i.Handler = &Packing.Pack;
            i.Count = (byte)pieces.Count;
            i.Width = (byte)(bytes / pieces.Count);
            for (int p = 0; p < pieces.Count; p++)
            {
                i.O[1 + p] = Source(pieces[p], 'w', "b32");
            }

            i.O[0] = Destination(operands[0], bytes == 8 ? 'd' : 'w');
            Emit(i);
            return;
        }

        if (operands[0][0] == '{')
        {
            List<string> pieces = Split(operands[0][1..^1]);
            i.Handler = &Packing.Unpack;
            i.Count = (byte)pieces.Count;
            i.Width = (byte)(bytes / pieces.Count);
            i.O[pieces.Count] = Source(operands[1], bytes == 8 ? 'd' : 'w', parts[^1]);
            for (int p = 0; p < pieces.Count; p++)
            {
                i.O[p] = Destination(pieces[p], 'w');
            }

            Emit(i);
            return;
        }

        if (operands[1] is "%clock" or "%clock64" or "%clock_hi" or "%globaltimer" or "%globaltimer_lo")
        {
            i.Kind = InstructionKind.Clock;
            i.Width = (byte)bytes;
            i.O[0] = Destination(operands[0], bytes == 8 ? 'd' : 'w');
            Emit(i);
            return;
        }

        Table(i, OperationTable.Find(name) ?? throw Unknown(), parts[^1], operands);
    }

    /// <summary>Shared and local memory have windows of generic addresses; global addresses are generic ones.</summary>
    private void AddressConversion(Instruction i, string[] parts, List<string> operands)
    {
        Need(operands, 2);
        bool to = parts.Contains("to");
        string space = parts.First(part => part is "global" or "shared" or "local" or "const" or "param");
        if (parts[^1] == "u32")
        {
            throw Unknown("addresses of 32 bits are not known");
        }

        ulong window = space switch { "shared" => AddressWindows.Shared, "local" => AddressWindows.Local, _ => 0 };
        i.Kind = InstructionKind.Lanes;
        i.Class = InstructionClass.Move;
        i.Handler = window == 0 ? &LaneLoops.Unary<Copy<ulong>, ulong> : to ? &LaneLoops.Binary<Sub<ulong>, ulong> : &LaneLoops.Binary<Add<ulong>, ulong>;
        i.O[1] = Source(operands[1], 'd', "u64");
        i.O[2] = Constant(window, wide: true);
        i.O[0] = Destination(operands[0], 'd');
        Emit(i);
    }
}
