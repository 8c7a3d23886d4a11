using SparseInfer.Generators.Cpu;

namespace SparseInfer.Generators.Policies.SignBit;

/// <summary>How the predictor goes through the signs of one row. A pure function of the shape.</summary>
/// <param name="Words">64-bit words that hold the signs of one row.</param>
/// <param name="InRegisters">Whether the input's stay in general registers; else a primitive compares rows with vectors.</param>
internal readonly record struct SignBitPlan(int Words, bool InRegisters)
{
    /// <summary>Words of input signs that fit in general registers beside the loop's own variables.</summary>
    private const int RegisterWords = 8;

    public long RowBytes => Words * 8L;

    public static SignBitPlan Of(FeedForwardPlan plan)
    {
        int words = (plan.Hidden + 63) / 64;
        return new SignBitPlan(words, words <= RegisterWords);
    }
}
