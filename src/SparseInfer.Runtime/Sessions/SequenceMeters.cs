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
        Forget(_before.Count);
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
    public void HandedOut(int position)
    {
        int handedOut = 0;
        while (handedOut < _before.Count && _before[handedOut].Index < position)
        {
            handedOut++;
        }

        Forget(handedOut);
    }

    /// <summary>Must be called when held tokens are dropped: what was computed of them does not count.</summary>
    public void Drop()
    {
        if (_before.Count == 0)
        {
            return;
        }

        for (int layer = 0; layer < _dropped.Length; layer++)
        {
            _dropped[layer].Add(state.ReadTally(layer));
            _dropped[layer].Subtract(in _before[0].Tallies[layer]);
        }

        Forget(_before.Count);
    }

    /// <summary>The first of the meters before held tokens are of no more use.</summary>
    private void Forget(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _spare.Push(_before[i].Tallies);
        }

        _before.RemoveRange(0, count);
    }
}
