namespace SparseInfer.Sampling;

/// <summary>
/// Remembers the last tokens and lowers their logits, as llama.cpp does. First positive ones are divided by the repetition penalty, others multiplied (Keskar et al., CTRL,
/// 2019; for negative logits as corrected in llama.cpp and Hugging Face transformers), however often a token occurred. Then the presence penalty is taken off, and
/// the frequency penalty once for each time that it occurred (OpenAI's parameters of these names).
/// </summary>
internal sealed class RepetitionPenalty
{
    private readonly double _penalty;
    private readonly double _presence;
    private readonly double _frequency;
    private readonly int[] _window;
    private readonly int[] _counts;
    private readonly float[] _penalized;
    private int _count;
    private int _next;

    public RepetitionPenalty(GenerationOptions options, int vocabularySize)
    {
        _penalty = options.RepetitionPenalty;
        _presence = options.PresencePenalty;
        _frequency = options.FrequencyPenalty;
        bool active = (_penalty != 1 || _presence != 0 || _frequency != 0) && options.RepetitionWindow > 0;
        _window = active ? new int[options.RepetitionWindow] : [];
        _counts = active ? new int[vocabularySize] : [];
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

        if (_count == _window.Length)
        {
            Count(_window[_next], -1);
        }

        Count(token, 1);
        _window[_next] = token;
        _next = (_next + 1) % _window.Length;
        _count = Math.Min(_count + 1, _window.Length);
    }

    /// <summary>
    /// The logits after the penalties: <paramref name="logits"/> itself where there is none, else a copy valid until the next call.
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
                double repeated = logits[token] > 0 ? logits[token] / _penalty : logits[token] * _penalty;
                _penalized[token] = (float)(repeated - _presence - (_counts[token] * _frequency));
            }
        }

        return _penalized;
    }

    private void Count(int token, int by)
    {
        if (token < _counts.Length)
        {
            _counts[token] += by;
        }
    }
}
