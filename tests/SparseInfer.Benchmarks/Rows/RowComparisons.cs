using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Benchmarks;

/// <summary>Row kernels against others that compute the same.</summary>
internal static class RowComparisons
{
    public const long InMemory = 128 << 20;

    public const long InCache = 256 << 10;

    /// <summary>A matrix times a vector, by this project's kernel and by the obvious alternatives.</summary>
    public static Comparison Alternatives<T>(long bytes)
        where T : IWeightArithmetic
    {
        var comparison = new Comparison();
        RowMatrix<T> rows = comparison.Own(new RowMatrix<T>(bytes));
        comparison.Variants.Add(new Variant("", "MatrixVector.Multiply", rows.Bytes, rows.Multiply));
        comparison.Variants.Add(new Variant("", "widen, TensorPrimitives.Dot", rows.Bytes, rows.TensorPrimitivesDot));
        comparison.Variants.Add(new Variant("", "plain GEMV loop", rows.Bytes, rows.PlainGemv));
        return comparison;
    }

    /// <summary>A matrix times the inputs of some tokens, token by token and together.</summary>
    public static Comparison Batched<T>(int tokens)
        where T : IWeightArithmetic
    {
        var comparison = new Comparison();

        // A prompt's time does not hang on memory, and a batch's does.
        RowMatrix<T> rows = comparison.Own(new RowMatrix<T>(tokens > 16 ? InMemory / 8 : InMemory / 2));
        TokenBatch<T> batch = comparison.Own(new TokenBatch<T>(rows, tokens));
        comparison.Variants.Add(new Variant("", "token by token", (double)rows.Bytes * tokens, batch.OneByOne));
        comparison.Variants.Add(new Variant("", "MatrixMatrix.Multiply", rows.Bytes, batch.Together));
        return comparison;
    }

    /// <summary>A prompt of 512 in batches: the generator's PromptBatch.</summary>
    /// <param name="tokens">Tokens of a batch, the number in use first.</param>
    public static Comparison PromptBatches<T>(params int[] tokens)
        where T : IWeightArithmetic
    {
        const int Prompt = 512;
        var comparison = new Comparison();
        RowMatrix<T> rows = comparison.Own(new RowMatrix<T>(InMemory / 8));
        foreach (int count in tokens)
        {
            TokenBatch<T> batch = comparison.Own(new TokenBatch<T>(rows, count));
            comparison.Variants.Add(new Variant("", $"{count} tokens together", (double)rows.Bytes * (Prompt / count), () =>
            {
                for (int token = 0; token < Prompt; token += count)
                {
                    batch.Together();
                }
            }));
        }

        return comparison;
    }

    /// <summary>The row dot product, the next rows fetched ahead or not.</summary>
    public static Comparison Prefetched<T>()
        where T : IWeightArithmetic
    {
        var comparison = new Comparison();
        RowMatrix<T> rows = comparison.Own(new RowMatrix<T>(InMemory));
        comparison.Variants.Add(new Variant("every row", "next rows fetched", rows.Bytes, () => rows.DotAll(ahead: true)));
        comparison.Variants.Add(new Variant("every row", "not fetched", rows.Bytes, () => rows.DotAll(ahead: false)));
        comparison.Variants.Add(new Variant("a tenth", "next rows fetched", rows.SurvivorBytes, () => rows.DotSurvivors(ahead: true)));
        comparison.Variants.Add(new Variant("a tenth", "not fetched", rows.SurvivorBytes, () => rows.DotSurvivors(ahead: false)));
        return comparison;
    }
}
