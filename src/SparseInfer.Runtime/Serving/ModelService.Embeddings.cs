namespace SparseInfer.Serving;

/// <content>Texts as vectors: a request is one place of the queue, and its texts are computed one after the other, between the tokens of running answers.</content>
public sealed partial class ModelService
{
    /// <summary>Makes vectors of texts. Prompts are computed dense, whatever the service's mode; nothing of a text is kept, or taken from what was computed before.</summary>
    /// <param name="request">The texts, and what becomes of them.</param>
    /// <param name="cancellationToken">Ends the request, in the queue or after the current part of a text.</param>
    /// <returns>A vector for each text, in their order; with <see cref="EmbeddingPooling.None"/> one for each of its tokens. The same bits alone and beside others.</returns>
    /// <exception cref="ServiceBusyException">There are as many requests as <see cref="ModelServiceOptions.MaxQueued"/> allows, or it waited too long.</exception>
    /// <exception cref="TextTooLongException">A text has more tokens than <see cref="Context"/>.</exception>
    /// <exception cref="ArgumentException">There is no text, an empty one, a token that is not in the vocabulary, or an option is out of its range.</exception>
    /// <exception cref="NotSupportedException">
    /// Fewer dimensions than there are, without <see cref="ModelServiceOptions.Matryoshka"/>; or no pooling was asked for, and the model's file wants one that is not computed.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was canceled.</exception>
    /// <exception cref="TimeoutException">It took longer than <see cref="ModelServiceOptions.TimeLimit"/>.</exception>
    /// <exception cref="ServiceStoppedException">The service was stopped, before or meanwhile.</exception>
    /// <exception cref="InsufficientMemoryException">There is no memory for a session.</exception>
    public async Task<IReadOnlyList<TextEmbedding>> EmbedAsync(EmbeddingRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(request.Options);
        using ServicePlaces places = TakePlaces(1, 1);
        _totals.Took();
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _end.Token);
        bool isInvalid = true;
        try
        {
            // Tokenizing is not the caller's thread's work.
            HiddenPool[] pools = await Task.Run(() => PoolsOf(request), cancel.Token).ConfigureAwait(false);
            isInvalid = false;
            TextEmbedding[] embeddings = await EmbedInTurnAsync(pools, cancel.Token).ConfigureAwait(false);
            _totals.Answered();
            return embeddings;
        }
        catch (Exception exception)
        {
            Exception told = Count(exception, isInvalid, cancel.Token, cancellationToken);
            if (told != exception)
            {
                throw told;
            }

            throw;
        }
    }

    private HiddenPool[] PoolsOf(EmbeddingRequest request)
    {
        int[][] texts = request.Tokens is { } tokens
            ? [.. tokens.Select(ids => ids is null ? throw new ArgumentException("A text is null.", nameof(request)) : (int[])[.. ids])]
            : [.. request.Texts!.Select(text => Model.Tokenizer.EncodeWhole(text ?? throw new ArgumentException("A text is null.", nameof(request))))];
        if (texts.Length == 0)
        {
            throw new ArgumentException("There is no text: give one at least.", nameof(request));
        }

        if (request.Options.Dimensions < Model.Shape.Hidden && !Options.Matryoshka)
        {
            throw new NotSupportedException(
                $"{Model.Shape.Name} has vectors of {Model.Shape.Hidden} dimensions, and fewer make sense for models that were trained for it alone: set ModelServiceOptions.Matryoshka, if this one was.");
        }

        var pools = new HiddenPool[texts.Length];
        for (int i = 0; i < texts.Length; i++)
        {
            Model.RequireEmbeddable(texts[i], i, Context);
            pools[i] = Model.CreatePool(texts[i], request.Options);
        }

        return pools;
    }

    private async Task<TextEmbedding[]> EmbedInTurnAsync(HiddenPool[] pools, CancellationToken cancel)
    {
        await _admission.WaitAsync(cancel).ConfigureAwait(false);
        var clock = new AnswerClock();
        clock.Begin();
        bool isWhole = false;
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        try
        {
            if (Options.TimeLimit is { } limit)
            {
                limited.CancelAfter(limit);
            }

            // It has room for the longest text, and no more.
            using Session session = _sessions.CreateAlone(pools.Max(pool => pool.Tokens.Length));
            var embeddings = new TextEmbedding[pools.Length];
            for (int i = 0; i < pools.Length; i++)
            {
                embeddings[i] = await EmbedAsync(session, pools[i], limited.Token).ConfigureAwait(false);
            }

            isWhole = true;
            return embeddings;
        }
        catch (OperationCanceledException) when (limited.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new TimeoutException($"The texts were not computed within ModelServiceOptions.TimeLimit = {Options.TimeLimit}.");
        }
        finally
        {
            _admission.EndTurn(isWhole ? clock.SinceBegin : null);
        }
    }

    /// <summary>As a prompt among those of answers: parts of it take turns with theirs.</summary>
    private async Task<TextEmbedding> EmbedAsync(Session session, HiddenPool pool, CancellationToken cancel)
    {
        session.Rewind(0);
        _totals.Began(pool.Tokens.Length, cachedTokens: 0);
        Generation Begin() => session.Begin(pool.Tokens, new GenerationOptions(), new GenerationView { Hidden = pool }, cancel);
        await foreach (GenerationPiece _ in _scheduler.ReadAsync(Begin, cancel).ConfigureAwait(false))
        {
            // Nothing is generated.
        }

        _totals.Ended(session.LastGeneration!.PromptTime, decode: TimeSpan.Zero);
        return pool.Finish();
    }
}
