using LLama;
using LLama.Common;
using LLama.Native;
using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Tests.Metadata;
using SparseInfer.Files;

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

    /// <summary>Of texts, by LLamaSharp's own embedder, and a model whose graph llama.cpp has as it was trained.</summary>
    [Fact]
    public async Task Texts_have_the_vectors_of_another_embedder()
    {
        Assert.SkipWhen(LlamaCpp.WhyNot is not null && Environment.GetEnvironmentVariable("CI") != "true", LlamaCpp.WhyNot ?? "");
        string path = Path.Combine(AppContext.BaseDirectory, "tokenizers", "stories260K.gguf");
        using ModelFile file = ModelFile.Open(path);
        CompiledModel compiled = ModelCompiler.Compile(FileDeclaration.Read(file, Activation.Silu, null, alpha: 1f), TestContext.Current.CancellationToken);
        using LanguageModel ours = compiled.Load(ModelFile.Open(path), Device.Cpu(2), new LoadOptions());
        foreach ((EmbeddingPooling pooling, LLamaPoolingType theirs) in ((EmbeddingPooling, LLamaPoolingType)[])[(EmbeddingPooling.Mean, LLamaPoolingType.Mean), (EmbeddingPooling.Last, LLamaPoolingType.Last)])
        {
            var parameters = new ModelParams(path) { Embeddings = true, PoolingType = theirs, ContextSize = 512, GpuLayerCount = 0, Threads = 1, BatchThreads = 1 };
            using LLamaWeights weights = await LLamaWeights.LoadFromFileAsync(parameters, TestContext.Current.CancellationToken);
            using var embedder = new LLamaEmbedder(weights, parameters);
            foreach (string text in (string[])["Once upon a time", "One day, Lily and her dog went to the park. They saw a big tree.", "x"])
            {
                float[] expected = (await embedder.GetEmbeddings(text, TestContext.Current.CancellationToken)).Single();
                TextEmbedding actual = await ours.EmbedAsync(text, new EmbeddingOptions { Pooling = pooling }, TestContext.Current.CancellationToken);
                double length = Math.Sqrt(expected.Sum(value => (double)value * value));
                double difference = Difference([.. expected.Select(value => value / length)], actual.Values.ToArray());
                TestContext.Current.TestOutputHelper!.WriteLine($"{pooling}, '{text}': {difference:0.0e+00}");
                difference.ShouldBeLessThan(1e-3); // its cache of keys and values is in half precision
            }
        }
    }

    /// <summary>The largest difference, as a share of the largest element.</summary>
    private static double Difference(double[] expected, float[] actual)
    {
        actual.Length.ShouldBe(expected.Length);
        return expected.Select((value, i) => Math.Abs(value - actual[i])).Max() / expected.Max(Math.Abs);
    }
}
