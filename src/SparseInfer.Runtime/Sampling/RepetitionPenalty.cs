namespace SparseInfer.Sampling;

/// <summary>
/// Remembers the last tokens and lowers their logits: positive ones are divided by the penalty, others multiplied (Keskar et al., CTRL,
/// 2019; for negative logits as corrected in llama.cpp and Hugging Face transformers). How often a token occurred makes no difference.
/// </summary>
internal sealed class RepetitionPenalty
{
    private readonly double _penalty;
    private readonly int[] _window;
    private readonly float[] _penalized;
    private int _count;
    private int _next;

    public RepetitionPenalty(double penalty, int window, int vocabularySize)
    {
        _penalty = penalty;
        bool active = penalty != 1 && window > 0;
        _window = active ? new int[window] : [];
        _penalized = active ? new float[vocabularySize] : [];
    }

    /// <summary>Whether it changes any logit.</summary>
    public bool IsActive => _window.Length > 0;

    /// <summary>How many tokens it remembers; 0 where it changes nothing.</summary>
    public int Window => _window.Length;

    /// <summary>Takes the next token of the sequence. One that has no logit takes a place in the window all the same.</summary>
    public void Accept(int token)
    {
        if (_window.Length == 0)
        {
            return;
        }

        _window[_next] = token;
        _next = (_next + 1) % _window.Length;
        _count = Math.Min(_count + 1, _window.Length);
    }

    /// <summary>
    /// The logits after the penalty: <paramref name="logits"/> itself where there is none, else a copy valid until the next call.
    /// </summary>
    public ReadOnlySpan<float> Apply(ReadOnlySpan<float> logits)
    {
        if (_count == 0)
        {
            return logits;
        }

        logits.CopyTo(_penalized);

        // Each is worked out from the original logit, so a token that occurs twice is penalized once.
        foreach (int token in _window.AsSpan(0, _count))
        {
            if (token < logits.Length)
            {
                _penalized[token] = (float)(logits[token] > 0 ? logits[token] / _penalty : logits[token] * _penalty);
            }
        }

        return _penalized;
    }
}
