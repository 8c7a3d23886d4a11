namespace SparseInfer.SoftwareCuda.Ptx;

/// <summary>What flows through a program's registers. Most are written and read in one block: sets hold the others only.</summary>
internal sealed unsafe class Liveness
{
    private readonly DecodedProgram _program;
    private readonly BasicBlocks _blocks;

    // By register, its place in the sets; -1 where no block reads it before it writes it.
    private readonly int[] _place;
    private readonly int _words;

    // By block: registers that it reads before it writes them, and those that it writes for certain.
    private readonly ulong[][] _reads;
    private readonly ulong[][] _writes;

    private Liveness(DecodedProgram program, BasicBlocks blocks)
    {
        _program = program;
        _blocks = blocks;
        _place = new int[program.Registers.Count];
        Array.Fill(_place, -1);
        int[] writtenIn = new int[program.Registers.Count];
        Array.Fill(writtenIn, -1);
        int places = 0;
        var reads = new List<int>[blocks.Count];
        for (int block = 0; block < blocks.Count; block++)
        {
            reads[block] = [];
            for (int index = blocks.Start(block); index < blocks.End(block); index++)
            {
                foreach (int register in program.Reads[index])
                {
                    if (writtenIn[register] != block)
                    {
                        _place[register] = _place[register] < 0 ? places++ : _place[register];
                        reads[block].Add(_place[register]);
                    }
                }

                foreach (int register in CertainWrites(index))
                {
                    writtenIn[register] = block;
                }
            }
        }

        _words = (places + 63) / 64;
        _reads = [.. reads.Select(SetOf)];
        _writes =
        [
            .. Enumerable.Range(0, blocks.Count).Select(block => SetOf(Enumerable.Range(blocks.Start(block), blocks.End(block) - blocks.Start(block))
                .SelectMany(CertainWrites).Select(register => _place[register]).Where(place => place >= 0))),
        ];
    }

    /// <summary>
    /// Marks the instructions that read a register which some path leaves unwritten, and those that write such a register: only they are
    /// looked at while a kernel runs.
    /// </summary>
    public static void MarkWatched(DecodedProgram program, BasicBlocks blocks)
    {
        var doubtful = new Liveness(program, blocks).Doubtful();
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
    public static int Registers(DecodedProgram program) => new Liveness(program, new BasicBlocks(program)).MostAlive();

    /// <summary>A predicated write may not happen.</summary>
    private int[] CertainWrites(int index) => _program.Code[index].Predicate < 0 ? _program.Writes[index] : [];

    private ulong[] SetOf(IEnumerable<int> places)
    {
        ulong[] set = new ulong[_words];
        foreach (int place in places)
        {
            set[place >> 6] |= 1UL << place;
        }

        return set;
    }

    /// <summary>Registers that are read where some path from the beginning has not written them.</summary>
    private HashSet<int> Doubtful()
    {
        int[] order = _blocks.InOrder();
        // Null: no path was followed to there yet.
        ulong[]?[] before = new ulong[]?[_blocks.Count];
        before[0] = new ulong[_words];
        ulong[] after = new ulong[_words];
        for (bool changed = true; changed;)
        {
            changed = false;
            foreach (int block in order)
            {
                for (int w = 0; w < _words; w++)
                {
                    after[w] = before[block]![w] | _writes[block][w];
                }

                foreach (int next in _blocks.Successors[block])
                {
                    if (before[next] is not { } known)
                    {
                        before[next] = [.. after];
                        changed = true;
                        continue;
                    }

                    for (int w = 0; w < _words; w++)
                    {
                        ulong both = known[w] & after[w];
                        changed |= both != known[w];
                        known[w] = both;
                    }
                }
            }
        }

        ulong[] doubtful = new ulong[_words];
        foreach (int block in order)
        {
            for (int w = 0; w < _words; w++)
            {
                doubtful[w] |= _reads[block][w] & ~before[block]![w];
            }
        }

        return [.. Enumerable.Range(0, _place.Length).Where(register => _place[register] is >= 0 and int place && Has(doubtful, place))];
    }

    private int MostAlive()
    {
        int most = 0;
        bool[] alive = new bool[_place.Length];
        int[] registerAt = new int[_words * 64];
        for (int register = 0; register < _place.Length; register++)
        {
            if (_place[register] >= 0)
            {
                registerAt[_place[register]] = register;
            }
        }

        ulong[][] before = AliveBefore();
        for (int block = 0; block < _blocks.Count; block++)
        {
            Array.Clear(alive);
            int words = 0;
            ulong[] after = AliveAfter(block, before);
            for (int place = 0; place < registerAt.Length; place++)
            {
                if (Has(after, place))
                {
                    alive[registerAt[place]] = true;
                    words += Words(registerAt[place]);
                }
            }

            for (int index = _blocks.End(block) - 1; index >= _blocks.Start(block); index--)
            {
                foreach (int register in CertainWrites(index))
                {
                    words -= alive[register] ? Words(register) : 0;
                    alive[register] = false;
                }

                foreach (int register in _program.Reads[index])
                {
                    words += alive[register] ? 0 : Words(register);
                    alive[register] = true;
                }

                most = Math.Max(most, words);
            }
        }

        return most;
    }

    /// <summary>By block, what is read from its beginning on before it is written.</summary>
    private ulong[][] AliveBefore()
    {
        ulong[][] before = [.. _reads.Select(set => (ulong[])set.Clone())];
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int block = _blocks.Count - 1; block >= 0; block--)
            {
                ulong[] after = AliveAfter(block, before);
                for (int w = 0; w < _words; w++)
                {
                    ulong now = before[block][w] | (after[w] & ~_writes[block][w]);
                    changed |= now != before[block][w];
                    before[block][w] = now;
                }
            }
        }

        return before;
    }

    private ulong[] AliveAfter(int block, ulong[][] before)
    {
        ulong[] after = new ulong[_words];
        foreach (int next in _blocks.Successors[block])
        {
            for (int w = 0; w < _words; w++)
            {
                after[w] |= before[next][w];
            }
        }

        return after;
    }

    private int Words(int register) => _program.Registers[register].Bytes switch { 0 => 0, 8 => 2, _ => 1 };

    private static bool Has(ulong[] set, int place) => (set[place >> 6] >> place & 1) != 0;
}
