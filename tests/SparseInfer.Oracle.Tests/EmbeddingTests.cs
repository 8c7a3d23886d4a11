using LLama.Native;
using SparseInfer.Cli.Tests.Metadata;

namespace SparseInfer.Oracle.Tests;

/// <summary>Vectors of texts, of each architecture, are those of llama.cpp and of the definition in double precision.</summary>
public sealed class EmbeddingTests(Zoo zoo)
{
    private static readonly int[] Tokens = [3, 17, 3, 39, 0, 21, 8, 30, 12, 5, 11, 26, 1, 19, 33, 7];

    public static TheoryData<string> Names => LogitsTests.SinglePrecision;

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Mean_and_last_are_those_of_llama_cpp_and_of_double_precision(string name)
    {
        using LanguageModel ours = zoo.Ours(name);
        TinyModel tiny = zoo.Tiny(name);
        var reference = new TinyReference(tiny, tiny.HalfSplit);
        double[][] hidden = [.. Tokens.Select(reference.Hidden)];
        double[] mean = [.. Enumerable.Range(0, hidden[0].Length).Select(i => hidden.Average(state => state[i]))];
        foreach ((EmbeddingPooling pooling, LLamaPoolingType theirs, double[] expected) in
            ((EmbeddingPooling, LLamaPoolingType, double[])[])[(EmbeddingPooling.Mean, LLamaPoolingType.Mean, mean), (EmbeddingPooling.Last, LLamaPoolingType.Last, hidden[^1])])
        {
            TextEmbedding embedding = await ours.EmbedAsync(Tokens, new EmbeddingOptions { Pooling = pooling, Normalize = false }, TestContext.Current.CancellationToken);
            float[] llama = zoo.Embed(name, theirs, Tokens);
            double own = Difference(expected, embedding.Values.ToArray());
            double left = Difference([.. llama.Select(value => (double)value)], embedding.Values.ToArray());
            TestContext.Current.TestOutputHelper!.WriteLine($"{name}, {pooling}: {own:0.0e+00} from double precision, {left:0.0e+00} from llama.cpp");
            own.ShouldBeLessThan(1e-5);
            left.ShouldBeLessThan(tiny.Activation == Activation.Gelu ? 1e-3 : 1e-4);
        }
    }

    /// <summary>The largest difference, as a share of the largest element.</summary>
    private static double Difference(double[] expected, float[] actual)
    {
        actual.Length.ShouldBe(expected.Length);
        return expected.Select((value, i) => Math.Abs(value - actual[i])).Max() / expected.Max(Math.Abs);
    }
}
