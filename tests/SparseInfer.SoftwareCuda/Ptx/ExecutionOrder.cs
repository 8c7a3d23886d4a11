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
    private readonly BasicBlocks _blocks;
    private readonly int[] _component; // 0: not visited; MaxValue: ordered
    private readonly Stack<int> _open = new();
    private int _visited;

    private ExecutionOrder(BasicBlocks blocks)
    {
        _blocks = blocks;
        _component = new int[blocks.Count];
    }

    /// <summary>Sets the rank of each instruction.</summary>
    public static void Set(DecodedProgram program, BasicBlocks blocks)
    {
        var order = new ExecutionOrder(blocks);
        var ordered = new LinkedList<int>();
        for (int block = 0; block < blocks.Count; block++)
        {
            // Blocks that nothing leads to come last.
            var reached = new LinkedList<int>();
            if (order._component[block] == 0)
            {
                order.Visit(block, reached);
            }

            foreach (int each in reached)
            {
                ordered.AddLast(each);
            }
        }

        int rank = 0;
        foreach (int block in ordered)
        {
            for (int i = blocks.Start(block); i < blocks.End(block); i++)
            {
                program.Code[i].Rank = rank++;
            }
        }
    }

    /// <summary>Tarjan's search; what is found goes in front of <paramref name="order"/>.</summary>
    private int Visit(int block, LinkedList<int> order)
    {
        _open.Push(block);
        int own = _component[block] = ++_visited;
        int head = own;
        bool isLoop = false;
        foreach (int next in _blocks.Successors[block])
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
            foreach (int next in _blocks.Successors[block])
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
