namespace SparseInfer.Serving;

/// <summary>
/// Sessions that are kept for what they have computed. A request gets the one that has most of its prompt. What it must not see (tokens that were decoded in a mode
/// whose numbers are not a prompt's) is taken back first, so that an answer never depends on what was asked before. Safe for several threads.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="options">How many, and of which kind.</param>
internal sealed class SessionPool(LanguageModel model, ModelServiceOptions options) : IDisposable
{
    private readonly object _gate = new();

    /// <summary>Those that nobody uses, the one used last at the end.</summary>
    private readonly List<PooledSession> _free = [];
    private bool _isDisposed;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _free.Count;
            }
        }
    }

    /// <summary>Gets a session that has the beginning of a prompt, and nothing else.</summary>
    /// <param name="prompt">The tokens.</param>
    /// <returns>The caller's, to <see cref="Return"/> or to dispose.</returns>
    /// <exception cref="InsufficientMemoryException">There is no memory for one.</exception>
    public PooledSession Take(ReadOnlySpan<int> prompt)
    {
        PooledSession session = TakeFree(prompt)
            ?? new PooledSession(Create(new SessionOptions { Context = options.Context, CacheType = options.CacheType, Mode = options.Mode }));
        try
        {
            session.Session.Rewind(session.Common(prompt));
            return session;
        }
        catch
        {
            session.Session.Dispose();
            throw;
        }
    }

    /// <summary>Makes a session that is not kept.</summary>
    /// <param name="context">Most tokens it can hold.</param>
    /// <returns>The caller's, to dispose.</returns>
    /// <exception cref="InsufficientMemoryException">There is no memory for one.</exception>
    public Session CreateAlone(int context) => Create(new SessionOptions { Context = context, CacheType = options.CacheType });

    /// <summary>Keeps a session; of too many, the one that was used longest ago is freed.</summary>
    public void Return(PooledSession session)
    {
        PooledSession? dropped = null;
        lock (_gate)
        {
            if (_isDisposed)
            {
                dropped = session;
            }
            else
            {
                _free.Add(session);
                dropped = _free.Count > options.KeptSessions ? TakeAt(0) : null;
            }
        }

        dropped?.Session.Dispose();
    }

    /// <summary>Frees all that nobody uses, to make room.</summary>
    /// <returns>Whether there were some.</returns>
    public bool Clear()
    {
        PooledSession[] all;
        lock (_gate)
        {
            all = [.. _free];
            _free.Clear();
        }

        foreach (PooledSession session in all)
        {
            session.Session.Dispose();
        }

        return all.Length > 0;
    }

    /// <summary>Frees all, and keeps none any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
        }

        Clear();
    }

    /// <summary>
    /// The session that has most of the prompt, if that is at least half of what it has or half of the prompt: another conversation may still want the rest of it. Else the one used longest
    /// ago, where there are as many as are kept.
    /// </summary>
    private PooledSession? TakeFree(ReadOnlySpan<int> prompt)
    {
        lock (_gate)
        {
            int best = -1;
            int most = 0;
            for (int i = 0; i < _free.Count; i++)
            {
                int common = _free[i].Common(prompt);
                if (common > 0 && common >= most)
                {
                    (best, most) = (i, common);
                }
            }

            bool isMuch = best >= 0 && 2 * most >= Math.Min(_free[best].Reusable, prompt.Length);
            return isMuch ? TakeAt(best) : _free.Count > 0 && _free.Count >= options.KeptSessions ? TakeAt(0) : null;
        }
    }

    private PooledSession TakeAt(int index)
    {
        PooledSession session = _free[index];
        _free.RemoveAt(index);
        return session;
    }

    private Session Create(SessionOptions session)
    {
        try
        {
            return model.CreateSession(session);
        }
        catch (InsufficientMemoryException) when (Clear())
        {
            return model.CreateSession(session);
        }
    }
}

/// <summary>A session of a <see cref="SessionPool"/>.</summary>
/// <param name="session">The session.</param>
internal sealed class PooledSession(Session session)
{
    public Session Session => session;

    /// <summary>How many of its tokens, from the first on, are what they would be had they been computed as a prompt: others may go on from there.</summary>
    public int Reusable { get; private set; }

    /// <summary>How many tokens a prompt has in common with those. One at least has to be computed, for its logits.</summary>
    public int Common(ReadOnlySpan<int> prompt) =>
        Math.Min(session.Tokens[..Math.Min(Reusable, session.Position)].CommonPrefixLength(prompt), prompt.Length - 1);

    /// <summary>Notes what a request has left.</summary>
    /// <param name="prompt">How many tokens its prompt had.</param>
    /// <param name="decodesAsPrompts">Whether decoded tokens are what they would be in a prompt.</param>
    public void NoteUse(int prompt, bool decodesAsPrompts)
    {
        // A decoded token that is not computed yet would be computed in whatever mode comes next.
        int ofPrompt = Math.Min(prompt, session.Position);
        Reusable = decodesAsPrompts ? Math.Max(ofPrompt, Math.Min(session.Position, session.Sequence.Computed)) : ofPrompt;
    }
}
