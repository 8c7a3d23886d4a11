using System.Runtime.CompilerServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// A prompt's tokens in the order of their experts, and for one expert in their own: rows that a product takes together, so that an expert's
/// weights are read once. Each worker has its own.
/// </summary>
public sealed class ExpertGroups
{
    private readonly int[] _ends;
    private readonly int[] _rows;
    private readonly int _active;

    /// <summary>Allocates room.</summary>
    /// <param name="tokens">Most tokens.</param>
    /// <param name="count">Experts that there are.</param>
    /// <param name="active">Experts that compute a token.</param>
    public ExpertGroups(int tokens, int count, int active)
    {
        _active = active;
        _ends = new int[count + 1];
        _rows = new int[tokens * active];
    }

    /// <summary>Finds each token's rows.</summary>
    /// <param name="choices">Which experts the tokens have.</param>
    /// <param name="tokens">How many tokens.</param>
    public void Sort(ExpertChoices choices, int tokens)
    {
        // Ends[e + 1] counts expert e's tokens, then is where they begin, and in the end where they end; Ends[0] is 0.
        Array.Clear(_ends);
        for (int token = 0; token < tokens; token++)
        {
            foreach (int expert in choices.Experts(token))
            {
                _ends[expert + 1]++;
            }
        }

        int begin = 0;
        for (int i = 1; i < _ends.Length; i++)
        {
            (begin, _ends[i]) = (begin + _ends[i], begin);
        }

        for (int token = 0; token < tokens; token++)
        {
            Span<int> experts = choices.Experts(token);
            for (int i = 0; i < experts.Length; i++)
            {
                _rows[(token * _active) + i] = _ends[experts[i] + 1]++;
            }
        }
    }

    /// <summary>An expert's rows; empty where it has no token.</summary>
    /// <param name="expert">The expert.</param>
    public (int From, int To) RowsOf(int expert) => (_ends[expert], _ends[expert + 1]);

    /// <summary>A token's row for one of its experts.</summary>
    /// <param name="token">The token.</param>
    /// <param name="i">Which of its experts, in their order.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Row(int token, int i) => _rows[(token * _active) + i];
}
