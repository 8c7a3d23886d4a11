using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Execution;
using SparseInfer.SoftwareCuda.Execution.Operations;

namespace SparseInfer.SoftwareCuda.Ptx;

internal sealed unsafe partial class FunctionDecoder
{
    private static readonly string[] MemoryModifiers =
        ["volatile", "relaxed", "acquire", "release", "acq_rel", "weak", "sys", "gpu", "cta", "cluster", "nc", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "noftz"];

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
            i.O[signature[0].Length + s] = Source(operands[signature[0].Length + s], signature[1][s], type);
        for (int d = 0; d < signature[0].Length; d++)
            i.O[d] = Destination(operands[d], signature[0][d]);
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
            throw Unknown();
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
                i.O[1 + p] = Source(pieces[p], 'w', "b32");
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
                i.O[p] = Destination(pieces[p], 'w');
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
            throw Unknown("addresses of 32 bits are not known");
        ulong window = space switch { "shared" => AddressWindows.Shared, "local" => AddressWindows.Local, _ => 0 };
        i.Kind = InstructionKind.Lanes;
        i.Class = InstructionClass.Move;
        i.Handler = window == 0 ? &LaneLoops.Unary<Copy<ulong>, ulong> : to ? &LaneLoops.Binary<Sub<ulong>, ulong> : &LaneLoops.Binary<Add<ulong>, ulong>;
        i.O[1] = Source(operands[1], 'd', "u64");
        i.O[2] = Constant(window, wide: true);
        i.O[0] = Destination(operands[0], 'd');
        Emit(i);
    }

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
                        throw Unknown($"the modifier .{part} is not known");
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
                space = "local";
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
            throw Unknown($"{count} registers are needed");
        // Operand 0 is the address.
        for (int v = 0; v < count; v++)
            i.O[1 + v] = store ? Source(values[v], width == 8 ? 'd' : 'w', type) : Destination(values[v], width == 8 ? 'd' : 'w');
        if (!store && values[0] != "_")
            i.Aux = FindRegister(values[0])!.Bytes;
        Emit(i);
    }

    private void Granule(StateSpace space, int width)
    {
        int shift = width switch { 1 => 0, 2 => 1, _ => 2 };
        if (space is StateSpace.Shared or StateSpace.Generic)
            _sharedShift = Math.Min(_sharedShift, shift);
        if (space is StateSpace.Global or StateSpace.Generic)
            _globalShift = Math.Min(_globalShift, shift);
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
            i.Space = _shared.ContainsKey(start) || moduleShared.ContainsKey(start) ? StateSpace.Shared : FindLocal(start) is not null ? StateSpace.Local : StateSpace.Global;
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
            throw Unknown();
        int first = returns ? 1 : 0;
        Address(ref i, operands[first].Trim()[1..^1].Trim());
        Granule(i.Space, width);
        if (i.Space != StateSpace.Shared)
            _globalAtomics = true;
        char letter = width == 8 ? 'd' : 'w';
        i.O[2] = Source(operands[first + 1], letter, type);
        i.O[3] = operation == "cas" ? Source(operands[first + 2], letter, type) : i.O[2];
        i.O[1] = returns ? Destination(operands[0], letter) : Sink();
        Emit(i);
    }

    private void Barrier(Instruction i, string[] parts, List<string> operands)
    {
        bool reduces = parts.Contains("red");
        if (parts.Contains("arrive"))
            throw Unknown();
        int place = reduces ? 1 : 0;
        if (operands.Count <= place || !Immediate.Is(operands[place]))
            throw Unknown("a barrier's number must be constant");
        if (operands.Count > place + (reduces ? 2 : 1))
            throw Unknown("barriers of a part of the group's threads are not known");
        i.Kind = reduces ? InstructionKind.BarrierReduce : InstructionKind.Barrier;
        i.Class = InstructionClass.Barrier;
        if (reduces)
        {
            i.Aux = parts.Contains("popc") ? 0 : parts.Contains("and") ? 1 : 2;
            string predicate = operands[place + 1];
            i.Count = predicate[0] == '!' ? (byte)1 : (byte)0;
            i.O[1] = Source(predicate.TrimStart('!'), 'p', "pred");
            i.O[0] = Destination(operands[0], i.Aux == 0 ? 'w' : 'p');
        }

        Emit(i);
    }

    private void Together(Instruction i, string name, string[] parts, List<string> operands)
    {
        switch (parts[0])
        {
            case "activemask":
                i.Kind = InstructionKind.ActiveMask;
                i.Class = InstructionClass.Shuffle;
                i.O[0] = Destination(operands[0], 'w');
                Emit(i);
                break;
            case "shfl":
                Need(operands, 5);
                string[] both = operands[0].Split('|', StringSplitOptions.TrimEntries);
                for (int s = 0; s < 3; s++)
                    i.O[2 + s] = Source(operands[1 + s], 'w', "b32");
                i.O[0] = Destination(both[0], 'w');
                i.O[1] = both.Length > 1 ? Destination(both[1], 'p') : Sink();
                i.Aux = parts[2] switch
                {
                    "up" => Collectives.Up,
                    "down" => Collectives.Down,
                    "bfly" => Collectives.Butterfly,
                    "idx" => Collectives.Index,
                    _ => throw Unknown(),
                };
                Collective(i, &Collectives.Shuffle, InstructionClass.Shuffle, i.Aux, operands[4]);
                break;
            case "vote":
                Need(operands, 3);
                int mode = Array.IndexOf(["all", "any", "uni", "ballot"], parts[2]);
                if (mode < 0)
                    throw Unknown();
                i.O[1] = Source(operands[1].TrimStart('!'), 'p', "pred");
                i.O[0] = Destination(operands[0], mode == 3 ? 'w' : 'p');
                Collective(i, &Collectives.Vote, InstructionClass.Shuffle, mode | (operands[1][0] == '!' ? 4 : 0), operands[2]);
                break;
            case "match":
                Need(operands, 3);
                bool wide = parts[^1] == "b64";
                if (parts[1] != "any")
                    throw Unknown();
                i.O[1] = Source(operands[1], wide ? 'd' : 'w', parts[^1]);
                i.O[0] = Destination(operands[0], 'w');
                Collective(i, wide ? &Collectives.MatchAny<ulong> : &Collectives.MatchAny<uint>, InstructionClass.Shuffle, 0, operands[2]);
                break;
            case "redux":
                Need(operands, 3);
                int reduction = Array.IndexOf(["add", "min", "max", "and", "or", "xor"], parts[2]);
                if (reduction < 0)
                    throw Unknown();
                i.O[1] = Source(operands[1], 'w', parts[^1]);
                i.O[0] = Destination(operands[0], 'w');
                Collective(i, &Collectives.Reduce, InstructionClass.Shuffle, reduction | (parts[^1] == "s32" ? 8 : 0), operands[2]);
                break;
            default:
                Matrix(i, name, operands);
                break;
        }
    }

    private void Matrix(Instruction i, string name, List<string> operands)
    {
        Need(operands, 4);
        (int registers, nint form) = MatrixForm(name);
        if (form == 0)
            throw Unknown();
        var handler = (delegate*<byte*, Instruction*, uint, void>)form;
        int place = 4;
        int[] counts = [4, 2 * registers, registers, 4];
        for (int operand = 1; operand < 4; operand++)
        {
            List<string> values = Split(operands[operand].Trim()[1..^1]);
            if (values.Count != counts[operand])
                throw Unknown($"operand {operand + 1} has {counts[operand]} registers");
            foreach (string value in values)
                i.O[place++] = Source(value, 'w', "b32");
        }

        List<string> results = Split(operands[0].Trim()[1..^1]);
        if (results.Count != 4)
            throw Unknown("the first operand has 4 registers");
        for (int d = 0; d < 4; d++)
            i.O[d] = Destination(results[d], 'w');
        Collective(i, handler, InstructionClass.Matrix, registers, "0xffffffff");
    }

    private static (int, nint) MatrixForm(string name) => name switch
    {
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32" => (2, F<MatrixF16, float>()),
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32" => (1, F<MatrixF16, float>()),
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32" => (2, F<MatrixBF16, float>()),
        "mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32" => (1, F<MatrixBF16, float>()),
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32" => (2, F<MatrixBytes<Signed, Signed>, int>()),
        "mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32" => (1, F<MatrixBytes<Signed, Signed>, int>()),
        "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32" => (2, F<MatrixBytes<Unsigned, Signed>, int>()),
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32" => (2, F<MatrixBytes<Signed, Unsigned>, int>()),
        "mma.sync.aligned.m16n8k32.row.col.s32.u8.u8.s32" => (2, F<MatrixBytes<Unsigned, Unsigned>, int>()),
        _ => (0, 0),
    };

    private static nint F<TElement, TSum>()
        where TElement : struct, IMatrixElement<TSum>
        where TSum : unmanaged
        => (nint)(delegate*<byte*, Instruction*, uint, void>)&MatrixProducts.Multiply<TElement, TSum>;

    private void Collective(Instruction i, delegate*<byte*, Instruction*, uint, void> handler, InstructionClass @class, int aux, string memberMask)
    {
        i.Kind = InstructionKind.Collective;
        i.Class = @class;
        i.Handler = handler;
        i.Aux = aux;
        i.MemberMask = Source(memberMask, 'w', "b32");
        Emit(i);
    }

    /// <summary>A call's body takes its place; parameters are variables in local memory.</summary>
    private void Call(Instruction i, string text)
    {
        List<string> operands = Split(text);
        bool returns = operands.Count > 1 && operands[0][0] == '(';
        int place = returns ? 1 : 0;
        if (!functions.TryGetValue(operands[place], out FunctionText? function))
            throw Unknown($"there is no function {operands[place]}; calls by pointer and functions of other modules are not known");
        List<string> results = returns ? Split(operands[0][1..^1]) : [];
        List<string> arguments = operands.Count > place + 1 ? Split(operands[place + 1].Trim()[1..^1]) : [];
        if (results.Count != function.Returns.Count || arguments.Count != function.Parameters.Count)
            throw Unknown($"{function.Name} takes {function.Parameters.Count} arguments and gives {function.Returns.Count} results");
        if (++_depth > MaxDepth)
            throw Unknown("calls are inlined, and these go deeper than 64: recursion is not executed");
        string behind = $"behind call {_code.Count}";
        int skip = -1;
        Frame caller = _frame;
        if (i.Predicate >= 0)
        {
            // Lanes without the call go round it.
            skip = _code.Count;
            i.PredicateNegated = !i.PredicateNegated;
            i.Kind = InstructionKind.Branch;
            i.Class = InstructionClass.Branch;
            _branches.Add((skip, behind, caller, _statement.Line));
            Emit(i);
        }

        var scope = new Scope { Frame = true };
        for (int a = 0; a < arguments.Count; a++)
            scope.Locals[function.Parameters[a].Name] = FindLocal(arguments[a]) ?? throw Unknown($"there is no variable {arguments[a]}");
        for (int r = 0; r < results.Count; r++)
            scope.Locals[function.Returns[r].Name] = FindLocal(results[r]) ?? throw Unknown($"there is no variable {results[r]}");
        Statement statement = _statement;
        _frame = new Frame { End = behind };
        _scopes.Add(scope);
        Body(function);
        _scopes.RemoveAt(_scopes.Count - 1);
        _frame.Labels[behind] = _code.Count;
        caller.Labels[behind] = _code.Count;
        _frame = caller;
        _statement = statement;
        _depth--;
    }

    private void Need(List<string> operands, int count)
    {
        if (operands.Count != count)
            throw Unknown($"{count} operands are needed and {operands.Count} are there");
    }

    private int Destination(string text, char letter)
    {
        if (text == "_")
            return Sink();
        RegisterSlot slot = FindRegister(text) ?? throw Unknown($"there is no register {text}");
        CheckWidth(slot, letter);
        _writing.Add(slot.Index);
        return slot.Offset;
    }

    private int Source(string text, char letter, string type)
    {
        text = text.Trim();
        if (FindRegister(text) is RegisterSlot slot)
        {
            CheckWidth(slot, letter);
            _reading.Add(slot.Index);
            return slot.Offset;
        }

        bool wide = letter == 'd';
        if (Immediate.Is(text))
        {
            ulong value = Immediate.Parse(text, wide, _statement.Line);
            return Constant(type.EndsWith("16", StringComparison.Ordinal) ? (ushort)value : value, wide);
        }

        if (text == "WARP_SZ")
            return Constant(32, wide);
        if (text.Length > 0 && text[0] == '%')
            return Special(text, wide);
        if (_shared.TryGetValue(text, out int shared))
            return Constant((ulong)shared, wide);
        if (FindLocal(text) is int local)
            return Constant((ulong)local, wide);
        if (variables.TryGetValue(text, out Memory.Allocation? variable))
            return Constant((ulong)variable.Start, wide);
        if (moduleShared.ContainsKey(text))
        {
            int place = Row(wide ? 256 : 128);
            _dynamic.Add((place, wide, 0));
            return place;
        }

        throw Unknown($"{text} is neither a register nor a variable");
    }

    private int Special(string name, bool wide)
    {
        if (!SpecialRegisters.IsKnown(name))
            throw Unknown($"there is no register {name}");
        string key = wide ? name + ":64" : name;
        if (!_specials.TryGetValue(key, out int place))
            _specials.Add(key, place = Row(wide ? 256 : 128));
        return place;
    }

    private void CheckWidth(RegisterSlot slot, char letter)
    {
        bool fits = letter switch { 'p' => slot.Bytes == 0, 'd' => slot.Bytes == 8, _ => slot.Bytes is 2 or 4 };
        // Loads of narrow types and conversions may fill a wider register.
        if (!fits && !(letter == 'w' && slot.Bytes == 8 && _statement.Text.Contains("cvt", StringComparison.Ordinal)))
            throw Unknown($"the register {slot.Name} has another width");
    }

    /// <summary>Operands at commas that no bracket or brace encloses.</summary>
    private static List<string> Split(string text)
    {
        var result = new List<string>();
        int depth = 0;
        int begin = 0;
        for (int c = 0; c < text.Length; c++)
        {
            if (text[c] is '(' or '[' or '{')
                depth++;
            else if (text[c] is ')' or ']' or '}')
                depth--;
            else if (text[c] == ',' && depth == 0)
            {
                result.Add(text[begin..c].Trim());
                begin = c + 1;
            }
        }

        if (text[begin..].Trim().Length > 0)
            result.Add(text[begin..].Trim());
        return result;
    }
}
