namespace SparseInfer.Cli.Calibrate.Svd;

/// <summary>A layer's feed-forward, and what went through it: what a predictor is made of.</summary>
internal sealed record SvdSamples
{
    /// <summary>What neurons are activated by: gate, or up where there is none. [intermediate, hidden], row by row.</summary>
    public required float[] Gate { get; init; }

    /// <summary>The length of each neuron's column of down.</summary>
    public required double[] DownNorms { get; init; }

    /// <summary>What the neurons read, of tokens that factors are made of: [tokens, hidden].</summary>
    public required float[] FactorInputs { get; init; }

    /// <summary>The same of other tokens, which thresholds are looked for with.</summary>
    public required float[] ThresholdInputs { get; init; }

    /// <summary>What down read of those tokens: [tokens, intermediate].</summary>
    public required float[] ThresholdActivations { get; init; }

    public int Intermediate => DownNorms.Length;

    public int Hidden => Gate.Length / Intermediate;

    /// <summary>The share of the neurons of <see cref="ThresholdActivations"/> that is zero.</summary>
    public double Sparsity => (double)ThresholdActivations.Count(value => value == 0) / ThresholdActivations.Length;

    /// <exception cref="ArgumentException">Sizes contradict each other, or there are no tokens.</exception>
    public void Require()
    {
        bool fits = Intermediate > 0 && Gate.Length % Intermediate == 0 && FactorInputs.Length > 0 && FactorInputs.Length % Hidden == 0
            && ThresholdInputs.Length > 0 && ThresholdInputs.Length % Hidden == 0
            && (long)ThresholdInputs.Length / Hidden * Intermediate == ThresholdActivations.Length;
        if (!fits)
        {
            throw new ArgumentException("A gate has whole rows, samples whole tokens, and each token of the second half one activation a neuron.");
        }
    }
}
