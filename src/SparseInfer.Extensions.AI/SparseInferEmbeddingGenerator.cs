using Microsoft.Extensions.AI;
using SparseInfer.Serving;

namespace SparseInfer.Extensions.AI;

/// <summary>
/// A loaded model as a generator of embeddings. Any number of calls may run: they are computed between the tokens of answers that run, and wait for their turn where there are many
/// (<see cref="ModelService"/>). The same text gives the same bits.
/// </summary>
/// <remarks>
/// What a call asks for and cannot have is refused by name before anything is computed. Errors of the service come as they are, such as <see cref="ServiceBusyException"/> and
/// <see cref="TextTooLongException"/>.
/// </remarks>
public sealed class SparseInferEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>, IAsyncDisposable
{
    private readonly HeldService _held;
    private readonly EmbeddingOptions _defaults;
    private readonly EmbeddingGeneratorMetadata _metadata;

    /// <summary>Makes a generator of a service.</summary>
    /// <param name="service">What computes; still the caller's to dispose.</param>
    /// <param name="modelId">What the model is called; null: the name of its class.</param>
    /// <param name="defaults">Pooling, length and dimensions where a call does not say; null: what the model's file says, and all dimensions.</param>
    /// <exception cref="ArgumentException"><paramref name="defaults"/> ask for a vector of each token, or for dimensions that no call can have.</exception>
    public SparseInferEmbeddingGenerator(ModelService service, string? modelId = null, EmbeddingOptions? defaults = null)
        : this(service, modelId, defaults, ownsService: false, ownsModel: false)
    {
    }

    internal SparseInferEmbeddingGenerator(ModelService service, string? modelId, EmbeddingOptions? defaults, bool ownsService, bool ownsModel)
    {
        ArgumentNullException.ThrowIfNull(service);
        _held = new HeldService(service, ownsService, ownsModel);
        _defaults = defaults ?? new EmbeddingOptions();
        Require(_defaults);
        int width = service.Model.Shape.Hidden;
        if (_defaults.Dimensions > width || (_defaults.Dimensions < width && !service.Options.Matryoshka))
        {
            throw new ArgumentException(
                $"The defaults ask for {_defaults.Dimensions} dimensions, and {service.Model.Shape.Name} has {width}; fewer are given with {nameof(ModelServiceOptions)}.{nameof(ModelServiceOptions.Matryoshka)} alone.",
                nameof(defaults));
        }

        _metadata = new EmbeddingGeneratorMetadata("sparseinfer", providerUri: null, modelId ?? service.Model.Shape.Name, _defaults.Dimensions ?? width);
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">
    /// Fewer dimensions than the model has, without <see cref="ModelServiceOptions.Matryoshka"/>; or no pooling, and the model's file wants one that is not computed.
    /// </exception>
    /// <exception cref="ArgumentException">An option has a value that it cannot have, or a text cannot be embedded.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        EmbeddingOptions wanted = Of(options);
        string[] texts = [.. values];
        if (texts.Length == 0)
        {
            return new GeneratedEmbeddings<Embedding<float>>();
        }

        IReadOnlyList<TextEmbedding> embeddings = await _held.Service.EmbedAsync(new EmbeddingRequest(texts) { Options = wanted }, cancellationToken).ConfigureAwait(false);
        DateTimeOffset created = DateTimeOffset.UtcNow;
        int tokens = embeddings.Sum(embedding => embedding.Tokens.Count);
        return new GeneratedEmbeddings<Embedding<float>>(embeddings.Select(embedding => new Embedding<float>(embedding.Values) { CreatedAt = created, ModelId = _metadata.DefaultModelId }))
        {
            Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens },
        };
    }

    /// <summary>Besides itself, <see cref="EmbeddingGeneratorMetadata"/>, the <see cref="ModelService"/> and its <see cref="LanguageModel"/>.</summary>
    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) => _held.Find(this, _metadata, serviceType, serviceKey);

    /// <summary>Ends the calls that run, and frees what was made for this generator. A service, or a model, of the caller's stays.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>As <see cref="Dispose"/>; the thread does not wait.</summary>
    public ValueTask DisposeAsync() => _held.DisposeAsync();

    private EmbeddingOptions Of(EmbeddingGenerationOptions? options)
    {
        if (options is null)
        {
            return _defaults;
        }

        if (options.ModelId is { } wanted && wanted != _metadata.DefaultModelId)
        {
            throw new ArgumentException(
                $"EmbeddingGenerationOptions.ModelId is '{wanted}', and this generator has the model '{_metadata.DefaultModelId}' alone. Leave it null.", nameof(options));
        }

        if (options.AdditionalProperties?.Keys.FirstOrDefault() is { } name)
        {
            throw new ArgumentException(
                $"EmbeddingGenerationOptions.AdditionalProperties has '{name}', which the generator does not know: pooling and length are set by RawRepresentationFactory, with {nameof(EmbeddingOptions)}.",
                nameof(options));
        }

        EmbeddingOptions own = options.RawRepresentationFactory?.Invoke(this) switch
        {
            null => _defaults,
            EmbeddingOptions raw => raw,
            var other => throw new ArgumentException($"EmbeddingGenerationOptions.RawRepresentationFactory gives {other.GetType().Name}; the generator takes {nameof(EmbeddingOptions)}.", nameof(options)),
        };
        Require(own);
        return own with { Dimensions = options.Dimensions ?? own.Dimensions };
    }

    private static void Require(EmbeddingOptions options)
    {
        if (options.Pooling == EmbeddingPooling.None)
        {
            throw new ArgumentException("EmbeddingPooling.None gives a vector for each token, and a generator gives one for each text: ask LanguageModel.EmbedAsync.", nameof(options));
        }
    }
}
