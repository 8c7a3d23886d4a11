using SparseInfer.Runtime;

namespace SparseInfer;

/// <summary>
/// A session's tokens, and how much of them the device has computed. First come the tokens of the sequence: what was given to the session,
/// and what it has handed out. Held tokens may follow: they are chosen, but their text is not handed out yet.
/// </summary>
/// <remarks>
/// A token is computed the way it came in, whenever that is: prompt tokens in batches, others one by one in the session's mode. Results
/// therefore do not depend on how a conversation is cut into calls.
/// </remarks>
internal sealed class TokenSequence(DecoderState state, int layers, int vocabulary)
{
    /// <summary>Most prompt tokens of one step of a call alone, after which it can be ended: a few batches of any plan.</summary>
    public const int MaxStep = 256;

    private readonly int[] _tokens = new int[state.Capacity];
    private readonly bool[] _decoded = new bool[state.Capacity];

    /// <summary>How many tokens the state's logits follow; negative: none.</summary>
    private int _logitsAfter = -1;

    /// <summary>Tokens that were computed before, where the state forgot more of them than it was told to: they are not metered again.</summary>
    private int _known;

    /// <summary>Most tokens, held ones included.</summary>
    public int Capacity => _tokens.Length;

    /// <summary>Tokens of the sequence.</summary>
    public int Position { get; private set; }

    /// <summary>Tokens of the sequence and held ones.</summary>
    public int Count { get; private set; }

    /// <summary>Tokens of the sequence and held ones, in order.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    /// <summary>Held tokens.</summary>
    public ReadOnlySpan<int> Held => _tokens.AsSpan(Position, Count - Position);

    /// <summary>Tokens since the last one of a prompt.</summary>
    public int SincePrompt => Count - 1 - _decoded.AsSpan(0, Count).LastIndexOf(false);

    /// <summary>Tokens that are computed, from the first on.</summary>
    public int Computed => state.Position;

    /// <summary>Whether the logits of the last token are there.</summary>
    public bool IsComputed => state.Position == Count && _logitsAfter == Count;

    /// <summary>Whether the last token is the only one that is not computed yet.</summary>
    public bool LacksOnlyTheLast => state.Position == Count - 1;

    /// <summary>Whether the last token is the only one that is not computed yet, and no prompt's: a step of decoding is what comes next.</summary>
    public bool LacksOnlyADecodedToken => LacksOnlyTheLast && LastIsDecoded;

    /// <summary>What the layers did for the tokens of the sequence, and for those that are held.</summary>
    public SequenceMeters Meters { get; } = new(state, layers + 1);

    /// <summary>Extends the sequence. Held tokens are dropped first.</summary>
    /// <param name="tokens">Ids.</param>
    /// <param name="decoded">Whether they are computed one by one in the session's mode, or as a prompt.</param>
    public void Append(ReadOnlySpan<int> tokens, bool decoded)
    {
        DropHeld();
        tokens.CopyTo(_tokens.AsSpan(Count));
        _decoded.AsSpan(Count, tokens.Length).Fill(decoded);
        Position = Count += tokens.Length;
    }

    /// <summary>Takes a token that was chosen, to be computed in the session's mode.</summary>
    public void Hold(int token)
    {
        _decoded[Count] = true;
        _tokens[Count++] = token;
    }

    /// <summary>Lets held tokens join the sequence.</summary>
    /// <param name="count">How many of them, from the first on.</param>
    public void HandOut(int count)
    {
        Position += count;
        Meters.HandedOut(Position);
    }

    /// <summary>Forgets the held tokens.</summary>
    public void DropHeld() => DropHeld(Position);

    /// <summary>Forgets the held tokens from a place of the sequence on.</summary>
    /// <param name="from"><see cref="Position"/> to <see cref="Count"/>.</param>
    public void DropHeld(int from)
    {
        Truncate(from);
        Meters.Drop(from);
    }

    /// <summary>
    /// Forgets what was computed ahead of a reader: the held tokens from a place on, and the step of decoding that led to the first of them, so
    /// that the next call decodes what it would decode had nothing been ahead. What was computed of a prompt stays.
    /// </summary>
    /// <param name="from">As <see cref="DropHeld(int)"/>.</param>
    /// <param name="computed">How many tokens were computed when there were <paramref name="from"/>.</param>
    public void DropAhead(int from, int computed)
    {
        DropHeld(from);
        if (computed < Count && LastIsDecoded)
        {
            Uncompute(Count - 1);
        }
    }

    /// <summary>Holds what was held before a call that failed; it is computed anew when it is needed.</summary>
    public void HoldAgain(ReadOnlySpan<int> tokens)
    {
        DropHeld();
        foreach (int token in tokens)
        {
            Hold(token);
        }
    }

    /// <summary>Forgets the tokens from a position of the sequence on, and those that are held.</summary>
    public void Rewind(int position)
    {
        DropHeld();
        Truncate(position);
    }

    /// <summary>Computes the next tokens that are not computed yet, or else the last one again, for its logits.</summary>
    /// <param name="step">How. Tokens that are computed again are not metered again.</param>
    /// <param name="logits">Where the logits of as many tokens as it has room for go, those at the end; may be empty.</param>
    /// <param name="most">Most tokens, where they are a prompt's; at least 1.</param>
    /// <returns>How many tokens of a prompt were computed; 0: one token was decoded.</returns>
    public int ComputeNext(StepOptions step, Span<float> logits, int most = MaxStep)
    {
        bool again = state.Position == Count;
        if (again)
        {
            state.StepBack();
        }

        int first = state.Position;
        bool isKnown = first < _known;
        if (again || isKnown)
        {
            step = step with { Metering = false, Timing = false };
        }

        bool isPrompt = !_decoded[first];
        int withLogits = Count - (logits.Length / vocabulary);
        int limit = first < withLogits ? withLogits : Count;
        int end = isPrompt ? EndOfPrompt(first, isKnown ? Math.Min(limit, _known) : limit, most) : first + 1;
        _logitsAfter = -1;
        if (first >= Position && (step.Metering || step.Timing))
        {
            Meters.BeforeHeld(first);
        }

        Span<float> room = first < withLogits ? [] : logits.Slice((first - withLogits) * vocabulary, (end - first) * vocabulary);
        try
        {
            state.Run(_tokens.AsSpan(first, end - first), step with { IsPrompt = isPrompt }, room);
        }
        finally
        {
            Keep(first);
        }

        _logitsAfter = end;
        return isPrompt ? end - first : 0;
    }

    /// <summary>Computes the next tokens that are not computed yet, of a prompt, for their hidden states. There are no logits afterwards.</summary>
    /// <param name="hidden">Where they go, [tokens x hidden]: room for <paramref name="most"/> tokens.</param>
    /// <param name="width">The width of one.</param>
    /// <param name="most">Most tokens; at least 1.</param>
    /// <returns>How many tokens were computed.</returns>
    public int ComputeHidden(Span<float> hidden, int width, int most)
    {
        int first = state.Position;
        int end = EndOfPrompt(first, Count, most);
        _logitsAfter = -1;
        try
        {
            state.RunHidden(_tokens.AsSpan(first, end - first), hidden[..((end - first) * width)]);
        }
        finally
        {
            Keep(first);
        }

        return end - first;
    }

    /// <summary>The last token, where it <see cref="LacksOnlyTheLast"/>: for a run of several sequences together, which <see cref="ComputedLast"/> ends.</summary>
    public int ComputeLast()
    {
        _logitsAfter = -1;
        return _tokens[Count - 1];
    }

    /// <summary>Notes that the state has run the last token, and has its logits.</summary>
    public void ComputedLast() => _logitsAfter = Count;

    private bool LastIsDecoded => _decoded[Count - 1];

    private int EndOfPrompt(int first, int limit, int most)
    {
        most = Math.Min(most, limit - first);
        int others = _decoded.AsSpan(first, most).IndexOf(true);
        return first + (others < 0 ? most : others);
    }

    private void Truncate(int count)
    {
        Count = count;
        Position = Math.Min(Position, count);
        Uncompute(count);
        _known = Math.Min(_known, count);
    }

    private void Uncompute(int count)
    {
        if (state.Position < count)
        {
            return;
        }

        // A state that failed to run its last token again has it still in mind.
        bool hadMore = state.Position > count;
        state.Rewind(count);
        Keep(count);
        if (hadMore || state.Position < count)
        {
            _logitsAfter = -1;
        }
    }

    /// <summary>Notes which tokens the state has lost.</summary>
    /// <param name="computed">How many were computed, and were to stay so.</param>
    private void Keep(int computed)
    {
        if (state.Position < computed)
        {
            _known = Math.Max(_known, computed);
        }
    }
}
