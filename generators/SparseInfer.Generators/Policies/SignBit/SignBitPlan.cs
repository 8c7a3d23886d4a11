using SparseInfer.Generators.Plan;

namespace SparseInfer.Generators.Policies.SignBit;

/// <summary>How the predictor goes through the signs of one row. A pure function of the shape.</summary>
/// <param name="Words">64-bit words that hold the signs of one row.</param>
/// <param name="UnrolledWords">
/// How many of them one step of the predictor's loop takes; all of them: no loop, the input's signs stay in registers.
/// </param>
internal readonly record struct SignBitPlan(int Words, int UnrolledWords)
{
    /// <summary>Words of input signs that fit in general registers beside the loop's own variables.</summary>
    private const int RegisterWords = 8;

    /// <summary>The loop's unrolling where the signs do not fit in registers.</summary>
    private const int LoopWords = 8;

    public bool InRegisters => UnrolledWords == Words;

    public long RowBytes => Words * 8L;

    public static SignBitPlan Of(FeedForwardPlan plan)
    {
        int words = (plan.Hidden + 63) / 64;
        return new SignBitPlan(words, words <= RegisterWords ? words : LoopWords);
    }
}
