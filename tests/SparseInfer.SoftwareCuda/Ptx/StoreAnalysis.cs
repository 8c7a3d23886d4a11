using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Execution;

namespace SparseInfer.SoftwareCuda.Ptx;

/// <summary>Which pointers of the parameters a kernel may store through, so that only their buffers are watched for races.</summary>
internal static unsafe class StoreAnalysis
{
    /// <summary>Offsets of those parameters; null: an address comes from memory, and may be any.</summary>
    public static IReadOnlySet<int>? StoredParameters(DecodedProgram program)
    {
        // Without regard to order: what a register may ever be computed from.
        var from = new HashSet<int>[program.Registers.Count];
        bool[] loaded = new bool[program.Registers.Count];
        for (int register = 0; register < from.Length; register++)
        {
            from[register] = [];
        }

        bool changed = true;
        while (changed)
        {
            changed = false;
            for (int index = 0; index < program.Count; index++)
            {
                Instruction* i = program.Code + index;
                foreach (int written in program.Writes[index])
                {
                    if (i->Kind == InstructionKind.LoadParameter)
                    {
                        changed |= from[written].Add(ParameterOffset(i, program.Registers[written].Offset));
                        continue;
                    }

                    // An address has 8 bytes, and what is loaded through one says nothing of it.
                    if (program.Registers[written].Bytes != 8)
                    {
                        continue;
                    }

                    bool load = i->Kind is InstructionKind.Load or InstructionKind.Atomic;
                    // Put together from halves, whose way is not followed.
                    bool fromMemory = load || (i->Class == InstructionClass.Move && program.Reads[index].Any(read => program.Registers[read].Bytes is 2 or 4));
                    foreach (int read in program.Reads[index])
                    {
                        if (load || program.Registers[read].Bytes != 8)
                        {
                            continue;
                        }

                        fromMemory |= loaded[read];
                        int count = from[written].Count;
                        from[written].UnionWith(from[read]);
                        changed |= from[written].Count != count;
                    }

                    changed |= fromMemory && !loaded[written];
                    loaded[written] |= fromMemory;
                }
            }
        }

        var stored = new HashSet<int>();
        for (int index = 0; index < program.Count; index++)
        {
            Instruction* i = program.Code + index;
            if (i->Kind != InstructionKind.Store || i->Space is StateSpace.Shared or StateSpace.Local)
            {
                continue;
            }

            int address = i->O[0];
            foreach (int read in program.Reads[index])
            {
                if (program.Registers[read].Offset != address)
                {
                    continue;
                }

                if (loaded[read])
                {
                    return null;
                }

                stored.UnionWith(from[read]);
            }
        }

        return stored;
    }

    /// <summary>Where in the parameters a load finds what one of its registers gets.</summary>
    private static int ParameterOffset(Instruction* load, int register)
    {
        int element = 0;
        while (load->O[1 + element] != register)
        {
            element++;
        }

        return (int)load->Offset + (element * load->Width);
    }
}
