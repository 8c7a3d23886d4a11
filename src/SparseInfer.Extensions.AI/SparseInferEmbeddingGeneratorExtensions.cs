using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using SparseInfer.Serving;

namespace SparseInfer.Extensions.AI;

/// <summary>Makes generators of embeddings of models.</summary>
public static class SparseInferEmbeddingGeneratorExtensions
{
    /// <summary>Makes a generator, and a service for it that ends with it.</summary>
    /// <param name="model">The model; still the caller's to dispose, after the generator.</param>
    /// <param name="options">How many calls at a time, how many may wait; null: the defaults.</param>
    /// <param name="modelId">What the model is called; null: the name of its class.</param>
    /// <param name="defaults">Pooling, length and dimensions where a call does not say.</param>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    /// <exception cref="ArgumentException"><paramref name="defaults"/> ask for a vector of each token.</exception>
    public static SparseInferEmbeddingGenerator AsEmbeddingGenerator(
        this LanguageModel model, ModelServiceOptions? options = null, string? modelId = null, EmbeddingOptions? defaults = null) =>
        Make(model, options, modelId, defaults, ownsModel: false);

    /// <summary>Makes a generator of a service that others use too, such as a chat client of the same model.</summary>
    /// <param name="service">The service; still the caller's to dispose.</param>
    /// <param name="modelId">What the model is called; null: the name of its class.</param>
    /// <param name="defaults">Pooling, length and dimensions where a call does not say.</param>
    public static SparseInferEmbeddingGenerator AsEmbeddingGenerator(this ModelService service, string? modelId = null, EmbeddingOptions? defaults = null) =>
        new(service, modelId, defaults);

    /// <summary>
    /// Adds a model as the <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/> of an application: one for all, loaded when it is first asked for, and freed with the application.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="load">Loads the model: <c>_ => MyModel.Load("my-model.gguf")</c>.</param>
    /// <param name="options">How many calls at a time, how many may wait; null: the defaults.</param>
    /// <param name="modelId">What the model is called; null: the name of its class.</param>
    /// <param name="defaults">Pooling, length and dimensions where a call does not say.</param>
    /// <returns><paramref name="services"/>.</returns>
    /// <exception cref="InvalidOperationException">One was added before.</exception>
    public static IServiceCollection AddSparseInferEmbeddingGenerator(
        this IServiceCollection services,
        Func<IServiceProvider, LanguageModel> load,
        ModelServiceOptions? options = null,
        string? modelId = null,
        EmbeddingOptions? defaults = null)
    {
        ArgumentNullException.ThrowIfNull(load);
        return Add(services, provider => Make(load(provider), options, modelId, defaults, ownsModel: true));
    }

    /// <summary>Adds a service that others use too: <c>provider => provider.GetRequiredService&lt;ModelService&gt;()</c> is that of <c>AddSparseInferChatClient</c>.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="service">Finds the service; it stays another's.</param>
    /// <param name="modelId">What the model is called; null: the name of its class.</param>
    /// <param name="defaults">Pooling, length and dimensions where a call does not say.</param>
    /// <returns><paramref name="services"/>.</returns>
    /// <exception cref="InvalidOperationException">One was added before.</exception>
    public static IServiceCollection AddSparseInferEmbeddingGenerator(
        this IServiceCollection services, Func<IServiceProvider, ModelService> service, string? modelId = null, EmbeddingOptions? defaults = null)
    {
        ArgumentNullException.ThrowIfNull(service);
        return Add(services, provider => service(provider).AsEmbeddingGenerator(modelId, defaults));
    }

    private static IServiceCollection Add(IServiceCollection services, Func<IServiceProvider, SparseInferEmbeddingGenerator> make)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (services.Any(service => service.ServiceType == typeof(SparseInferEmbeddingGenerator)))
        {
            throw new InvalidOperationException(
                "There is a SparseInferEmbeddingGenerator among the services already: one model is loaded for all. Add a second one by a key of your own, with AsEmbeddingGenerator().");
        }

        services.AddSingleton(make);
        services.AddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(provider => provider.GetRequiredService<SparseInferEmbeddingGenerator>());
        services.AddSingleton<IEmbeddingGenerator>(provider => provider.GetRequiredService<SparseInferEmbeddingGenerator>());
        return services;
    }

    private static SparseInferEmbeddingGenerator Make(LanguageModel model, ModelServiceOptions? options, string? modelId, EmbeddingOptions? defaults, bool ownsModel)
    {
        ModelService? service = null;
        try
        {
            service = new ModelService(model, options);
            return new SparseInferEmbeddingGenerator(service, modelId, defaults, ownsService: true, ownsModel);
        }
        catch
        {
            service?.Dispose();
            if (ownsModel)
            {
                model.Dispose();
            }

            throw;
        }
    }
}
