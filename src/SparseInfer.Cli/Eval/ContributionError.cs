namespace SparseInfer.Cli.Eval;

/// <summary>
/// How far what each layer's feed-forward adds is from what the dense model's adds at the same token of the same text, relative to the residual stream that it is
/// added to there: norm(y - y_sparse) / norm(residual), the error of which ACAS' contribution is 1 less. Both models run by themselves, so that a
/// layer's error has in it what the layers before it did; <c>calibrate</c> measures a layer alone.
/// </summary>
internal sealed class ContributionError : IActivationObserver
{
    /// <summary>A token's mean changes little with more.</summary>
    private const int MaxTokens = 512;

    /// <summary>A sequence's first tokens are not like others, and neighbours are like each other.</summary>
    private const int MaxSequences = 8;

    /// <summary>Bytes of the dense model's outputs that are kept for all policies.</summary>
    private const long MaxKept = 1L << 28;

    private readonly (double Residual, float[] Output)[,] _dense;
    private readonly double[] _sums;
    private readonly TextWindows _text;
    private readonly int _window;
    private readonly int _prompt;
    private readonly int _each;
    private readonly int _sequences;
    private bool _isDense;
    private int _first;

    private ContributionError(TextWindows text, int window, int prompt, ModelShape shape)
    {
        long kept = Math.Clamp(MaxKept / ((long)shape.Layers * shape.Hidden * sizeof(float)), 1, MaxTokens);
        _sequences = (int)Math.Min(Math.Min(text.Count, MaxSequences), kept);
        _each = (int)Math.Min(window - prompt, kept / _sequences);
        _dense = new (double, float[])[_sequences * _each, shape.Layers];
        _sums = new double[shape.Layers];
        _text = text;
        _window = window;
        _prompt = prompt;
    }

    /// <summary>Tokens that are looked at: the first of some windows, behind their prompts, which are spread evenly over the text.</summary>
    public int Tokens => _sequences * _each;

    /// <summary>Looks at the dense model.</summary>
    /// <param name="model">A model that shows its computation.</param>
    /// <param name="text">The text.</param>
    /// <param name="window">Tokens of a window.</param>
    /// <param name="prompt">How many of them are a prompt, computed densely, and not looked at.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static ContributionError OfDense(LanguageModel model, TextWindows text, int window, int prompt, CancellationToken cancellationToken)
    {
        var error = new ContributionError(text, window, prompt, model.Shape) { _isDense = true };
        error.Run(model, SparsityMode.Dense, cancellationToken);
        error._isDense = false;
        return error;
    }

    /// <summary>Compares a policy.</summary>
    /// <param name="model">The same model with the policy.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Each layer's error, a token's mean.</returns>
    public double[] Of(LanguageModel model, CancellationToken cancellationToken)
    {
        Array.Clear(_sums);
        Run(model, SparsityMode.Predicted, cancellationToken);
        return [.. _sums.Select(sum => sum / Tokens)];
    }

    /// <inheritdoc/>
    public void Observe(int layer, ObservedActivation activation, int position, ReadOnlySpan<float> values)
    {
        position -= _prompt;
        if (position < 0)
        {
            return;
        }

        if (activation == ObservedActivation.Residual && _isDense)
        {
            _dense[_first + position, layer].Residual = Norm(values);
        }
        else if (activation == ObservedActivation.FeedForwardOutput && _isDense)
        {
            _dense[_first + position, layer].Output = values.ToArray();
        }
        else if (activation == ObservedActivation.FeedForwardOutput)
        {
            (double residual, float[] output) = _dense[_first + position, layer];
            _sums[layer] += Distance(output, values) / Math.Max(residual, float.Epsilon);
        }
    }

    private void Run(LanguageModel model, SparsityMode mode, CancellationToken cancellationToken)
    {
        int[] input = new int[_window];
        for (int sequence = 0; sequence < _sequences; sequence++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _text.Read((int)((long)sequence * _text.Count / _sequences), input);
            _first = sequence * _each;
            using Session session = model.CreateSession(new() { Mode = mode, Context = _window, SparsePrompt = true, Observer = this });
            Evaluator.Prompt(session, input.AsSpan(0, _prompt));
            session.Forward(input.AsSpan(_prompt, _each));
        }
    }

    private static double Norm(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values)
        {
            sum += (double)value * value;
        }

        return Math.Sqrt(sum);
    }

    private static double Distance(ReadOnlySpan<float> first, ReadOnlySpan<float> second)
    {
        double sum = 0;
        for (int i = 0; i < first.Length; i++)
        {
            sum += ((double)first[i] - second[i]) * ((double)first[i] - second[i]);
        }

        return Math.Sqrt(sum);
    }
}
