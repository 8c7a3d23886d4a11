namespace SparseInfer;

/// <summary>
/// Makes a vector of the hidden states of a prompt's tokens, as they come. Tokens are added up one by one, in their order, so that the result does not depend on how a
/// prompt was cut into parts. Its memory begins with the first of them, and but for the vectors ends with the last: of a request's texts thousands may wait.
/// </summary>
/// <param name="tokens">The prompt.</param>
/// <param name="pooling">What becomes of them.</param>
/// <param name="width">Elements of a hidden state.</param>
/// <param name="dimensions">How many of them are kept.</param>
/// <param name="normalize">Whether each vector is scaled to length 1.</param>
internal sealed class HiddenPool(int[] tokens, EmbeddingPooling pooling, int width, int dimensions, bool normalize)
{
    private float[] _vectors = [];

    /// <summary>Of the mean alone.</summary>
    private double[] _sums = [];
    private float[] _rows = [];
    private int _read;

    /// <summary>The prompt.</summary>
    public int[] Tokens => tokens;

    /// <summary>Computes a prompt's next tokens, and takes their hidden states.</summary>
    /// <param name="sequence">The sequence, which is the prompt and nothing else.</param>
    /// <param name="most">Most tokens; at least 1.</param>
    /// <returns>How many tokens it took.</returns>
    public int ReadFrom(TokenSequence sequence, int most)
    {
        if (_read == 0)
        {
            _vectors = new float[pooling == EmbeddingPooling.None ? checked(tokens.Length * dimensions) : dimensions];
            _sums = new double[pooling == EmbeddingPooling.Mean ? dimensions : 0];
        }

        int room = Math.Min(most, tokens.Length - _read) * width;
        if (_rows.Length < room)
        {
            _rows = new float[room];
        }

        int count = sequence.ComputeHidden(_rows, width, most);
        for (int i = 0; i < count; i++)
        {
            Take(_rows.AsSpan(i * width, dimensions));
        }

        return count;
    }

    /// <summary>What became of them, once all are there.</summary>
    public TextEmbedding Finish()
    {
        for (int i = 0; i < _sums.Length; i++)
        {
            _vectors[i] = (float)(_sums[i] / tokens.Length);
        }

        for (int start = 0; normalize && start < _vectors.Length; start += dimensions)
        {
            Normalize(_vectors.AsSpan(start, dimensions));
        }

        (_sums, _rows) = ([], []);

        return new TextEmbedding(tokens, _vectors, dimensions);
    }

    /// <summary>In double precision and in order, so that it gives the same bits on any machine.</summary>
    private static void Normalize(Span<float> vector)
    {
        double squares = 0;
        foreach (float value in vector)
        {
            squares += (double)value * value;
        }

        double scale = squares > 0 ? 1 / Math.Sqrt(squares) : 0;
        foreach (ref float value in vector)
        {
            value = (float)(value * scale);
        }
    }

    private void Take(ReadOnlySpan<float> state)
    {
        int index = _read++;
        switch (pooling)
        {
            case EmbeddingPooling.Mean:
                for (int i = 0; i < state.Length; i++)
                {
                    _sums[i] += state[i];
                }

                break;
            case EmbeddingPooling.First when index == 0:
            case EmbeddingPooling.Last when index == tokens.Length - 1:
                state.CopyTo(_vectors);
                break;
            case EmbeddingPooling.None:
                state.CopyTo(_vectors.AsSpan(index * dimensions));
                break;
        }
    }
}
