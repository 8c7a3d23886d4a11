using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using SparseInfer.Serving;

namespace SparseInfer.Extensions.AI.Tests;

/// <summary>The generator, alone and below what its users put around it. Its vectors are those of the service, which has tests of its own.</summary>
public sealed class EmbeddingGeneratorTests
{
    [Fact]
    public async Task Texts_become_vectors_and_usage_is_reported()
    {
        using ScriptedModel model = ScriptedModel.Load(_ => "");
        using SparseInferEmbeddingGenerator generator = model.AsEmbeddingGenerator(modelId: "scripted");
        GeneratedEmbeddings<Embedding<float>> embeddings = await generator.GenerateAsync(["abba", "c"]);
        embeddings.Count.ShouldBe(2);
        embeddings[0].Vector.ToArray().ShouldBe((await model.EmbedAsync("abba")).Values.ToArray());
        embeddings[0].Vector.Span['a' % 32].ShouldBe(MathF.Sqrt(0.5f), 1e-6f);
        embeddings[1].Vector.Span['c' % 32].ShouldBe(1);
        embeddings.ShouldAllBe(embedding => embedding.ModelId == "scripted" && embedding.Dimensions == 32 && embedding.CreatedAt != null);
        (embeddings.Usage!.InputTokenCount, embeddings.Usage.TotalTokenCount).ShouldBe((5, 5));
        (await generator.GenerateAsync([])).ShouldBeEmpty();

        EmbeddingGeneratorMetadata metadata = ((IEmbeddingGenerator)generator).GetService<EmbeddingGeneratorMetadata>()!;
        (metadata.ProviderName, metadata.DefaultModelId, metadata.DefaultModelDimensions).ShouldBe(("sparseinfer", "scripted", 32));
        generator.GetService(typeof(LanguageModel)).ShouldBe(model);
        ((ModelService)generator.GetService(typeof(ModelService))!).ReadCounts().Answered.ShouldBe(1);
    }

    [Fact]
    public async Task Options_are_done_or_refused_by_name()
    {
        using ScriptedModel model = ScriptedModel.Load(_ => "");
        using SparseInferEmbeddingGenerator generator = model.AsEmbeddingGenerator();
        async Task RefusesAsync<T>(string message, EmbeddingGenerationOptions options)
            where T : Exception =>
            (await Should.ThrowAsync<T>(async () => await generator.GenerateAsync(["a"], options))).Message.ShouldContain(message);

        await RefusesAsync<ArgumentException>("'ada'", new() { ModelId = "ada" });
        await RefusesAsync<NotSupportedException>("ModelServiceOptions.Matryoshka", new() { Dimensions = 8 });
        await RefusesAsync<ArgumentException>("'pooling', which the generator does not know", new() { AdditionalProperties = new() { ["pooling"] = "last" } });
        await RefusesAsync<ArgumentException>("gives String", new() { RawRepresentationFactory = _ => "last" });
        await RefusesAsync<ArgumentException>("EmbeddingPooling.None", new() { RawRepresentationFactory = _ => new EmbeddingOptions { Pooling = EmbeddingPooling.None } });
        Should.Throw<ArgumentException>(() => model.AsEmbeddingGenerator(defaults: new() { Pooling = EmbeddingPooling.None }));
        Should.Throw<ArgumentException>(() => model.AsEmbeddingGenerator(defaults: new() { Dimensions = 8 })).Message.ShouldContain("ModelServiceOptions.Matryoshka");
        (await Should.ThrowAsync<ArgumentException>(() => generator.GenerateAsync(["a", ""]))).Message.ShouldContain("Text 1 is empty");
        (await generator.GenerateAsync(["ab"], new() { ModelId = "Scripted", Dimensions = 32, RawRepresentationFactory = _ => new EmbeddingOptions { Pooling = EmbeddingPooling.Last } }))[0]
            .Vector.Span['b' % 32].ShouldBe(1);

        await using var service = new ModelService(model, new ModelServiceOptions { Matryoshka = true });
        using SparseInferEmbeddingGenerator cut = service.AsEmbeddingGenerator(defaults: new() { Dimensions = 4 });
        (await cut.GenerateAsync(["a"]))[0].Dimensions.ShouldBe(4);
        (await cut.GenerateAsync(["a"], new() { Dimensions = 8 }))[0].Dimensions.ShouldBe(8);
        using var canceled = new CancellationTokenSource();
        canceled.Cancel();
        await Should.ThrowAsync<OperationCanceledException>(() => cut.GenerateAsync(["a"], cancellationToken: canceled.Token));
    }

    [Fact]
    public async Task The_librarys_cache_asks_it_once()
    {
        using ScriptedModel model = ScriptedModel.Load(_ => "");
        var cache = new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions()));
        using SparseInferEmbeddingGenerator inner = model.AsEmbeddingGenerator();
        IEmbeddingGenerator<string, Embedding<float>> generator = inner.AsBuilder().UseDistributedCache(cache).Build();
        GeneratedEmbeddings<Embedding<float>> first = await generator.GenerateAsync(["one", "two"]);
        GeneratedEmbeddings<Embedding<float>> second = await generator.GenerateAsync(["two", "three"]);
        second[0].Vector.ToArray().ShouldBe(first[1].Vector.ToArray());
        ReadOnlyMemory<float> vector = await generator.GenerateVectorAsync("three");
        vector.ToArray().ShouldBe(second[1].Vector.ToArray());
        generator.GetService<ModelService>()!.ReadCounts().PromptTokens.ShouldBe("onetwothree".Length);
    }

    [Fact]
    public async Task An_application_has_one_that_it_frees_or_shares_the_chat_clients_model()
    {
        ScriptedModel? model = null;
        await using (ServiceProvider provider = new ServiceCollection().AddSparseInferEmbeddingGenerator(_ => model = ScriptedModel.Load(_ => ""), modelId: "one").BuildServiceProvider())
        {
            model.ShouldBeNull("nothing is loaded before it is asked for");
            var generator = provider.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>();
            (await generator.GenerateAsync(["a"]))[0].ModelId.ShouldBe("one");
            provider.GetRequiredService<IEmbeddingGenerator>().ShouldBe(generator);
        }

        await Should.ThrowAsync<ObjectDisposedException>(() => model!.EmbedAsync("a"));
        IServiceCollection services = new ServiceCollection()
            .AddSparseInferChatClient(_ => ScriptedModel.Load(_ => "Yes."))
            .AddSparseInferEmbeddingGenerator(provider => provider.GetRequiredService<ModelService>());
        Should.Throw<InvalidOperationException>(() => services.AddSparseInferEmbeddingGenerator(_ => ScriptedModel.Load(_ => "")));
        await using ServiceProvider both = services.BuildServiceProvider();
        both.GetRequiredService<SparseInferEmbeddingGenerator>().GetService(typeof(ModelService)).ShouldBe(both.GetRequiredService<ModelService>());
        (await both.GetRequiredService<SparseInferEmbeddingGenerator>().GenerateAsync(["a"])).Count.ShouldBe(1);
    }
}
