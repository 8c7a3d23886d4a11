using System.Runtime.InteropServices;

namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Chooses the experts that compute a token: those whose logits, the router's matrix times the token, are the largest; of equal ones, those with
/// lower numbers. What their outputs are multiplied by sums to 1.
/// </summary>
public static class ExpertRouter
{
    /// <summary>Least sum of sigmoids that weights are divided by, as in llama.cpp (<c>build_moe_ffn</c>): the smallest normal half.</summary>
    private const float LeastSum = 1f / (1 << 14);

    /// <summary>Weights are the softmax of the chosen experts' logits (Mixtral, arXiv 2401.04088, equation 2).</summary>
    /// <param name="router">A row an expert.</param>
    /// <param name="x">The router's input, padded.</param>
    /// <param name="prepared">Room for it as dot products want it.</param>
    /// <param name="paddedColumns">The router's padded columns.</param>
    /// <param name="choices">Where the choice goes.</param>
    /// <param name="row">Its row there.</param>
    public static void Softmax<T>(
        in WeightMatrix router, ref readonly float x, ref float prepared, int paddedColumns, ExpertChoices choices, int row)
        where T : IWeightArithmetic
    {
        Span<float> weights = Choose<T>(in router, in x, ref prepared, paddedColumns, choices, row);
        float largest = float.NegativeInfinity;
        foreach (float logit in weights)
        {
            largest = MathF.Max(largest, logit);
        }

        float sum = 0f;
        foreach (ref float weight in weights)
        {
            weight = MathF.Exp(weight - largest);
            sum += weight;
        }

        Divide(weights, sum);
    }

    /// <summary>Weights are the sigmoids of the chosen experts' logits, divided by their sum (SmallThinker, arXiv 2507.20984).</summary>
    /// <inheritdoc cref="Softmax{T}"/>
    public static void Sigmoid<T>(
        in WeightMatrix router, ref readonly float x, ref float prepared, int paddedColumns, ExpertChoices choices, int row)
        where T : IWeightArithmetic
    {
        Span<float> weights = Choose<T>(in router, in x, ref prepared, paddedColumns, choices, row);
        float sum = 0f;
        foreach (ref float weight in weights)
        {
            weight = 1f / (1f + MathF.Exp(-weight));
            sum += weight;
        }

        Divide(weights, MathF.Max(sum, LeastSum));
    }

    /// <summary>The row's experts, ascending.</summary>
    /// <returns>The row's weights, where the chosen experts' logits are.</returns>
    private static Span<float> Choose<T>(
        in WeightMatrix router, ref readonly float x, ref float prepared, int paddedColumns, ExpertChoices choices, int row)
        where T : IWeightArithmetic
    {
        Span<float> logits = choices.Logits(row);
        float undo = T.PrepareInput(in x, ref prepared, paddedColumns);
        MatrixVector.Multiply<T>(in router, 0, logits.Length, paddedColumns, ref prepared, undo, ref MemoryMarshal.GetReference(logits));

        Span<int> experts = choices.Experts(row);
        for (int chosen = 0; chosen < experts.Length; chosen++)
        {
            Insert(experts[..(chosen + 1)], Largest(logits, experts[..chosen]));
        }

        Span<float> weights = choices.Weights(row);
        for (int i = 0; i < experts.Length; i++)
        {
            weights[i] = logits[experts[i]];
        }

        return weights;
    }

    /// <summary>The expert with the largest logit that is not chosen yet. NaN is larger than nothing.</summary>
    private static int Largest(ReadOnlySpan<float> logits, ReadOnlySpan<int> chosen)
    {
        int largest = -1;
        for (int expert = 0; expert < logits.Length; expert++)
        {
            if (!chosen.Contains(expert) && (largest < 0 || logits[expert] > logits[largest]))
            {
                largest = expert;
            }
        }

        return largest;
    }

    /// <summary>Puts an expert where it belongs; the last place is free.</summary>
    private static void Insert(Span<int> ascending, int expert)
    {
        int place = ascending.Length - 1;
        for (; place > 0 && ascending[place - 1] > expert; place--)
        {
            ascending[place] = ascending[place - 1];
        }

        ascending[place] = expert;
    }

    private static void Divide(Span<float> weights, float sum)
    {
        foreach (ref float weight in weights)
        {
            weight /= sum;
        }
    }
}
