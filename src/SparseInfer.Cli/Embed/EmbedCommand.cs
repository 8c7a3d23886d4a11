using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using SparseInfer.Cli.Run;

namespace SparseInfer.Cli.Embed;

/// <summary><c>sparseinfer embed</c>: from texts to vectors.</summary>
internal static class EmbedCommand
{
    private static readonly JsonSerializerOptions Written = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Loads a model, and writes the vectors when all are there.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="output">Where vectors go.</param>
    /// <param name="error">Where progress goes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task RunAsync(EmbedOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        using LoadedModel loaded = RunCommand.Load(options.Model, error, cancellationToken);
        LanguageModel model = loaded.Model;
        string path = options.Model.File.Path;
        if (!model.HasTokenizer)
        {
            throw new CliException($"{path} cannot read text: {model.WhyNoTokenizer}.");
        }

        if (options.Pooling is null && model.DefaultPooling is null)
        {
            throw new CliException($"{path}: {model.WhyNoPooling}: give --pooling mean, cls or last, whichever makes sense for the model.");
        }

        var vectors = new List<float[]>();
        foreach ((int index, string text) in options.Texts.Index())
        {
            TextEmbedding embedding = await EmbedAsync(model, text, index, options.Pooling, cancellationToken);
            for (int i = 0; i < embedding.Count; i++)
            {
                float[] vector = EmbeddingNorm.Apply(embedding[i].Span, options.Norm);
                vectors.Add(Array.TrueForAll(vector, float.IsFinite) ? vector : throw new CliException(
                    $"text {index} has a vector with elements that are no numbers: {path} is damaged, or its numbers are too large to be computed."));
            }
        }

        await output.WriteAsync(Text(vectors, options.Format) + "\n");
    }

    private static async Task<TextEmbedding> EmbedAsync(LanguageModel model, string text, int index, EmbeddingPooling? pooling, CancellationToken cancellationToken)
    {
        int[] tokens = model.Tokenizer.EncodeWhole(text);
        if (tokens.Length == 0)
        {
            throw new CliException($"text {index} has no token of the model's: leave it out.");
        }

        try
        {
            return await model.EmbedAsync(tokens, new() { Pooling = pooling, Normalize = false }, cancellationToken);
        }
        catch (TextTooLongException exception)
        {
            throw new CliException(string.Create(
                CultureInfo.InvariantCulture, $"text {index} has {exception.Tokens} tokens, and the model's context holds {exception.Context}: give its parts."));
        }
    }

    private static string Text(List<float[]> vectors, EmbeddingFormat format) => format switch
    {
        EmbeddingFormat.Array => JsonSerializer.Serialize(vectors, Written),
        EmbeddingFormat.Json => JsonSerializer.Serialize(new { Object = "list", Data = Data(vectors) }, Written),
        EmbeddingFormat.JsonAndSimilarity => JsonSerializer.Serialize(
            new { Object = "list", Data = Data(vectors), CosineSimilarity = vectors.Select(a => vectors.Select(b => EmbeddingNorm.Cosine(a, b))) }, Written),
        _ => string.Join('\n', vectors.Select((vector, i) =>
            string.Create(CultureInfo.InvariantCulture, $"embedding {i}: {string.Join(' ', vector.Select(value => value.ToString(CultureInfo.InvariantCulture)))}"))),
    };

    private static IEnumerable<object> Data(List<float[]> vectors) => vectors.Select((vector, i) => new { Object = "embedding", Index = i, Embedding = vector });
}
