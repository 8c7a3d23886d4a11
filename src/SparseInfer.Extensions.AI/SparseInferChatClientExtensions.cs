using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SparseInfer.Serving;

namespace SparseInfer.Extensions.AI;

/// <summary>Makes chat clients of models.</summary>
public static class SparseInferChatClientExtensions
{
    /// <summary>Makes a client, and a service for it that ends with it.</summary>
    /// <param name="model">The model; still the caller's to dispose, after the client.</param>
    /// <param name="options">How many calls at a time, how many may wait; null: the defaults.</param>
    /// <param name="modelId">What the model is called; null: the name of its class.</param>
    /// <param name="defaults">Length and sampling where a call does not say.</param>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public static SparseInferChatClient AsChatClient(
        this LanguageModel model, ModelServiceOptions? options = null, string? modelId = null, GenerationOptions? defaults = null)
    {
        defaults?.Validate();
        return new(new ModelService(model, options), modelId, defaults, ownsService: true, ownsModel: false);
    }

    /// <summary>Makes a client of a service that others use too.</summary>
    /// <param name="service">The service; still the caller's to dispose.</param>
    /// <param name="modelId">What the model is called; null: the name of its class.</param>
    /// <param name="defaults">Length and sampling where a call does not say.</param>
    public static SparseInferChatClient AsChatClient(this ModelService service, string? modelId = null, GenerationOptions? defaults = null) =>
        new(service, modelId, defaults);

    /// <summary>
    /// Adds a model as the <see cref="IChatClient"/> of an application: one for all, loaded when it is first asked for, and freed with the application. The
    /// <see cref="ModelService"/> can be asked for too.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="load">Loads the model: <c>_ => MyModel.Load("my-model.gguf")</c>.</param>
    /// <param name="options">How many calls at a time, how many may wait; null: the defaults.</param>
    /// <param name="modelId">What the model is called; null: the name of its class.</param>
    /// <param name="defaults">Length and sampling where a call does not say.</param>
    /// <returns><paramref name="services"/>.</returns>
    /// <exception cref="InvalidOperationException">One was added before.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="defaults"/> have a value that they cannot have.</exception>
    public static IServiceCollection AddSparseInferChatClient(
        this IServiceCollection services,
        Func<IServiceProvider, LanguageModel> load,
        ModelServiceOptions? options = null,
        string? modelId = null,
        GenerationOptions? defaults = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(load);
        defaults?.Validate();
        if (services.Any(service => service.ServiceType == typeof(SparseInferChatClient)))
        {
            throw new InvalidOperationException("There is a SparseInferChatClient among the services already: one model is loaded for all. Add a second one by a key of your own, with AsChatClient().");
        }

        services.AddSingleton(provider => Load(load(provider), options, modelId, defaults));
        services.AddSingleton<IChatClient>(provider => provider.GetRequiredService<SparseInferChatClient>());
        services.TryAddSingleton(provider => (ModelService)provider.GetRequiredService<SparseInferChatClient>().GetService(typeof(ModelService))!);
        return services;
    }

    private static SparseInferChatClient Load(LanguageModel model, ModelServiceOptions? options, string? modelId, GenerationOptions? defaults)
    {
        try
        {
            return new SparseInferChatClient(new ModelService(model, options), modelId, defaults, ownsService: true, ownsModel: true);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}
