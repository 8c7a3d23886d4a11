using System.Runtime.ExceptionServices;
using SparseInfer.Runtime;

namespace SparseInfer;

/// <summary>
/// Decodes several sessions together: each call gives each of them one token, and reads weights once for all. Of a sparse feed-forward it reads the
/// rows that any of them needs, and applies each where it is needed: the more sessions, the more rows that is (<see cref="Metering"/>). A program
/// without kernels for that computes one session after the other. Results are the same bits either way, those of each session alone.
/// Not for several threads at once.
/// </summary>
/// <remarks>
/// Sessions join and leave between any two calls: a call is for those that it is given. Sessions that differ in
/// <see cref="Session.Mode"/> or <see cref="Session.CacheType"/> share no kernel, and go in groups of their own; one that is metered,
/// timed or observed is computed alone, since its meters count its own rows.
/// </remarks>
public sealed partial class SessionBatch : IDisposable
{
    private readonly LanguageModel _model;
    private readonly GroupedDecoder _decoder;
    private readonly BatchMember[] _members;
    private readonly float[] _logits;
    private ExclusiveUse _use;

    /// <summary>Sessions of the last call, whose logits are there.</summary>
    private int _count;

    internal SessionBatch(LanguageModel model, GroupedDecoder decoder, int maxSessions)
    {
        _model = model;
        _decoder = decoder;
        MaxSessions = maxSessions;
        _members = new BatchMember[maxSessions];
        _logits = new float[maxSessions * model.Shape.Vocabulary];
    }

    /// <summary>Most sessions of one call.</summary>
    public int MaxSessions { get; }

    /// <summary>
    /// Count the neurons that any session of a call needs, for <see cref="ReadUnionShare"/>. Slow, as sessions' own metering is, whose meters do not
    /// count here. CPUs only: elsewhere nothing is counted.
    /// </summary>
    public bool Metering
    {
        get => _decoder.Together?.Metering ?? false;
        set => _decoder.Together?.Metering = value;
    }

    /// <summary>
    /// Share of the layers' neurons that at least one of the sessions computed together needed, in all calls with <see cref="Metering"/> since this was
    /// last read: what a call reads of down, and under a predictor, but for its mistakes, of the other matrices. One session's share is its active
    /// neurons; 1 is what Dense reads.
    /// </summary>
    /// <returns>Null where nothing was counted.</returns>
    public double? ReadUnionShare() => _decoder.Together?.ReadUnionShare();

    /// <summary>
    /// Appends one token to each session: afterwards each is what <see cref="Session.Forward(ReadOnlySpan{int})"/> of its token would have made
    /// of it, bit for bit, and <see cref="Logits"/> has its logits. A session with tokens that are not computed yet (of a generation that ended,
    /// or was broken off) computes those first, alone. Where a call fails, every session is what it was. Allocates nothing.
    /// </summary>
    /// <param name="sessions">Sessions of this model, no two the same, at most <see cref="MaxSessions"/>; none: nothing is done.</param>
    /// <param name="tokens">A token for each: an id below the vocabulary's size.</param>
    /// <exception cref="ArgumentException">
    /// There are not as many tokens as sessions, or more sessions than <see cref="MaxSessions"/>; a session is null, of another model or there
    /// twice, or a token outside the vocabulary: the message has its index.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// A session's context is full, or another call on it is still running: the message has its index. Or another call on this is still running.
    /// </exception>
    /// <exception cref="ObjectDisposedException">A session was disposed, or this was; before, or meanwhile.</exception>
    public void Forward(ReadOnlySpan<Session> sessions, ReadOnlySpan<int> tokens)
    {
        Enter();
        try
        {
            // Copies: the caller's arrays may change.
            Span<BatchMember> members = Take(sessions, tokens);
            Check(members);
            ForwardEntered(members);
        }
        finally
        {
            // Sessions that are dropped shall be collected.
            Array.Clear(_members);
            if (_use.Leave())
            {
                _decoder.Dispose();
            }
        }
    }

    /// <summary>Logits of a session's token, after the last <see cref="Forward"/>, whatever became of the session since.</summary>
    /// <param name="index">The session's index in that call.</param>
    /// <returns>[vocabulary]; overwritten by the next call.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The last call had no session of that index, or failed.</exception>
    /// <exception cref="ObjectDisposedException">The batch was disposed.</exception>
    public ReadOnlySpan<float> Logits(int index)
    {
        ThrowIfDisposed();
        if ((uint)index >= (uint)_count)
        {
            throw new ArgumentOutOfRangeException(nameof(index), index, $"There are logits of {_count} sessions, those of the last call of Forward.");
        }

        return LogitsOf(index);
    }

    /// <summary>
    /// Frees the batch's buffers; sessions live on. A call that is still running ends before the next token that it computes, with
    /// <see cref="ObjectDisposedException"/>, and frees them then.
    /// </summary>
    public void Dispose()
    {
        if (_use.Dispose())
        {
            _decoder.Dispose();
        }
    }

    private Span<BatchMember> Take(ReadOnlySpan<Session> sessions, ReadOnlySpan<int> tokens)
    {
        if (tokens.Length != sessions.Length)
        {
            throw new ArgumentException($"{sessions.Length} sessions take {sessions.Length} tokens, one each; {tokens.Length} were given.", nameof(tokens));
        }

        if (sessions.Length > MaxSessions)
        {
            throw new ArgumentException(
                $"{sessions.Length} sessions are more than the {MaxSessions} that this batch was made for. Give LanguageModel.CreateBatch a larger "
                + $"maxSessions, at most {DecoderBatch.MaxStates}, or call Forward for some of them at a time.",
                nameof(sessions));
        }

        for (int i = 0; i < sessions.Length; i++)
        {
            _members[i].Session = sessions[i];
            _members[i].Token = tokens[i];
        }

        return _members.AsSpan(0, sessions.Length);
    }

    /// <summary>What can be told without having the sessions.</summary>
    private void Check(ReadOnlySpan<BatchMember> members)
    {
        for (int i = 0; i < members.Length; i++)
        {
            Session? session = members[i].Session;
            if (session is null)
            {
                throw new ArgumentException($"sessions[{i}] is null.", "sessions");
            }

            if (!ReferenceEquals(session.Model, _model))
            {
                throw new ArgumentException(
                    $"sessions[{i}] is of another model. A batch takes sessions that CreateSession of its own {_model.Shape.Name} made: make a batch for each model.",
                    "sessions");
            }

            for (int earlier = 0; earlier < i; earlier++)
            {
                if (ReferenceEquals(members[earlier].Session, session))
                {
                    throw new ArgumentException($"sessions[{i}] is sessions[{earlier}] again. A session is one sequence, and takes one token a call.", "sessions");
                }
            }

            int token = members[i].Token;
            if ((uint)token >= (uint)_model.Shape.Vocabulary)
            {
                throw new ArgumentException($"tokens[{i}] is {token}, which is not in the vocabulary of {_model.Shape.Vocabulary}.", "tokens");
            }
        }
    }

    /// <summary>Nobody waits for a session that another call has, so that no two batches can wait for each other.</summary>
    private void ForwardEntered(Span<BatchMember> members)
    {
        int entered = 0;
        ExceptionDispatchInfo? failure = null;
        try
        {
            for (; entered < members.Length; entered++)
            {
                Enter(members[entered].Session, entered);
            }

            Compute(members);
        }
        finally
        {
            for (int i = 0; i < entered; i++)
            {
                try
                {
                    members[i].Session.Leave();
                }
                catch (Exception exception)
                {
                    // Of a session that was disposed of meanwhile, and is freed now: the others are to be left all the same.
                    failure ??= ExceptionDispatchInfo.Capture(exception);
                }
            }
        }

        failure?.Throw();
    }

    private Span<float> LogitsOf(int index) => _logits.AsSpan(index * _model.Shape.Vocabulary, _model.Shape.Vocabulary);

    private void Enter()
    {
        Entry entry = _use.TryEnter();
        ObjectDisposedException.ThrowIf(entry == Entry.Disposed, this);
        if (entry == Entry.Busy)
        {
            throw new InvalidOperationException("Another call on this batch is still running. Make a batch for each thread.");
        }
    }

    private static void Enter(Session session, int index)
    {
        switch (session.TryEnter())
        {
            case Entry.Disposed:
                throw Disposed(index);
            case Entry.Busy:
                throw new InvalidOperationException($"sessions[{index}] is busy: another call on it is still running. A session is one sequence; give each call its own.");
        }
    }

    private static ObjectDisposedException Disposed(int index) => new(nameof(Session), $"sessions[{index}] was disposed.");

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_use.IsDisposed, this);
}
