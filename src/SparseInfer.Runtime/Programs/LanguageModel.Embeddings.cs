using SparseInfer.Loading;

namespace SparseInfer;

/// <content>Texts as vectors, of the hidden states that the model computes for them.</content>
public abstract partial class LanguageModel
{
    private readonly EmbeddingDefaults _embeddings;

    /// <summary>
    /// What becomes of the vectors of a text's tokens where <see cref="EmbeddingOptions.Pooling"/> does not say: what the model's file says, else
    /// <see cref="EmbeddingPooling.Mean"/>. Null: the file asks for what is not computed, so that the options have to say.
    /// </summary>
    public EmbeddingPooling? DefaultPooling => _embeddings.Pooling;

    /// <summary>Why there is no <see cref="DefaultPooling"/>, without a full stop; null: there is one.</summary>
    internal string? WhyNoPooling => _embeddings.Refusal;

    /// <summary>Makes a vector of a text, in a session of its own, which has room for the text and no more. Prompts are computed dense, whatever the mode.</summary>
    /// <param name="text">
    /// The text. The tokens that the model's sequences begin and end with are put around it where the file asks for them; names of control tokens in it are ordinary text.
    /// </param>
    /// <param name="options">Pooling, length; null: the defaults.</param>
    /// <param name="cancellationToken">Ends it after the current part of the text.</param>
    /// <returns>The vector: the same bits whatever else is computed, and for any number of threads.</returns>
    /// <exception cref="ArgumentException">The text has no token, or more than the context (<see cref="TextTooLongException"/>); or more dimensions are asked for than there are.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    /// <exception cref="NotSupportedException">No pooling was asked for, and the model's file wants one that is not computed.</exception>
    /// <exception cref="OperationCanceledException">It was canceled.</exception>
    /// <exception cref="InsufficientMemoryException">There is no memory for a session.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Task<TextEmbedding> EmbedAsync(string text, EmbeddingOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Task.Run(() => Embed(Tokenizer.EncodeWhole(text), options ?? new(), cancellationToken), cancellationToken);
    }

    /// <summary>Makes a vector of tokens, as of a text.</summary>
    /// <param name="tokens">Ids, taken as they are: nothing is put around them.</param>
    /// <param name="options">As for a text.</param>
    /// <param name="cancellationToken">As for a text.</param>
    /// <returns>The vector, as for a text.</returns>
    /// <exception cref="ArgumentException">As for a text; or a token is not in the vocabulary.</exception>
    /// <exception cref="NotSupportedException">As for a text.</exception>
    /// <exception cref="OperationCanceledException">It was canceled.</exception>
    /// <exception cref="InsufficientMemoryException">There is no memory for a session.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Task<TextEmbedding> EmbedAsync(IReadOnlyList<int> tokens, EmbeddingOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        int[] ids = [.. tokens];
        return Task.Run(() => Embed(ids, options ?? new(), cancellationToken), cancellationToken);
    }

    /// <summary>What makes a vector of a prompt's hidden states.</summary>
    /// <exception cref="ArgumentException">More dimensions are asked for than there are.</exception>
    /// <exception cref="NotSupportedException">The options do not say which pooling, and the file's is not computed.</exception>
    internal HiddenPool CreatePool(int[] tokens, EmbeddingOptions options)
    {
        if (options.Dimensions > Shape.Hidden)
        {
            throw new ArgumentOutOfRangeException(
                nameof(options), options.Dimensions, $"EmbeddingOptions.Dimensions must be 1 to {Shape.Hidden}, the width of {Shape.Name}; null is all.");
        }

        EmbeddingPooling pooling = options.Pooling ?? _embeddings.Pooling ?? throw new NotSupportedException(
            $"{_embeddings.Refusal}. Set EmbeddingOptions.Pooling to what makes sense for {Shape.Name}.");
        return new HiddenPool(tokens, pooling, Shape.Hidden, options.Dimensions ?? Shape.Hidden, options.Normalize);
    }

    /// <summary>Refuses what cannot be embedded.</summary>
    /// <param name="tokens">A text's.</param>
    /// <param name="index">Which of several texts.</param>
    /// <param name="context">Most tokens.</param>
    /// <exception cref="ArgumentException">There is no token, one that is not in the vocabulary, or too many.</exception>
    internal void RequireEmbeddable(ReadOnlySpan<int> tokens, int index, int context)
    {
        if (tokens.IsEmpty)
        {
            throw new ArgumentException($"Text {index} is empty, and the model begins no text by itself: give some text.", nameof(tokens));
        }

        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)Shape.Vocabulary)
            {
                throw new ArgumentException($"Token {token} of text {index} is not in the vocabulary of {Shape.Vocabulary}.", nameof(tokens));
            }
        }

        if (tokens.Length > context)
        {
            throw new TextTooLongException(index, tokens.Length, context);
        }
    }

    private TextEmbedding Embed(int[] tokens, EmbeddingOptions options, CancellationToken cancellationToken)
    {
        RequireEmbeddable(tokens, 0, Shape.Context);
        HiddenPool pool = CreatePool(tokens, options);
        using Session session = CreateSession(new SessionOptions { Context = tokens.Length });
        session.ReadHidden(tokens, pool, cancellationToken);
        return pool.Finish();
    }
}
