using SparseInfer.Kernels.Cpu;
using SparseInfer.Runtime;

namespace SparseInfer;

/// <summary>The meters of a session: a held token that is dropped counts as if it had never been computed.</summary>
internal sealed class SequenceMeters(DecoderState state, int layers)
{
    private readonly LayerTally[] _dropped = new LayerTally[layers];

    /// <summary>The meters before each held token that was computed.</summary>
    private readonly List<(int Index, LayerTally[] Tallies)> _before = [];

    /// <summary>Room for such meters that is not in use.</summary>
    private readonly Stack<LayerTally[]> _spare = [];

    /// <summary>What a layer did for the tokens of the sequence.</summary>
    public LayerTally Read(int layer)
    {
        LayerTally tally = _before.Count > 0 ? _before[0].Tallies[layer] : state.ReadTally(layer);
        tally.Subtract(in _dropped[layer]);
        return tally;
    }

    /// <summary>Sets all to zero.</summary>
    public void Reset()
    {
        state.ResetTallies();
        Array.Clear(_dropped);
        Forget(0, _before.Count);
    }

    /// <summary>Must be called before a held token is computed with meters on.</summary>
    public void BeforeHeld(int index)
    {
        if (!_spare.TryPop(out LayerTally[]? tallies))
        {
            tallies = new LayerTally[_dropped.Length];
        }

        for (int layer = 0; layer < tallies.Length; layer++)
        {
            tallies[layer] = state.ReadTally(layer);
        }

        _before.Add((index, tallies));
    }

    /// <summary>Must be called when the tokens before a position are no longer held.</summary>
    public void HandedOut(int position) => Forget(0, Before(position));

    /// <summary>Must be called when the held tokens from a position on are dropped: what was computed of them does not count.</summary>
    public void Drop(int position)
    {
        int first = Before(position);
        if (first == _before.Count)
        {
            return;
        }

        for (int layer = 0; layer < _dropped.Length; layer++)
        {
            _dropped[layer].Add(state.ReadTally(layer));
            _dropped[layer].Subtract(in _before[first].Tallies[layer]);
        }

        Forget(first, _before.Count - first);
    }

    /// <summary>How many of the meters before held tokens are those of a token before a position.</summary>
    private int Before(int position)
    {
        int count = 0;
        while (count < _before.Count && _before[count].Index < position)
        {
            count++;
        }

        return count;
    }

    /// <summary>Some of the meters before held tokens are of no more use.</summary>
    private void Forget(int first, int count)
    {
        for (int i = first; i < first + count; i++)
        {
            _spare.Push(_before[i].Tallies);
        }

        _before.RemoveRange(first, count);
    }
}
