namespace SparseInfer.Text;

/// <summary>Gives back the smallest of the numbers put in. Four children a node: half the depth of two, at the same cache lines.</summary>
internal sealed class MinHeap
{
    private const int Children = 4;

    private ulong[] _items = new ulong[16];
    private int _count;

    /// <summary>Puts a number in.</summary>
    public void Add(ulong item)
    {
        if (_count == _items.Length)
        {
            Array.Resize(ref _items, 2 * _count);
        }

        int at = _count++;
        while (at > 0)
        {
            int parent = (at - 1) / Children;
            if (_items[parent] <= item)
            {
                break;
            }

            _items[at] = _items[parent];
            at = parent;
        }

        _items[at] = item;
    }

    /// <summary>Takes the smallest out, if there is one.</summary>
    public bool TryTake(out ulong smallest)
    {
        if (_count == 0)
        {
            smallest = 0;
            return false;
        }

        smallest = _items[0];
        ulong last = _items[--_count];
        int at = 0;
        while (Children * at + 1 < _count)
        {
            int first = Children * at + 1;
            int least = first;
            for (int child = first + 1; child < Math.Min(first + Children, _count); child++)
            {
                least = _items[child] < _items[least] ? child : least;
            }

            if (_items[least] >= last)
            {
                break;
            }

            _items[at] = _items[least];
            at = least;
        }

        _items[at] = last;
        return true;
    }
}
