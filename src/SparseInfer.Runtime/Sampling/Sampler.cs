using SparseInfer.Text;

namespace SparseInfer.Sampling;

/// <summary>
/// Chooses the next token from logits, as <see cref="GenerationOptions"/> say. One sampler serves one sequence; it is not safe for use by
/// several threads at once. After construction nothing is allocated.
/// </summary>
/// <remarks>
/// <para>
/// The steps, in llama.cpp's order: (1) penalties; (2) top-k; (3) top-p, over the probabilities renormalized after top-k; (4)
/// min-p; (5) temperature; (6) draw. With temperature 0, the greatest logit after (1), the lowest id among equal ones, and no draw.
/// </para>
/// <para>
/// With a grammar the token so chosen stands if the grammar allows it. Otherwise steps (2) to (6) are done again with the tokens alone that it allows; the second draw
/// follows from the first, so that a token takes one draw either way.
/// </para>
/// <para>
/// One seed gives the same tokens for the same logits on every platform and version: own generator (xoshiro256**), own exponential, sums
/// in double precision in a fixed order.
/// </para>
/// </remarks>
public sealed class Sampler
{
    // Top-p alone needs the tokens in order but seldom many of them: so many are looked at first, then four times as many.
    private const int FirstNucleus = 256;

    private readonly int _vocabularySize;
    private readonly double _temperature;
    private readonly int _topK;
    private readonly double _topP;
    private readonly double _minP;
    private readonly RepetitionPenalty _penalty;
    private readonly int[] _candidates;
    private readonly double[] _weights;
    private readonly TokenConstraint? _constraint;
    private Xoshiro256StarStar _random;

    /// <summary>Makes a sampler for one sequence.</summary>
    /// <param name="options">Validated and read here; the length and stop strings do not concern a sampler.</param>
    /// <param name="vocabularySize">How many logits there will be; at least 1.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="ArgumentException">There is a grammar, which takes a tokenizer to follow.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// An option is out of its range, or <paramref name="vocabularySize"/> is not positive.
    /// </exception>
    public Sampler(GenerationOptions options, int vocabularySize)
        : this(options, vocabularySize, constraint: null)
    {
        if (options.Grammar is not null)
        {
            throw new ArgumentException("GenerationOptions.Grammar is about text: give the sampler the tokenizer in place of the vocabulary's size.", nameof(options));
        }
    }

    /// <summary>Makes a sampler for one sequence, which follows <see cref="GenerationOptions.Grammar"/> where there is one.</summary>
    /// <param name="options">Validated and read here; the length and stop strings do not concern a sampler.</param>
    /// <param name="tokenizer">What tokens are. There will be as many logits as its vocabulary has tokens.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public Sampler(GenerationOptions options, Tokenizer tokenizer)
        : this(options, tokenizer, new Dictionary<int, string>())
    {
    }

    /// <param name="options">As above.</param>
    /// <param name="tokenizer">As above.</param>
    /// <param name="spelled">Control tokens that show in the text, and how they are spelled there.</param>
    internal Sampler(GenerationOptions options, Tokenizer tokenizer, IReadOnlyDictionary<int, string> spelled)
        : this(options, Require(tokenizer).VocabularySize, options?.Grammar is { } grammar ? new TokenConstraint(grammar, tokenizer, spelled, !options.IgnoreEndOfSequence) : null)
    {
    }

    private Sampler(GenerationOptions options, int vocabularySize, TokenConstraint? constraint)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabularySize);
        options.Validate();
        _constraint = constraint;

        _vocabularySize = vocabularySize;
        _temperature = options.Temperature;
        _topK = options.TopK == 0 ? vocabularySize : Math.Min(options.TopK, vocabularySize);
        _topP = options.TopP;
        _minP = options.MinP;
        _penalty = new RepetitionPenalty(options, vocabularySize);
        int room = _temperature == 0 ? 0 : _topK;
        _candidates = new int[room];
        _weights = new double[room];
        Seed = options.Seed ?? (ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue);
        _random = new Xoshiro256StarStar(Seed);
    }

    /// <summary>The seed in use: <see cref="GenerationOptions.Seed"/>, or the one that was picked for null. It repeats the run.</summary>
    public ulong Seed { get; }

    /// <summary>Whether the token with the greatest logit is always chosen, and nothing remembered.</summary>
    internal bool IsPlainGreedy => _temperature == 0 && !_penalty.IsActive;

    /// <summary>Whether the text follows <see cref="GenerationOptions.Grammar"/>, and nothing may follow it: it ends, and there is no token to choose.</summary>
    public bool IsComplete => _constraint is { IsComplete: true };

    /// <summary>Chooses a token and remembers it for the repetition penalty and the grammar.</summary>
    /// <param name="logits">One logit a token; negative infinity rules a token out.</param>
    /// <returns>The token id.</returns>
    /// <exception cref="ArgumentException">The number of logits is not the vocabulary's size.</exception>
    /// <exception cref="InvalidOperationException">A logit is NaN or positive infinity, or all are negative infinity.</exception>
    /// <exception cref="GrammarException">No token that has a logit may follow by the grammar, or it is too ambiguous to be followed.</exception>
    public int Sample(ReadOnlySpan<float> logits)
    {
        if (logits.Length != _vocabularySize)
        {
            throw new ArgumentException($"There are {logits.Length} logits for a vocabulary of {_vocabularySize}.", nameof(logits));
        }

        ReadOnlySpan<float> penalized = _penalty.Apply(logits);
        double draw = _temperature == 0 ? 0 : _random.NextUnit();
        int token = Choose(penalized, draw);
        if (_constraint is not null && !TryTake(token))
        {
            token = Choose(_constraint.Mask(penalized), Xoshiro256StarStar.UnitAfter(draw));
            _constraint.Accept(token);
        }

        _penalty.Accept(token);
        return token;
    }

    /// <summary>Takes a token that was chosen by the logits alone, if the grammar allows it, as <see cref="Sample"/> would. Where there is none, every token may follow.</summary>
    internal bool TryTake(int token)
    {
        if (_constraint is { } constraint)
        {
            if (!constraint.Allows(token))
            {
                return false;
            }

            constraint.Accept(token);
        }

        return true;
    }

    /// <summary>Tells the sampler of a token it did not choose, such as the prompt's, so that the repetition penalty counts it.</summary>
    /// <param name="token">A token id.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="token"/> is not in the vocabulary.</exception>
    public void Accept(int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, _vocabularySize);
        _penalty.Accept(token);
    }

    /// <summary>Goes on where a sequence is: its last tokens are in the window, and so many draws are made.</summary>
    /// <param name="sequence">Its tokens. Ids that are not in the vocabulary count, but are never chosen.</param>
    /// <param name="draws">How many tokens were drawn before.</param>
    /// <param name="written">How many of its last tokens are the text that the grammar is about.</param>
    /// <exception cref="InvalidOperationException">That text does not follow the grammar.</exception>
    internal void ContinueFrom(ReadOnlySpan<int> sequence, int draws, int written)
    {
        foreach (int token in _constraint is null ? [] : sequence[^written..])
        {
            if (!TryTake(token))
            {
                throw new InvalidOperationException(
                    "What was generated since the prompt does not follow GenerationOptions.Grammar: go on with the grammar that it was begun with, or give a prompt.");
            }
        }

        foreach (int token in sequence[^Math.Min(_penalty.Window, sequence.Length)..])
        {
            _penalty.Accept(token);
        }

        for (int i = 0; i < draws; i++)
        {
            _random.Next();
        }
    }

    /// <summary>The tokens that top-k, top-p and min-p leave, in no promised order.</summary>
    internal ReadOnlySpan<int> CandidatesFor(ReadOnlySpan<float> logits)
    {
        int count = SelectCandidates(logits, LogitScan.Maximum(logits));
        return _candidates.AsSpan(0, count);
    }

    /// <summary>Leaves the candidates in the first elements of <see cref="_candidates"/> and returns their number, at least 1.</summary>
    private int SelectCandidates(ReadOnlySpan<float> logits, float maximum)
    {
        if (_topK < _vocabularySize)
        {
            TakeTop(logits, maximum, _topK);
            double total = 0;
            foreach (double weight in _weights)
            {
                total += weight;
            }

            return CutByMinP(CutByTopP(_topK, total));
        }

        return _topP < 1 ? SelectNucleus(logits, maximum) : SelectByMinP(logits, maximum);
    }

    private int SelectNucleus(ReadOnlySpan<float> logits, float maximum)
    {
        double total = 0;
        foreach (float logit in logits)
        {
            total += Weight(logit, maximum);
        }

        for (int taken = Math.Min(FirstNucleus, _vocabularySize); ; taken = (int)Math.Min(4L * taken, _vocabularySize))
        {
            TakeTop(logits, maximum, taken);
            int count = CutByMinP(CutByTopP(taken, total));

            // Cut short of what was taken, so nothing further down can belong to it.
            if (count < taken || taken == _vocabularySize)
            {
                return count;
            }
        }
    }

    private int SelectByMinP(ReadOnlySpan<float> logits, float maximum)
    {
        int count = 0;
        for (int token = 0; token < logits.Length; token++)
        {
            if (Weight(logits[token], maximum) >= _minP)
            {
                _candidates[count++] = token;
            }
        }

        return count;
    }

    private void TakeTop(ReadOnlySpan<float> logits, float maximum, int count)
    {
        TopLogits.Select(logits, _candidates.AsSpan(0, count));
        for (int i = 0; i < count; i++)
        {
            _weights[i] = Weight(logits[_candidates[i]], maximum);
        }
    }

    private int CutByTopP(int count, double total)
    {
        double threshold = _topP * total;
        double sum = 0;
        for (int i = 0; i < count && _topP < 1; i++)
        {
            sum += _weights[i];
            if (sum >= threshold)
            {
                return i + 1;
            }
        }

        return count;
    }

    private int CutByMinP(int count)
    {
        // The greatest has weight 1, which no min-p exceeds.
        while (_weights[count - 1] < _minP)
        {
            count--;
        }

        return count;
    }

    private int Choose(ReadOnlySpan<float> logits, double draw)
    {
        float maximum = LogitScan.Maximum(logits);
        return _temperature == 0
            ? LogitScan.IndexOf(logits, maximum)
            : Draw(logits, maximum, SelectCandidates(logits, maximum), draw);
    }

    private int Draw(ReadOnlySpan<float> logits, float maximum, int count, double draw)
    {
        double total = 0;
        for (int i = 0; i < count; i++)
        {
            total += _weights[i] = PortableExp.OfNonPositive(((double)logits[_candidates[i]] - maximum) / _temperature);
        }

        double target = draw * total;
        double sum = 0;
        int chosen = 0;
        for (int i = 0; i < count && sum <= target; i++)
        {
            sum += _weights[i];

            // Never a token of weight 0, not even when the product above was rounded up to the total.
            if (_weights[i] > 0)
            {
                chosen = i;
            }
        }

        return _candidates[chosen];
    }

    private static Tokenizer Require(Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return tokenizer;
    }

    /// <summary>The probability relative to that of the most probable token: the softmax before its normalization.</summary>
    private static double Weight(float logit, float maximum) => PortableExp.OfNonPositive((double)logit - maximum);
}
