using SparseInfer.SoftwareCuda.Execution;

namespace SparseInfer.SoftwareCuda.Ptx;

/// <summary>
/// The order in which diverged lanes go on: what comes before a place where paths meet is executed before it, and a loop to its end before what
/// follows it, wherever their text stands. So lanes meet where a device's compiler makes them meet.
/// </summary>
/// <remarks>
/// A weak topological order of the basic blocks (Bourdoncle, Efficient chaotic iteration strategies with widenings, 1993): strongly connected
/// components in topological order, each with its head first and the rest of it ordered alike.
/// </remarks>
internal sealed unsafe class ExecutionOrder
{
    private readonly DecodedProgram _program;
    private readonly int[] _starts;
    private readonly int[][] _successors;
    private readonly int[] _component; // 0: not visited; MaxValue: ordered
    private readonly Stack<int> _open = new();
    private int _visited;

    private ExecutionOrder(DecodedProgram program)
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
        _successors = [.. Enumerable.Range(0, _starts.Length).Select(b => program.Successors(End(b) - 1).Select(Block).Distinct().ToArray())];
        _component = new int[_starts.Length];
    }

    /// <summary>Sets the rank of each instruction.</summary>
    public static void Set(DecodedProgram program)
    {
        var order = new ExecutionOrder(program);
        var blocks = new LinkedList<int>();
        for (int block = 0; block < order._starts.Length; block++)
        {
            // Blocks that nothing leads to come last.
            var reached = new LinkedList<int>();
            if (order._component[block] == 0)
            {
                order.Visit(block, reached);
            }

            foreach (int each in reached)
            {
                blocks.AddLast(each);
            }
        }

        int rank = 0;
        foreach (int block in blocks)
        {
            for (int i = order._starts[block]; i < order.End(block); i++)
            {
                program.Code[i].Rank = rank++;
            }
        }
    }

    private int End(int block) => block + 1 < _starts.Length ? _starts[block + 1] : _program.Count;

    private int Block(int start) => Array.BinarySearch(_starts, start);

    /// <summary>Tarjan's search; what is found goes in front of <paramref name="order"/>.</summary>
    private int Visit(int block, LinkedList<int> order)
    {
        _open.Push(block);
        int own = _component[block] = ++_visited;
        int head = own;
        bool isLoop = false;
        foreach (int next in _successors[block])
        {
            int least = _component[next] == 0 ? Visit(next, order) : _component[next];
            if (least <= head)
            {
                head = least;
                isLoop = true;
            }
        }

        if (head != own)
        {
            return head;
        }

        _component[block] = int.MaxValue;
        int top = _open.Pop();
        if (isLoop)
        {
            for (; top != block; top = _open.Pop())
            {
                _component[top] = 0;
            }

            var rest = new LinkedList<int>();
            foreach (int next in _successors[block])
            {
                if (_component[next] == 0)
                {
                    Visit(next, rest);
                }
            }

            for (LinkedListNode<int>? node = rest.Last; node is not null; node = node.Previous)
            {
                order.AddFirst(node.Value);
            }
        }

        order.AddFirst(block);
        return head;
    }
}
