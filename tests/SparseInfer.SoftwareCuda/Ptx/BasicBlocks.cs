using SparseInfer.SoftwareCuda.Execution;

namespace SparseInfer.SoftwareCuda.Ptx;

/// <summary>A program's basic blocks: runs of instructions that are entered at the first and left at the last only.</summary>
internal sealed unsafe class BasicBlocks
{
    private readonly DecodedProgram _program;
    private readonly int[] _starts;

    public BasicBlocks(DecodedProgram program)
    {
        _program = program;
        var starts = new SortedSet<int> { 0 };
        for (int i = 0; i < program.Count; i++)
        {
            if (program.Code[i].Kind is InstructionKind.Branch or InstructionKind.BranchIndexed or InstructionKind.Exit or InstructionKind.Trap)
            {
                starts.UnionWith(program.Successors(i));
                if (i + 1 < program.Count)
                {
                    starts.Add(i + 1);
                }
            }
        }

        _starts = [.. starts];
        Successors = [.. Enumerable.Range(0, _starts.Length)
            .Select(block => program.Successors(End(block) - 1).Select(start => Array.BinarySearch(_starts, start)).Distinct().ToArray())];
    }

    public int Count => _starts.Length;

    /// <summary>By block, those that control goes to from it.</summary>
    public int[][] Successors { get; }

    public int Start(int block) => _starts[block];

    /// <summary>The place behind a block's last instruction.</summary>
    public int End(int block) => block + 1 < _starts.Length ? _starts[block + 1] : _program.Count;

    /// <summary>Those that can be reached from the first, each before what is only reached through it where no loop leads back.</summary>
    public int[] InOrder()
    {
        var left = new List<int>();
        bool[] seen = new bool[Count];
        var open = new Stack<(int Block, int Next)>();
        open.Push((0, 0));
        seen[0] = true;
        while (open.TryPop(out (int Block, int Next) top))
        {
            if (top.Next == Successors[top.Block].Length)
            {
                left.Add(top.Block);
                continue;
            }

            open.Push((top.Block, top.Next + 1));
            int next = Successors[top.Block][top.Next];
            if (!seen[next])
            {
                seen[next] = true;
                open.Push((next, 0));
            }
        }

        left.Reverse();
        return [.. left];
    }
}
