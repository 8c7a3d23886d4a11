namespace SparseInfer.SoftwareCuda.Ptx;

/// <summary>What flows through a program's registers.</summary>
internal static unsafe class Liveness
{
    /// <summary>
    /// Marks the instructions that read a register which some path leaves unwritten, and those that write such a register: only they are
    /// looked at while a kernel runs.
    /// </summary>
    public static void MarkWatched(DecodedProgram program)
    {
        int words = (program.Registers.Count + 63) / 64;
        ulong[][] before = new ulong[program.Count][];
        var work = new Stack<int>();
        before[0] = new ulong[words];
        work.Push(0);
        ulong[] after = new ulong[words];
        while (work.TryPop(out int index))
        {
            before[index].CopyTo(after, 0);
            // A predicated write may not happen.
            if (program.Code[index].Predicate < 0)
            {
                foreach (int register in program.Writes[index])
                {
                    after[register >> 6] |= 1UL << register;
                }
            }

            foreach (int next in program.Successors(index))
            {
                if (before[next] is null)
                {
                    before[next] = [.. after];
                    work.Push(next);
                    continue;
                }

                bool changed = false;
                for (int w = 0; w < words; w++)
                {
                    ulong both = before[next][w] & after[w];
                    changed |= both != before[next][w];
                    before[next][w] = both;
                }

                if (changed)
                {
                    work.Push(next);
                }
            }
        }

        var doubtful = new HashSet<int>();
        for (int index = 0; index < program.Count; index++)
        {
            if (before[index] is null)
            {
                continue;
            }

            foreach (int register in program.Reads[index])
            {
                if ((before[index][register >> 6] >> register & 1) == 0)
                {
                    doubtful.Add(register);
                }
            }
        }

        program.Doubtful = doubtful;
        if (doubtful.Count == 0)
        {
            return;
        }

        for (int index = 0; index < program.Count; index++)
        {
            program.Code[index].Watched = program.Reads[index].Any(doubtful.Contains) || program.Writes[index].Any(doubtful.Contains);
        }
    }

    /// <summary>Words of registers that are alive at the busiest place.</summary>
    public static int Registers(DecodedProgram program)
    {
        int words = (program.Registers.Count + 63) / 64;
        ulong[][] live = new ulong[program.Count + 1][];
        for (int index = 0; index <= program.Count; index++)
        {
            live[index] = new ulong[words];
        }

        List<int>[] successors = [.. Enumerable.Range(0, program.Count).Select(program.Successors)];
        bool changed = true;
        ulong[] now = new ulong[words];
        while (changed)
        {
            changed = false;
            for (int index = program.Count - 1; index >= 0; index--)
            {
                Array.Clear(now);
                foreach (int next in successors[index])
                {
                    for (int w = 0; w < words; w++)
                    {
                        now[w] |= live[next][w];
                    }
                }

                if (program.Code[index].Predicate < 0)
                {
                    foreach (int register in program.Writes[index])
                    {
                        now[register >> 6] &= ~(1UL << register);
                    }
                }

                foreach (int register in program.Reads[index])
                {
                    now[register >> 6] |= 1UL << register;
                }

                if (!now.AsSpan().SequenceEqual(live[index]))
                {
                    now.CopyTo(live[index], 0);
                    changed = true;
                }
            }
        }

        int most = 0;
        foreach (ulong[] set in live)
        {
            int count = 0;
            for (int register = 0; register < program.Registers.Count; register++)
            {
                if ((set[register >> 6] >> register & 1) != 0)
                {
                    count += program.Registers[register].Bytes switch { 0 => 0, 8 => 2, _ => 1 };
                }
            }

            most = Math.Max(most, count);
        }

        return most;
    }
}
