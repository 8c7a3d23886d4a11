using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Execution;
using SparseInfer.SoftwareCuda.Execution.Operations;

namespace SparseInfer.SoftwareCuda.Ptx;

internal sealed unsafe partial class FunctionDecoder
{
    private void Barrier(Instruction i, string[] parts, List<string> operands)
    {
        bool reduces = parts.Contains("red");
        if (parts.Contains("arrive"))
        {
            throw Unknown();
        }

        int place = reduces ? 1 : 0;
        if (operands.Count <= place || !Immediate.Is(operands[place]))
        {
            throw Unknown("a barrier's number must be constant");
        }

        if (operands.Count > place + (reduces ? 2 : 1))
        {
            throw Unknown("barriers of a part of the group's threads are not known");
        }

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
                {
                    i.O[2 + s] = Source(operands[1 + s], 'w', "b32");
                }

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
                i.ReadsLanes = true;
                Collective(i, &Collectives.Shuffle, InstructionClass.Shuffle, i.Aux, operands[4]);
                break;
            case "vote":
                Need(operands, 3);
                int mode = Array.IndexOf(["all", "any", "uni", "ballot"], parts[2]);
                if (mode < 0)
                {
                    throw Unknown();
                }

                i.O[1] = Source(operands[1].TrimStart('!'), 'p', "pred");
                i.O[0] = Destination(operands[0], mode == 3 ? 'w' : 'p');
                Collective(i, &Collectives.Vote, InstructionClass.Shuffle, mode | (operands[1][0] == '!' ? 4 : 0), operands[2]);
                break;
            case "match":
                Need(operands, 3);
                bool wide = parts[^1] == "b64";
                if (parts[1] != "any")
                {
                    throw Unknown();
                }

                i.O[1] = Source(operands[1], wide ? 'd' : 'w', parts[^1]);
                i.O[0] = Destination(operands[0], 'w');
                Collective(i, wide ? &Collectives.MatchAny<ulong> : &Collectives.MatchAny<uint>, InstructionClass.Shuffle, 0, operands[2]);
                break;
            case "redux":
                Need(operands, 3);
                int reduction = Array.IndexOf(["add", "min", "max", "and", "or", "xor"], parts[2]);
                if (reduction < 0)
                {
                    throw Unknown();
                }

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
        {
            throw Unknown();
        }

        var handler = (delegate*<byte*, Instruction*, uint, void>)form;
        int place = 4;
        int[] counts = [4, 2 * registers, registers, 4];
        for (int operand = 1; operand < 4; operand++)
        {
            List<string> values = Split(operands[operand].Trim()[1..^1]);
            if (values.Count != counts[operand])
            {
                throw Unknown($"operand {operand + 1} has {counts[operand]} registers");
            }

            foreach (string value in values)
            {
                i.O[place++] = Source(value, 'w', "b32");
            }
        }

        List<string> results = Split(operands[0].Trim()[1..^1]);
        if (results.Count != 4)
        {
            throw Unknown("the first operand has 4 registers");
        }

        for (int d = 0; d < 4; d++)
        {
            i.O[d] = Destination(results[d], 'w');
        }

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
}
